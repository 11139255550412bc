package artifact

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/internal/verdict"
)

func digestOf(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// plainType is a media type without parameters.
func plainType(header string) string {
	mediaType, _, _ := strings.Cut(header, ";")
	return strings.TrimSpace(mediaType)
}

// platformsOf are the platforms of an index, or none of an image; the error
// says why it is neither.
func platformsOf(mediaType string, manifest []byte) ([]string, error) {
	switch kind := types.MediaType(mediaType); {
	case kind.IsImage():
		return nil, checkImage(kind, manifest)
	case kind.IsIndex():
		return readIndex(kind, manifest)
	}
	return nil, fmt.Errorf("its media type is %q", verdict.Clip(mediaType, 128))
}

func checkImage(kind types.MediaType, manifest []byte) error {
	image, err := v1.ParseManifest(bytes.NewReader(manifest))
	if err != nil {
		return errors.New("its manifest is not JSON of a manifest")
	}
	if image.Config.Digest.Hex == "" {
		return errors.New("its manifest names no configuration")
	}
	return sameType(kind, image.MediaType)
}

// readIndex lists the platforms of an index. Attestations, which are of an
// unknown platform, are not what runs.
func readIndex(kind types.MediaType, manifest []byte) ([]string, error) {
	index, err := v1.ParseIndexManifest(bytes.NewReader(manifest))
	if err != nil {
		return nil, errors.New("its index is not JSON of an index")
	}
	if len(index.Manifests) == 0 {
		return nil, errors.New("it is an index of nothing")
	}
	var platforms []string
	for _, m := range index.Manifests {
		if m.Platform != nil && m.Platform.OS != "unknown" {
			platforms = append(platforms, verdict.Clip(m.Platform.String(), 64))
		}
	}
	slices.Sort(platforms)
	return slices.Compact(platforms), sameType(kind, index.MediaType)
}

// sameType refuses content that says to be something else than its header
// says: one node could run an image that another takes for an index.
func sameType(header, content types.MediaType) error {
	if content == "" || content == header {
		return nil
	}
	return fmt.Errorf("the registry calls it %q and it calls itself %q", header, verdict.Clip(string(content), 128))
}

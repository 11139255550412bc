package imageprobe

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Bounds of a record, as its schema has them.
const (
	maxPlatforms = 16
	maxAccepted  = 16
	maxPlatform  = 64 // bytes, as the following
	maxSource    = 256
	maxRevision  = 128
)

// artifact is what was found of a digest.
type artifact struct {
	digest      string
	kind        types.MediaType
	platforms   []string
	images      []image  // that were looked into
	others      []string // digests of further images that a node may run
	annotations map[string]string
}

// record is what a release remembers of it.
func (a *artifact) record() *v1alpha1.ArtifactRecord {
	record := &v1alpha1.ArtifactRecord{
		MediaType: string(a.kind), Platforms: first(maxPlatforms, a.platforms), Accepted: a.accepted(),
		Source: a.source(), Revision: clean(a.label("revision"), maxRevision), CreatedTime: a.created(),
	}
	for _, i := range a.images {
		record.SizeBytes = max(record.SizeBytes, i.bytes)
	}
	return record
}

// accepted are the digests that a node may report: which of them it does
// depends on its runtime.
func (a *artifact) accepted() []string {
	all := make([]string, 1, 1+2*len(a.images)+len(a.others))
	all[0] = a.digest
	for _, i := range a.images {
		all = append(all, i.manifest, i.configuration)
	}
	var accepted []string
	for _, digest := range append(all, a.others...) {
		if !slices.Contains(accepted, digest) {
			accepted = append(accepted, digest)
		}
	}
	return first(maxAccepted, accepted)
}

// label is what the first image says of itself by a key of the OCI's, in its
// configuration, its manifest or its index.
func (a *artifact) label(key string) string {
	key = "org.opencontainers.image." + key
	i := a.images[0]
	for _, labels := range []map[string]string{i.config.Config.Labels, i.annotations, a.annotations} {
		if value := labels[key]; value != "" {
			return value
		}
	}
	return ""
}

// source leaves out the credentials that a pipeline may have left in the
// address of its repository.
func (a *artifact) source() string {
	text := a.label("source")
	if strings.Contains(text, "@") {
		u, err := url.Parse(text)
		if err != nil {
			return ""
		}
		u.User = nil
		text = u.String()
	}
	return clean(text, maxSource)
}

// created leaves out what JSON cannot say in four digits of a year.
func (a *artifact) created() metav1.Time {
	at := a.images[0].config.Created.UTC()
	if at.IsZero() {
		at, _ = time.Parse(time.RFC3339, a.label("created"))
		at = at.UTC()
	}
	if at.Year() < 1 || at.Year() > 9999 {
		return metav1.Time{}
	}
	return metav1.NewTime(at.Truncate(time.Second))
}

// clean is text of others that is fit to be shown, or "".
func clean(text string, limit int) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return ""
	}
	return verdict.Clip(text, limit)
}

// platformText is a platform as in linux/arm64/v8, without what no platform
// has in its name.
func platformText(p v1.Platform) string {
	return verdict.Clip(strings.Map(func(r rune) rune {
		if r < '!' || r > '~' || strings.ContainsRune(`"\<>&`, r) {
			return '?'
		}
		return r
	}, p.String()), maxPlatform)
}

func first(n int, all []string) []string { return all[:min(n, len(all))] }

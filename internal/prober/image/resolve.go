package imageprobe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

// maxImages of an index are looked into.
const maxImages = 4

// Resolve asks which digest the reference names now, and what it is. Offered
// are the platforms of the cluster's nodes, such as linux/amd64; none are not
// known. The digest and the artifact are absent unless the verdict, which is
// the only one, has passed.
func (r Registry) Resolve(ctx context.Context, image string, offered []string) verdict.Answer {
	ref, err := r.Parse(image)
	if err != nil {
		return verdict.Answer{Verdicts: []verdict.Verdict{invalid(image)}}
	}
	var found *artifact
	err = r.each(ctx, image, ref.Context(), func(ctx context.Context, s session) (err error) {
		found, err = s.look(ctx, ref, parsePlatforms(offered))
		return err
	})
	evidence := verdict.Evidence{Query: image, Source: ref.Context().RegistryStr()}
	if err != nil {
		return verdict.Answer{Verdicts: []verdict.Verdict{verdict.With(r.explain(image, ref.Context(), err), evidence)}}
	}
	evidence.Value = found.digest
	v := pass(ReasonResolved, "%s is %s", image, found.digest)
	if len(found.platforms) > 0 {
		v = pass(ReasonResolved, "%s is %s, for %s", image, found.digest, list(found.platforms))
	}
	return verdict.Answer{Digest: found.digest, Artifact: found.record(), Verdicts: []verdict.Verdict{verdict.With(v, evidence)}}
}

func invalid(image string) verdict.Verdict {
	return verdict.With(fail(ReasonInvalid,
		"%q is not an image reference: write artifact.image as registry.example/team/app:v1.0.0 or registry.example/team/app@sha256:…", image),
		verdict.Evidence{Query: verdict.Clip(image, 4096)})
}

// look gets what the reference names and what a node needs to run it, but for
// layers.
func (s session) look(ctx context.Context, ref name.Reference, offered []v1.Platform) (*artifact, error) {
	m, err := s.manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	if m.kind.IsIndex() {
		return s.lookInto(ctx, ref, m, offered)
	}
	i, err := s.imageOf(ctx, ref.Context(), m)
	if err != nil {
		return nil, err
	}
	found := &artifact{digest: m.digest, kind: m.kind, images: []image{i}}
	if i.platform.OS != "" {
		found.platforms = []string{platformText(i.platform)}
	}
	if !fits(i.platform, offered) {
		return nil, s.misfit(found.platforms, offered)
	}
	return found, nil
}

// lookInto looks at an index, and into its first images for the offered
// platforms.
func (s session) lookInto(ctx context.Context, ref name.Reference, m manifest, offered []v1.Platform) (*artifact, error) {
	index, err := m.index()
	if err != nil {
		return nil, s.unfit(err)
	}
	found := &artifact{digest: m.digest, kind: m.kind, annotations: index.Annotations}
	for n, d := range found.candidates(index, offered) {
		if n >= maxImages {
			found.others = append(found.others, d.Digest.String())
			continue
		}
		i, err := s.listed(ctx, ref.Context(), d)
		if err != nil {
			return nil, err
		}
		if d.Platform == nil && i.platform.OS != "" { // a node goes by the configuration, too
			found.platforms = append(found.platforms, platformText(i.platform))
		}
		if d.Platform != nil || fits(i.platform, offered) {
			found.images = append(found.images, i)
		}
	}
	slices.Sort(found.platforms)
	found.platforms = slices.Compact(found.platforms)
	if len(found.images) == 0 {
		return nil, s.misfit(found.platforms, offered)
	}
	return found, nil
}

// candidates are the images of an index that the offered platforms may run:
// those that say so before those of which only the configuration does.
func (a *artifact) candidates(index *v1.IndexManifest, offered []v1.Platform) []v1.Descriptor {
	var sure, perhaps []v1.Descriptor
	for _, d := range index.Manifests {
		switch {
		case !runnable(d):
		case d.Platform == nil:
			perhaps = append(perhaps, d)
		default:
			a.platforms = append(a.platforms, platformText(*d.Platform))
			if fits(*d.Platform, offered) {
				sure = append(sure, d)
			}
		}
	}
	return append(sure, perhaps...)
}

// misfit says which platforms are there, and which would be needed.
func (s session) misfit(platforms []string, offered []v1.Platform) error {
	nodes := make([]string, 0, len(offered))
	for _, p := range offered {
		nodes = append(nodes, platformText(p))
	}
	slices.Sort(nodes)
	return refuse(ReasonPlatformMissing, "%s is for %s, but the nodes of the cluster offer %s: build it for one of those, or add a node that runs it", s.image, list(platforms), list(slices.Compact(nodes)))
}

// listed is an image that an index lists.
func (s session) listed(ctx context.Context, in name.Repository, d v1.Descriptor) (image, error) {
	ref := in.Digest(d.Digest.String())
	m, err := s.manifest(ctx, ref)
	switch {
	case err != nil:
		return image{}, s.incomplete(ref, err)
	case m.kind != d.MediaType:
		return image{}, s.unfit(fmt.Errorf("the registry calls %s %q and the index %q", m.digest, verdict.Clip(string(m.kind), 128), d.MediaType))
	case int64(len(m.raw)) != d.Size:
		return image{}, s.unfit(fmt.Errorf("%s has %d bytes and its index says %d", m.digest, len(m.raw), d.Size))
	}
	return s.imageOf(ctx, in, m)
}

// image is what a node would run.
type image struct {
	manifest, configuration string // digests
	platform                v1.Platform
	bytes                   int64
	config                  *v1.ConfigFile
	annotations             map[string]string
}

func (s session) imageOf(ctx context.Context, in name.Repository, m manifest) (image, error) {
	read, err := m.image()
	if err != nil {
		return image{}, s.unfit(err)
	}
	config, err := s.config(ctx, in, read.Config)
	if err != nil {
		return image{}, err
	}
	i := image{manifest: m.digest, configuration: read.Config.Digest.String(), bytes: read.Config.Size, config: config, annotations: read.Annotations}
	if p := config.Platform(); p != nil {
		i.platform = *p
	}
	for _, layer := range read.Layers {
		i.bytes += layer.Size
	}
	return i, nil
}

// parsePlatforms reads os/architecture, and a variant where there is one.
func parsePlatforms(all []string) []v1.Platform {
	var platforms []v1.Platform
	for _, text := range all {
		if p, err := v1.ParsePlatform(text); err == nil {
			platforms = append(platforms, *p)
		}
	}
	return platforms
}

// fits tells whether a node can run an image, as far as either says: a node
// that names no variant has them all, and an image that names no platform is
// run anywhere.
func fits(p v1.Platform, offered []v1.Platform) bool {
	return p.OS == "" || len(offered) == 0 || slices.ContainsFunc(offered, p.Satisfies)
}

// list is for a message.
func list(all []string) string { return verdict.Clip(strings.Join(all, ", "), maxListed) }

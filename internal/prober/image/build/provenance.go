package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// What builds are called in their provenance.
const (
	StatementType  = "https://in-toto.io/Statement/v1"
	PredicateType  = "https://slsa.dev/provenance/v1"
	MediaTypeProof = "application/vnd.in-toto+json"

	// BuildTypeAppend puts layers on a base; its external parameters are an
	// AppendBuild.
	BuildTypeAppend = "https://delivery.signal.dev/build/append/v1"
	// BuildTypeJob runs a builder's image; its external parameters are a
	// JobBuild.
	BuildTypeJob = "https://delivery.signal.dev/build/job/v1"
)

// Origin is where an image came from.
type Origin struct {
	Subject      name.Digest // what was pushed
	BuildType    string
	Parameters   any // external parameters: what the user wrote, as a JSON object
	Dependencies []Dependency
	Builder      string    // URI of who built
	Invocation   string    // of this run; absent: not said
	Started      time.Time // absent: not said
	Finished     time.Time // absent: not said
}

// Dependency is what an image was made of.
type Dependency struct {
	Name   string // what it was for
	URI    string // where it was
	Digest string // sha256:…
}

// Origin is where the digest came from that Append has answered with. It has
// no times: the same inputs have the same provenance.
func (t Task) Origin(digest string) Origin {
	o := Origin{Subject: t.Repository.Digest(digest), BuildType: BuildTypeAppend, Parameters: t.Spec, Builder: t.Builder}
	o.Dependencies = append(o.Dependencies, pinned("base", t.Spec.Base))
	for i, l := range t.Spec.Layers {
		called := fmt.Sprintf("layers[%d]", i)
		if l.Volume == nil {
			o.Dependencies = append(o.Dependencies, pinned(called, l.Artifact))
			continue
		}
		where := url.URL{Scheme: "volume", Host: l.Volume.Claim, Path: "/" + l.Volume.Path}
		o.Dependencies = append(o.Dependencies, Dependency{called, where.String(), "sha256:" + l.Volume.SHA256})
	}
	return o
}

// pinned is a reference by digest as a dependency.
func pinned(called, ref string) Dependency {
	where, digest, _ := strings.Cut(ref, "@")
	return Dependency{called, "oci://" + where, digest}
}

// Provenance is the SLSA provenance of an image as an in-toto statement, in
// JSON without spaces and with sorted names: the same origin gives the same
// bytes. It is not signed.
func Provenance(o Origin) ([]byte, error) {
	of := make([]any, 0, len(o.Dependencies))
	for _, d := range o.Dependencies {
		of = append(of, map[string]any{"name": d.Name, "uri": d.URI, "digest": digests(d.Digest)})
	}
	definition := map[string]any{"buildType": o.BuildType, "externalParameters": o.Parameters}
	if len(of) > 0 {
		definition["resolvedDependencies"] = of
	}
	run := map[string]any{"builder": map[string]any{"id": o.Builder}}
	if about := metadata(o); len(about) > 0 {
		run["metadata"] = about
	}
	text, err := canonical(map[string]any{
		"_type":         StatementType,
		"subject":       []any{map[string]any{"name": o.Subject.Context().Name(), "digest": digests(o.Subject.DigestStr())}},
		"predicateType": PredicateType,
		"predicate":     map[string]any{"buildDefinition": definition, "runDetails": run},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the provenance of %s: %w", o.Subject, err)
	}
	return text, nil
}

func metadata(o Origin) map[string]any {
	about := map[string]any{}
	if o.Invocation != "" {
		about["invocationId"] = o.Invocation
	}
	if !o.Started.IsZero() {
		about["startedOn"] = o.Started.UTC().Format(time.RFC3339)
	}
	if !o.Finished.IsZero() {
		about["finishedOn"] = o.Finished.UTC().Format(time.RFC3339)
	}
	return about
}

func digests(digest string) map[string]string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return map[string]string{algorithm: hex}
}

// canonical is JSON whose names are sorted, however the types declare them.
func canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(plain)
	return bytes.TrimSpace(out.Bytes()), err
}

package imageprobe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestAnIndexIsPinnedWholeAndLookedIntoForTheNodes(t *testing.T) {
	s := shelf{}
	amd, arm, mainframe := s.listed(t, "linux/amd64", 10), s.listed(t, "linux/arm64/v8", 1000), s.listed(t, "linux/s390x", 100000)
	attestation := with(s.put(imageType, "{}"), object{"platform": object{"os": "unknown", "architecture": "unknown"}})
	want := s.tag(t, indexType, index(amd, arm, attestation, mainframe, amd))
	delete(s, digest(mainframe)) // not asked for
	h := host(t, s)
	got, v := resolve(t, h+"/acme/app:v1", "linux/arm64", "linux/amd64", "windows/amd64")
	if diff := cmp.Diff(resolved(h+"/acme/app:v1", h, want, ", for linux/amd64, linux/arm64/v8, linux/s390x"), v); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&v1alpha1.ArtifactRecord{
		MediaType: indexType, Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/s390x"},
		Accepted:  []string{want, digest(amd), s.configOf(t, amd), digest(arm), s.configOf(t, arm)},
		SizeBytes: 1000 + int64(len(s[s.configOf(t, arm)].body)),
	}, got.Artifact); diff != "" {
		t.Error(diff)
	}
}

func TestPlatforms(t *testing.T) {
	s := shelf{}
	plain := func(platform string) object { return with(s.listed(t, platform), object{"platform": nil}) }
	for situation, tc := range map[string]struct {
		listed  []object
		offered []string
		want    string // "" means that it is found
	}{
		"any node":                         {[]object{s.listed(t, "linux/amd64")}, nil, ""},
		"one of several":                   {[]object{s.listed(t, "linux/amd64"), s.listed(t, "linux/arm64")}, []string{"linux/arm64"}, ""},
		"a node that names its variant":    {[]object{s.listed(t, "linux/arm/v7")}, []string{"linux/arm/v7"}, ""},
		"another variant":                  {[]object{s.listed(t, "linux/arm/v6")}, []string{"linux/arm/v7"}, "is for linux/arm/v6, but the nodes of the cluster offer linux/arm/v7"},
		"another architecture":             {[]object{s.listed(t, "linux/s390x"), s.listed(t, "linux/arm64")}, []string{"linux/ppc64le", "linux/amd64"}, "is for linux/arm64, linux/s390x, but the nodes of the cluster offer linux/amd64, linux/ppc64le"},
		"another system":                   {[]object{s.listed(t, "windows/amd64")}, []string{"linux/amd64"}, "is for windows/amd64, but"},
		"the configuration says it":        {[]object{plain("linux/amd64")}, []string{"linux/amd64"}, ""},
		"the configuration says another":   {[]object{plain("linux/arm64")}, []string{"linux/amd64"}, "is for linux/arm64, but"},
		"an empty platform is none":        {[]object{with(plain("linux/arm64"), object{"platform": object{}})}, []string{"linux/amd64"}, "is for linux/arm64, but"},
		"those that say it come first":     {[]object{plain("linux/arm64"), plain("linux/s390x"), plain("linux/ppc64le"), plain("linux/riscv64"), s.listed(t, "linux/amd64")}, []string{"linux/amd64"}, ""},
		"the index counts":                 {[]object{with(s.listed(t, "linux/arm64"), object{"platform": object{"os": "linux", "architecture": "amd64"}})}, []string{"linux/amd64"}, ""},
		"nobody says it":                   {[]object{plain("")}, []string{"linux/amd64"}, ""},
		"the same image for one platform":  {[]object{s.listed(t, "linux/amd64"), s.listed(t, "linux/amd64")}, []string{"linux/amd64"}, ""},
		"two compressions, told apart":     {[]object{s.listed(t, "linux/amd64", 1), with(s.listed(t, "linux/amd64", 2), object{"annotations": object{"zstd": "true"}})}, []string{"linux/amd64"}, ""},
		"two versions of Windows":          {[]object{windows(s.listed(t, "windows/amd64", 1), "10.0.1"), windows(s.listed(t, "windows/amd64", 2), "10.0.2")}, []string{"windows/amd64"}, ""},
		"an artifact for the same is none": {[]object{s.listed(t, "linux/amd64", 1), with(s.listed(t, "linux/amd64", 2), object{"artifactType": "application/example"})}, []string{"linux/amd64"}, ""},
		"called by its configuration":      {[]object{with(s.listed(t, "linux/amd64"), object{"artifactType": configType})}, []string{"linux/amd64"}, ""},
	} {
		t.Run(situation, func(t *testing.T) {
			s.tag(t, indexType, index(tc.listed...))
			ref := host(t, s) + "/acme/app:v1"
			_, v := resolve(t, ref, tc.offered...)
			if tc.want == "" && v.Outcome == verdict.Passed {
				return
			}
			if v.Outcome != verdict.Failed || v.Reason != ReasonPlatformMissing || tc.want == "" || !strings.HasPrefix(v.Message, ref+" "+tc.want) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func windows(listed object, version string) object {
	return with(listed, object{"platform": object{"os": "windows", "architecture": "amd64", "os.version": version}})
}

func TestASingleImageForAnotherPlatformIsRefused(t *testing.T) {
	s := shelf{}
	s.tag(t, imageType, s.image(t, object{"os": "linux", "architecture": "arm64"}))
	_, v := resolve(t, host(t, s)+"/acme/app:v1", "linux/amd64")
	if v.Reason != ReasonPlatformMissing || !strings.Contains(v.Message, "is for linux/arm64, but the nodes of the cluster offer linux/amd64") {
		t.Errorf("got %+v", v)
	}
}

func TestFourImagesAreLookedInto(t *testing.T) {
	s := shelf{}
	var listed []object
	for i := range 20 {
		listed = append(listed, s.listed(t, fmt.Sprintf("linux/a%02d", i), int64(i)))
	}
	want := s.tag(t, indexType, index(listed...))
	accepted := []string{want}
	for _, d := range listed[:4] {
		accepted = append(accepted, digest(d), s.configOf(t, d))
	}
	for _, d := range listed[4:11] {
		accepted = append(accepted, digest(d))
	}
	size := 3 + int64(len(s[s.configOf(t, listed[3])].body))
	for _, d := range listed[4:] {
		delete(s, digest(d))
	}
	got, v := resolve(t, host(t, s)+"/acme/app:v1")
	if v.Outcome != verdict.Passed || len(got.Artifact.Platforms) != 16 || got.Artifact.SizeBytes != size {
		t.Fatalf("got %+v %+v", v, got.Artifact)
	}
	if diff := cmp.Diff(accepted, got.Artifact.Accepted); diff != "" {
		t.Error(diff)
	}
}

func TestAnAnswerFitsATerminationMessageWhateverTheRegistrySays(t *testing.T) {
	s := shelf{}
	var listed []object
	for i := range 128 {
		listed = append(listed, with(s.listed(t, "linux/amd64", int64(i)), object{"platform": object{"os": strings.Repeat("\x01ä<", 99), "architecture": fmt.Sprint(i)}}))
	}
	s.tag(t, indexType, with(index(listed...), object{"annotations": object{
		"org.opencontainers.image.source": strings.Repeat(`"`, 9999), "org.opencontainers.image.revision": strings.Repeat(`\`, 9999),
	}}))
	want, _ := resolve(t, host(t, s)+"/"+strings.Repeat("a", 200)+":v1")
	got, ok := verdict.Read(string(want.Encode()))
	if diff := cmp.Diff(want.Artifact, got.Artifact); diff != "" || !ok || got.Digest != want.Digest || len(got.Verdicts) != 1 {
		t.Errorf("%t %s", ok, diff)
	}
	for _, p := range want.Artifact.Platforms {
		if len(p) > 64 || strings.ContainsAny(p, "\x01ä<") {
			t.Errorf("platform %q", p)
		}
	}
}

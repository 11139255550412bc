package imageprobe

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/internal/verdict"
)

func TestContentMustHaveItsDigest(t *testing.T) {
	good := shelf{}
	m := good.image(t, object{"os": "linux", "architecture": "amd64"}, 5)
	body := encoded(t, m)
	config := digest(m["config"].(object))
	other := strings.Replace(good[config].body, "amd64", "arm64", 1)
	entry := good.listed(t, "linux/amd64", 7)
	for situation, tc := range map[string]struct {
		ref   string
		shelf shelf
		says  []string
	}{
		"a tag's header":           {":v1", shelf{"v1": {imageType, body, elsewhere}}, []string{elsewhere, digestOf([]byte(body))}},
		"a long header":            {":v1", shelf{"v1": {imageType, body, elsewhere + strings.Repeat("0", 999)}}, []string{"sha256:0000"}},
		"a digest":                 {"@" + elsewhere, shelf{elsewhere: {imageType, body, ""}}, []string{elsewhere, digestOf([]byte(body))}},
		"a digest and its header":  {"@" + elsewhere, shelf{elsewhere: {imageType, body, elsewhere}}, []string{elsewhere, digestOf([]byte(body))}},
		"the configuration":        {":v1", shelf{"v1": {imageType, body, ""}, config: {"", other, ""}}, []string{config, digestOf([]byte(other))}},
		"an entry":                 {":v1", shelf{"v1": {indexType, encoded(t, index(entry)), ""}, digest(entry): {imageType, body, ""}}, []string{digest(entry), digestOf([]byte(body))}},
		"a header of the digest's": {"@" + digestOf([]byte(body)), shelf{digestOf([]byte(body)): {imageType, body, elsewhere}}, []string{elsewhere}},
	} {
		t.Run(situation, func(t *testing.T) {
			ref := host(t, tc.shelf) + "/acme/app" + tc.ref
			_, v := resolve(t, ref)
			if v.Outcome != verdict.Failed || v.Reason != ReasonUnsupported || !strings.Contains(v.Message, "do not trust it") || !strings.Contains(v.Message, ref) || len(v.Message) > 600 {
				t.Errorf("got %+v", v)
			}
			for _, says := range tc.says {
				if !strings.Contains(v.Message, says) {
					t.Errorf("it does not say %q: %s", says, v.Message)
				}
			}
		})
	}
}

func TestWhatBelongsToAnImageMustBeThere(t *testing.T) {
	s := shelf{}
	m := s.image(t, object{"os": "linux"})
	entry := s.listed(t, "linux/amd64")
	for situation, tc := range map[string]struct {
		kind, body, missing string
	}{
		"the configuration": {imageType, encoded(t, m), digest(m["config"].(object))},
		"an entry":          {indexType, encoded(t, index(entry)), digest(entry)},
	} {
		t.Run(situation, func(t *testing.T) {
			ref := host(t, shelf{"v1": {kind: tc.kind, body: tc.body}}) + "/acme/app:v1"
			_, v := resolve(t, ref)
			if v.Outcome != verdict.Failed || v.Reason != ReasonNotFound || !strings.Contains(v.Message, ref+", but not "+tc.missing) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// A connection that breaks off is no lie.
func TestAConfigurationThatComesInPartIsUnknown(t *testing.T) {
	s := shelf{}
	m := s.image(t, object{"os": "linux", "architecture": "amd64"})
	s.tag(t, imageType, m)
	config := digest(m["config"].(object))
	s[config] = item{body: s[config].body[:5]}
	_, v := resolve(t, host(t, s)+"/acme/app:v1")
	if v.Outcome != verdict.Unknown || v.Reason != ReasonUnavailable {
		t.Errorf("got %+v", v)
	}
}

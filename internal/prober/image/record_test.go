package imageprobe

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

func oci(key, value string) object { return object{"org.opencontainers.image." + key: value} }

func TestWhatAnImageSaysOfItself(t *testing.T) {
	at := func(text string) metav1.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return metav1.NewTime(parsed)
	}
	type words struct {
		Source, Revision string
		Created          metav1.Time
	}
	for situation, tc := range map[string]struct {
		labels, annotations, ofIndex object
		created                      string
		want                         words
	}{
		"nothing":         {},
		"in labels":       {labels: with(oci("source", "https://git.example/app"), oci("revision", "c0ffee")), want: words{Source: "https://git.example/app", Revision: "c0ffee"}},
		"in annotations":  {annotations: oci("source", "https://git.example/app"), want: words{Source: "https://git.example/app"}},
		"in the index":    {ofIndex: oci("revision", "c0ffee"), want: words{Revision: "c0ffee"}},
		"first in labels": {labels: oci("revision", "a"), annotations: oci("revision", "b"), ofIndex: oci("revision", "c"), want: words{Revision: "a"}},
		"then in the manifest": {
			labels: oci("revision", ""), annotations: oci("revision", "b"), ofIndex: oci("revision", "c"), want: words{Revision: "b"},
		},
		"as much as is kept": {
			labels: with(oci("source", strings.Repeat("s", 256)), oci("revision", strings.Repeat("r", 128))),
			want:   words{Source: strings.Repeat("s", 256), Revision: strings.Repeat("r", 128)},
		},
		"too much": {
			labels: with(oci("source", strings.Repeat("s", 257)), oci("revision", strings.Repeat("r", 129))),
			want:   words{Source: strings.Repeat("s", 253) + "…", Revision: strings.Repeat("r", 125) + "…"},
		},
		"control characters":         {labels: with(oci("source", "a\x1b[2J"), oci("revision", "a\nb")), want: words{}},
		"credentials":                {labels: oci("source", "https://bot:hunter2@git.example/app"), want: words{Source: "https://git.example/app"}},
		"credentials, hidden":        {labels: oci("source", "https://bot:hunter2@git.example/%zz"), want: words{}},
		"created":                    {created: "2026-01-18T09:35:31.123+01:00", want: words{Created: at("2026-01-18T08:35:31Z")}},
		"created in the epoch":       {created: "1970-01-01T00:00:00Z", want: words{Created: at("1970-01-01T00:00:00Z")}},
		"created by annotation":      {annotations: oci("created", "2026-01-18T08:35:31Z"), want: words{Created: at("2026-01-18T08:35:31Z")}},
		"created by both":            {created: "2026-01-18T08:35:31Z", annotations: oci("created", "2025-01-18T08:35:31Z"), want: words{Created: at("2026-01-18T08:35:31Z")}},
		"created at no time":         {annotations: oci("created", "yesterday")},
		"created before the years":   {created: "0000-01-01T00:00:00Z"},
		"created after the years":    {created: "9999-12-31T23:59:59-01:00"},
		"created in the last second": {created: "9999-12-31T23:59:59Z", want: words{Created: at("9999-12-31T23:59:59Z")}},
	} {
		t.Run(situation, func(t *testing.T) {
			s := shelf{}
			config := object{"os": "linux", "architecture": "amd64", "config": object{"Labels": tc.labels}}
			if tc.created != "" {
				config["created"] = tc.created
			}
			listed := s.put(imageType, encoded(t, with(s.image(t, config), object{"annotations": tc.annotations})))
			s.tag(t, indexType, with(index(with(listed, object{"platform": object{"os": "linux", "architecture": "amd64"}})), object{"annotations": tc.ofIndex}))
			got, v := resolve(t, host(t, s)+"/acme/app:v1")
			if v.Outcome != verdict.Passed {
				t.Fatalf("got %+v", v)
			}
			record := got.Artifact
			if diff := cmp.Diff(tc.want, words{record.Source, record.Revision, record.CreatedTime}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheFirstImageThatNodesRunSpeaksForAll(t *testing.T) {
	s := shelf{}
	entry := func(architecture, revision string) object {
		config := object{"os": "linux", "architecture": architecture, "config": object{"Labels": oci("revision", revision)}}
		return with(s.put(imageType, encoded(t, s.image(t, config))), object{"platform": object{"os": "linux", "architecture": architecture}})
	}
	s.tag(t, indexType, index(entry("s390x", "a"), entry("arm64", "b"), entry("amd64", "c")))
	if got, v := resolve(t, host(t, s)+"/acme/app:v1", "linux/amd64", "linux/arm64"); v.Outcome != verdict.Passed || got.Artifact.Revision != "b" {
		t.Errorf("got %+v %+v", got.Artifact, v)
	}
}

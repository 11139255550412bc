package release

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func released(change ...func(*v1alpha1.Release)) v1alpha1.Release {
	r := v1alpha1.Release{
		Hash: "0123456789", Asked: "abcdefabcd", ID: "v1-prod-20300101_120000", Version: "v1", Attempt: 1,
		Image: "registry.example:5000/acme/app:v1", Digest: digest1, Artifact: &v1alpha1.ArtifactRecord{Signer: "us"},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func app() *v1alpha1.SignalDeployment {
	return &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app", UID: "uid"}, Spec: *spec()}
}

func TestAManifestSaysWhatWasReleased(t *testing.T) {
	want := `{"type":"application/vnd.signal.dev.release.v1+json","id":"v1-prod-20300101_120000","hash":"0123456789","attempt":1,` +
		`"namespace":"prod","name":"app","environment":"prod","version":"v1","image":"registry.example:5000/acme/app@sha256:1111111111111111",` +
		`"parts":{"digest":"sha256:1111111111111111","template":"632e67a0aa","configs":{"settings":"8e916a8491"},"alerts":"33ffceced7","checks":"44136fa355"},` +
		`"artifact":{"signer":"us"},"traceId":"ec02a80566cdf597d1cde730fa9356fe"}`
	got := Manifest(app(), released(), Inputs{Configs: config("a")})
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// How the dashboard is delivered is told.
func TestAManifestCoversTheDashboard(t *testing.T) {
	with := func(d *v1alpha1.DashboardSpec) string {
		sd := app()
		sd.Spec.Dashboard = d
		return string(Manifest(sd, released(), Inputs{Configs: config("a")}))
	}
	none, one, other := with(nil), with(&v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverConfigMap}), with(&v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverConfigMap, Folder: "Signals"})
	if strings.Contains(none, `"dashboard"`) || !strings.Contains(one, `"dashboard":"`) || one == other {
		t.Errorf("without %s\nwith %s\nin a folder %s", none, one, other)
	}
}

func TestAManifestIsTheSameEachTime(t *testing.T) {
	first := Manifest(app(), released(), Inputs{Configs: config("a")})
	if !bytes.Equal(first, Manifest(app(), released(), Inputs{Configs: config("a")})) {
		t.Error("twice is not once")
	}
	if bytes.Equal(first, Manifest(app(), released(), Inputs{Configs: config("b")})) {
		t.Error("the configuration is not in it")
	}
}

// A manifest is believed as far as what it says makes the release's hash.
func TestWhatAManifestIsBelieved(t *testing.T) {
	for name, tc := range map[string]struct {
		configs Configs
		forge   func(string) string
		hash    string // of another release; the manifest's own when empty
		want    map[string]string
	}{
		"as it was written":         {configs: config("a"), want: map[string]string{"settings": ConfigHash(config("a")["settings"])}},
		"without configuration":     {},
		"of another release":        {configs: config("a"), hash: "0123456789"},
		"with another part":         {configs: config("a"), forge: func(text string) string { return strings.Replace(text, `"checks":"`, `"checks":"0`, 1) }},
		"with another content":      {configs: config("a"), forge: func(text string) string { return strings.Replace(text, `"settings":"`, `"settings":"0`, 1) }},
		"without one of its copies": {configs: config("a"), forge: func(text string) string { return strings.Replace(text, `"settings"`, `"other"`, 1) }},
		"that is no JSON":           {configs: config("a"), forge: func(text string) string { return text[1:] }},
	} {
		t.Run(name, func(t *testing.T) {
			in := Inputs{Configs: tc.configs}
			text, hash := string(Manifest(app(), released(), in)), Hash(&app().Spec, in, digest1)
			if tc.hash != "" {
				hash = tc.hash
			}
			if tc.forge != nil {
				text = tc.forge(text)
			}
			got, believed := FrozenConfigs(text, hash)
			if want := tc.forge == nil && tc.hash == ""; believed != want {
				t.Errorf("believed %t, want %t", believed, want)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATraceIsOfOneAttempt(t *testing.T) {
	first := TraceID(app(), released())
	other := app()
	other.UID = "other"
	for name, id := range map[string]string{
		"the next attempt": TraceID(app(), released(func(r *v1alpha1.Release) { r.Attempt = 2 })),
		"another ask":      TraceID(app(), released(func(r *v1alpha1.Release) { r.Asked = "other" })),
		"another object":   TraceID(other, released()),
	} {
		if id == first || len(id) != 32 {
			t.Errorf("%s: %s", name, id)
		}
	}
	if TraceID(app(), released()) != first {
		t.Error("twice is not once")
	}
}

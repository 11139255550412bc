package build

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const ones = "1111111111111111111111111111111111111111111111111111111111111111"

func appended(t *testing.T) Origin {
	t.Helper()
	job := Task{
		Repository: repository(t, "registry.example/acme/app"), Builder: "https://signal.example/prober",
		Spec: v1alpha1.AppendBuild{
			Base:   "gcr.io/distroless/static@sha256:" + ones[:63] + "2",
			Labels: map[string]string{"b": "<2>", "a": "1"},
			Layers: []v1alpha1.LayerSource{
				{Artifact: "registry.example/acme/files:v1@sha256:" + ones[:63] + "3"},
				{Volume: &v1alpha1.VolumeTarball{Claim: "files", Path: "a dir/app.tar", SHA256: ones[:63] + "4"}},
			},
		},
	}
	return job.Origin("sha256:" + ones)
}

func TestProvenanceOfAnAppendedImage(t *testing.T) {
	const want = `{"_type":"https://in-toto.io/Statement/v1",` +
		`"predicate":{"buildDefinition":{"buildType":"https://delivery.signal.dev/build/append/v1",` +
		`"externalParameters":{"base":"gcr.io/distroless/static@sha256:1111111111111111111111111111111111111111111111111111111111111112","labels":{"a":"1","b":"<2>"},` +
		`"layers":[{"artifact":"registry.example/acme/files:v1@sha256:1111111111111111111111111111111111111111111111111111111111111113"},` +
		`{"volume":{"claim":"files","path":"a dir/app.tar","sha256":"1111111111111111111111111111111111111111111111111111111111111114"}}]},` +
		`"resolvedDependencies":[` +
		`{"digest":{"sha256":"1111111111111111111111111111111111111111111111111111111111111112"},"name":"base","uri":"oci://gcr.io/distroless/static"},` +
		`{"digest":{"sha256":"1111111111111111111111111111111111111111111111111111111111111113"},"name":"layers[0]","uri":"oci://registry.example/acme/files:v1"},` +
		`{"digest":{"sha256":"1111111111111111111111111111111111111111111111111111111111111114"},"name":"layers[1]","uri":"volume://files/a%20dir/app.tar"}]},` +
		`"runDetails":{"builder":{"id":"https://signal.example/prober"}}},` +
		`"predicateType":"https://slsa.dev/provenance/v1",` +
		`"subject":[{"digest":{"sha256":"` + ones + `"},"name":"registry.example/acme/app"}]}`
	for range 2 {
		got, err := Provenance(appended(t))
		fine(t, err)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestProvenanceOfAJobsImage(t *testing.T) {
	at := time.Date(2030, 1, 1, 12, 0, 0, 5, time.FixedZone("", 3600))
	got, err := Provenance(Origin{
		Subject: repository(t, "registry.example/acme/app").Digest("sha256:" + ones), BuildType: BuildTypeJob,
		Parameters: v1alpha1.JobBuild{Image: "registry.example/builder:v1"}, Builder: "https://ci.example",
		Invocation: "prod/app/3", Started: at, Finished: at.Add(time.Minute),
	})
	fine(t, err)
	want := `{"_type":"https://in-toto.io/Statement/v1","predicate":{"buildDefinition":{"buildType":"https://delivery.signal.dev/build/job/v1",` +
		`"externalParameters":{"image":"registry.example/builder:v1"}},"runDetails":{"builder":{"id":"https://ci.example"},` +
		`"metadata":{"finishedOn":"2030-01-01T11:01:00Z","invocationId":"prod/app/3","startedOn":"2030-01-01T11:00:00Z"}}},` +
		`"predicateType":"https://slsa.dev/provenance/v1","subject":[{"digest":{"sha256":"` + ones + `"},"name":"registry.example/acme/app"}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestParametersThatAreNoJSON(t *testing.T) {
	o := appended(t)
	o.Parameters = func() {}
	if text, err := Provenance(o); err == nil {
		t.Errorf("got %s", text)
	}
}

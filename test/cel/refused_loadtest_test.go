package cel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A load test is bounded in all that it sends and for how long.
func TestRefusedLoadTests(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		`{requests: []}`:                       "requests in body should have at least 1 items",
		`{}`:                                   "requests: Required value",
		`{requests: [{path: a}]}`:              "must begin with a single '/'",
		`{requests: [{path: /}], shape: Wave}`: `shape: Unsupported value: "Wave"`,
		`{requests: [{path: /}], ratePerSecond: 5001}`:          "ratePerSecond in body should be less than or equal to 5000",
		`{requests: [{path: /}], durationSeconds: 3601}`:        "durationSeconds in body should be less than or equal to 3600",
		`{requests: [{path: /}], workers: 11}`:                  "workers in body should be less than or equal to 10",
		`{requests: [{path: /}], edges: [Large]}`:               `edges[0]: Unsupported value: "Large"`,
		`{requests: [{path: /}], edges: [SlowBody, SlowBody]}`:  "edges[1]: Duplicate value",
		`{requests: [{path: /}], faults: [{path: /f}]}`:         "faults[0].recoverSeconds: Required value",
		`{requests: [{path: /}], limits: {p99Milliseconds: 0}}`: "limits.p99Milliseconds in body should be greater than or equal to 1",
		`{requests: [{path: /}], limits: {errorPercent: 1}}`:    `errorPercent in body must be of type string: "integer"`,
		`{requests: [{path: /}], peak: {fromRatePerSecond: 1}}`: "peak.toRatePerSecond: Required value",
		`{requests: [{path: /}], timeoutSeconds: 7201}`:         "timeoutSeconds in body should be less than or equal to 7200",
		`{requests: [{path: /}], answerSeconds: 61}`:            "answerSeconds in body should be less than or equal to 60",
	} {
		u := object(t, everything)
		if err := unstructured.SetNestedField(u.Object, fields(t, `test: `+change), "spec", "checks", "load"); err != nil {
			t.Fatal(err)
		}
		if err := apiserver.Create(t.Context(), u, client.DryRunAll); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", change, err, want)
		}
	}
}

// What is left out of a load test has a default.
func TestLoadTestDefaults(t *testing.T) {
	t.Parallel()
	u, path := object(t, everything), []string{"spec", "checks", "load"}
	if err := unstructured.SetNestedField(u.Object, fields(t, `test: {requests: [{path: /}], faults: [{path: /f, recoverSeconds: 5}], peak: {fromRatePerSecond: 1, toRatePerSecond: 9}}`), path...); err != nil {
		t.Fatal(err)
	}
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	got, _, err := unstructured.NestedMap(u.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	want := fields(t, `test: {requests: [{path: /, method: GET, weight: 1}], shape: Constant, ratePerSecond: 20, durationSeconds: 30, answerSeconds: 5, workers: 1, timeoutSeconds: 600,
  limits: {errorPercent: "1"}, faults: [{path: /f, method: POST, recoverSeconds: 5}], peak: {fromRatePerSecond: 1, toRatePerSecond: 9, stepSeconds: 5}}`)
	if diff := cmp.Diff(want, any(got)); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
	}
}

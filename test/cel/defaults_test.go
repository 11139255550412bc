package cel_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// TestDefaults compares the whole spec that comes back with what was asked for.
func TestDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, minimal)
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	want := fields(t, `
replicas: 1
template:
  spec:
    containers: [{name: signal}]
artifact: {image: registry.example/acme/signal-service:v1.0.0}
service: {ports: [{name: http, port: 80, protocol: TCP}]}
analysis: {interval: 1s, scrape: {path: /metrics, scheme: http}}
alerts: {server: built-in, rollbackOn: [critical]}
strategy: {verifySeconds: 300, progressDeadlineSeconds: 600, drainSeconds: 30}
rollback: {automatic: true, windowSeconds: 3600}
report: {historyLimit: 10}
`)
	if diff := cmp.Diff(want, u.Object["spec"]); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

// TestItemDefaults compares whole items of lists with what was asked for.
func TestItemDefaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path  []string
		given string
		want  string
	}{
		"step": {
			[]string{"strategy", "steps"},
			`{name: first, weight: 5}`,
			`{name: first, weight: 5, holdSeconds: 60, approval: NotRequired}`,
		},
		"check by requests": {
			[]string{"checks", "smoke"},
			`{name: api, http: {requests: [{path: /healthz}]}}`,
			`{name: api, timeoutSeconds: 60, retries: 0, http: {requests: [{path: /healthz, method: GET}]}}`,
		},
		"request of a stream, and of one that is sent again": {
			[]string{"checks", "smoke"},
			`{name: api, http: {requests: [{path: /a, stream: {protocol: WebSocket}, retry: {}}]}}`,
			`{name: api, timeoutSeconds: 60, retries: 0, http: {requests: [{path: /a, method: GET, stream: {protocol: WebSocket, minMessages: 1, withinSeconds: 10}, retry: {attempts: 3, backoffMilliseconds: 500}}]}}`,
		},
		"check by an image": {
			[]string{"checks", "smoke"},
			`{name: api, job: {image: acme/contract:v1}}`,
			`{name: api, timeoutSeconds: 60, retries: 0, job: {image: acme/contract:v1}}`,
		},
		"metric": {
			[]string{"analysis", "metrics"},
			`{name: errors, query: up, max: 1}`,
			`{name: errors, query: up, max: 1, server: built-in, consecutiveFailures: 1, minSamples: 1, noData: Unknown}`,
		},
		"errors": {
			[]string{"analysis", "metrics"},
			`{name: errors, errors: {}}`,
			`{name: errors, errors: {counter: http_requests_total, failed: 'code=~"5.."', maxIncrease: "0.01", detectIncrease: "0.05", minRequests: 50, alpha: "0.01", beta: "0.1"}, server: built-in, consecutiveFailures: 1, minSamples: 1, noData: Unknown}`,
		},
		"latency": {
			[]string{"analysis", "metrics"},
			`{name: latency, latency: {}}`,
			`{name: latency, latency: {histogram: http_request_duration_seconds, quantile: "0.95", maxRatio: "1.2", maxIncreaseSeconds: "0.01", minRequests: 100, alpha: "0.01"}, server: built-in, consecutiveFailures: 1, minSamples: 1, noData: Unknown}`,
		},
		"metric over a window": {
			[]string{"analysis", "metrics"},
			`{name: errors, query: up, max: 1, range: {windowSeconds: 60}}`,
			`{name: errors, query: up, max: 1, range: {windowSeconds: 60, stepSeconds: 1, reduce: Avg}, server: built-in, consecutiveFailures: 1, minSamples: 1, noData: Unknown}`,
		},
		"group of rules": {
			[]string{"alerts", "groups"},
			`{name: g, rules: [{alert: A, expr: up}]}`,
			`{name: g, rules: [{alert: A, expr: up}]}`,
		},
		"file of rules": {
			[]string{"alerts", "rulesFrom"},
			`{name: signal-rules}`,
			`{name: signal-rules, key: rules.yaml}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := object(t, everything)
			path := append([]string{"spec"}, tc.path...)
			if err := unstructured.SetNestedSlice(u.Object, []any{fields(t, tc.given)}, path...); err != nil {
				t.Fatal(err)
			}
			if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			got, _, err := unstructured.NestedSlice(u.Object, path...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{fields(t, tc.want)}, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", path, diff)
			}
		})
	}
}

// fields reads a part of an object from YAML, with numbers as the API server
// gives them.
func fields(t *testing.T, text string) any {
	t.Helper()
	part := map[string]any{}
	compact, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(compact, &part); err != nil { // integers become int64
		t.Fatal(err)
	}
	return part
}

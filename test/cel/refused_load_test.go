package cel_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRefusedLoad(t *testing.T) {
	t.Parallel()
	const (
		load    = "spec.checks.load.background."
		request = load + "requests.0."
		at      = `spec.checks.load.background.`
	)
	refused(t, map[string]refusal{
		"load without requests":         {drop(load + "requests"), at + `requests: Required value`},
		"load of no requests":           {set(load+"requests", []any{}), at + `requests in body should have at least 1 items`},
		"load of 17 requests":           {fill(load+"requests", 15, same), at + `requests: Too many: 17: must have at most 16 items`},
		"load rate 0":                   {set(load+"ratePerSecond", int64(0)), at + `ratePerSecond in body should be greater than or equal to 1`},
		"load rate 501":                 {set(load+"ratePerSecond", int64(501)), at + `ratePerSecond in body should be less than or equal to 500`},
		"load rate in quotes":           {set(load+"ratePerSecond", "20"), at + `ratePerSecond in body must be of type integer: "string"`},
		"load timeout 0":                {set(load+"timeoutSeconds", int64(0)), at + `timeoutSeconds in body should be greater than or equal to 1`},
		"load timeout over a minute":    {set(load+"timeoutSeconds", int64(61)), at + `timeoutSeconds in body should be less than or equal to 60`},
		"load port empty":               {set(load+"port", ""), at + `port in body should be at least 1 chars long`},
		"load port of 16 letters":       {set(load+"port", long(16)), at + `port: Too long`},
		"load port by number":           {set(load+"port", int64(80)), at + `port in body must be of type string: "integer"`},
		"load that is no quantity":      {set(load+"resources.limits.cpu", "1 core"), at + `resources.limits.cpu`},
		"load with another field":       {set(load+"users", int64(5)), `unknown field "spec.checks.load.background.users"`},
		"load path missing":             {drop(request + "path"), at + `requests[0].path: Required value`},
		"load path empty":               {set(request+"path", ""), at + `requests[0].path in body should be at least 1 chars long`},
		"load path without a slash":     {set(request+"path", "healthz"), at + `requests[0].path: Invalid value: "healthz": must begin with a single '/'`},
		"load path to another host":     {set(request+"path", "//evil.example/"), `must begin with a single '/'`},
		"load path of 2049 letters":     {set(request+"path", "/"+long(2048)), at + `requests[0].path: Too long: may not be more than 2048 bytes`},
		"load method in small letters":  {set(request+"method", "get"), at + `requests[0].method: Unsupported value: "get"`},
		"load body of 4097 letters":     {set(request+"body", long(4097)), at + `requests[0].body: Too long: may not be more than 4096 bytes`},
		"load header twice":             {twice(request + "headers"), at + `requests[0].headers[1]: Duplicate value: {"name":"Accept"}`},
		"load of 33 headers":            {fill(request+"headers", 32, named), at + `requests[0].headers: Too many: 33: must have at most 32 items`},
		"load header with a colon":      {set(request+"headers.0.name", "Accept:"), `must be a header name`},
		"load header of the mark":       {set(request+"headers.0.name", "x-signal-SYNTHETIC"), at + `requests[0].headers: Invalid value: must leave out X-Signal-Synthetic and User-Agent: the operator marks synthetic requests with them`},
		"load header of the user agent": {set(request+"headers.0.name", "User-agent"), `must leave out X-Signal-Synthetic and User-Agent`},
		"load weight 0":                 {set(request+"weight", int64(0)), at + `requests[0].weight in body should be greater than or equal to 1`},
		"load weight 101":               {set(request+"weight", int64(101)), at + `requests[0].weight in body should be less than or equal to 100`},
		"load request with expect":      {set(request+"expect", map[string]any{}), `unknown field "spec.checks.load.background.requests[0].expect"`},
	})
}

// What is left out of background load has a default.
func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, everything)
	path := []string{"spec", "checks", "load"}
	if err := unstructured.SetNestedField(u.Object, fields(t, `background: {requests: [{path: /v1/signals}]}`), path...); err != nil {
		t.Fatal(err)
	}
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	got, _, err := unstructured.NestedMap(u.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	want := fields(t, `background: {ratePerSecond: 20, timeoutSeconds: 5, requests: [{path: /v1/signals, method: GET, weight: 1}]}`)
	if diff := cmp.Diff(want, any(got)); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
	}
}

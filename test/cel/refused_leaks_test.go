package cel_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRefusedLeaks(t *testing.T) {
	t.Parallel()
	const (
		at   = "spec.checks.leaks."
		path = `must begin with a single '/' and have no query`
	)
	numbered := func(_ any, i int) any { return "/" + strconv.Itoa(i) }
	refused(t, map[string]refusal{
		"leaks without paths":               {drop(at + "paths"), at + `paths: Required value`},
		"leaks of no paths":                 {set(at+"paths", []any{}), at + `paths in body should have at least 1 items`},
		"leaks of 9 paths":                  {fill(at+"paths", 8, numbered), at + `paths: Too many: 9: must have at most 8 items`},
		"leaks path twice":                  {set(at+"paths", []any{"/", "/"}), at + `paths[1]: Duplicate value: "/"`},
		"leaks path with a query":           {set(at+"paths.0", "/v1?token=1"), path},
		"leaks path to another host":        {set(at+"paths.0", "//evil.example"), path},
		"leaks of 5 write paths":            {fill(at+"writePaths", 4, numbered), at + `writePaths: Too many: 5: must have at most 4 items`},
		"leaks write path without a slash":  {set(at+"writePaths.0", "v1"), path},
		"leaks without an account":          {drop(at + "serviceAccountName"), at + `serviceAccountName: Required value`},
		"leaks of an empty account":         {set(at+"serviceAccountName", ""), at + `serviceAccountName in body should be at least 1 chars long`},
		"leaks of another namespace":        {set(at+"namespace", "kube-system"), `unknown field "spec.checks.leaks.namespace"`},
		"leaks of another host":             {set(at+"target", "https://elsewhere.example"), `unknown field "spec.checks.leaks.target"`},
		"leaks with another word for echo":  {set(at+"echo", "Yes"), at + `echo: Unsupported value: "Yes": supported values: "Refused", "Allowed"`},
		"leaks budget 0":                    {set(at+"requestBudget", int64(0)), at + `requestBudget in body should be greater than or equal to 1`},
		"leaks budget 10001":                {set(at+"requestBudget", int64(10001)), at + `requestBudget in body should be less than or equal to 10000`},
		"leaks rate 0":                      {set(at+"ratePerSecond", int64(0)), at + `ratePerSecond in body should be greater than or equal to 1`},
		"leaks rate 201":                    {set(at+"ratePerSecond", int64(201)), at + `ratePerSecond in body should be less than or equal to 200`},
		"leaks timeout 9":                   {set(at+"timeoutSeconds", int64(9)), at + `timeoutSeconds in body should be greater than or equal to 10`},
		"leaks timeout over an hour":        {set(at+"timeoutSeconds", int64(3601)), at + `timeoutSeconds in body should be less than or equal to 3600`},
		"leaks account of too many letters": {set(at+"serviceAccountName", long(254)), at + `serviceAccountName: Too long: may not be more than 253 bytes`},
	})
}

// What is left out of the check of leaks has a default.
func TestLeaksDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, everything)
	at := strings.Split("spec.checks.leaks", ".")
	if err := unstructured.SetNestedField(u.Object, fields(t, `{paths: [/], serviceAccountName: leaks}`), at...); err != nil {
		t.Fatal(err)
	}
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	got, _, err := unstructured.NestedMap(u.Object, at...)
	want := fields(t, `{paths: [/], serviceAccountName: leaks, echo: Refused, requestBudget: 1000, ratePerSecond: 20, timeoutSeconds: 300}`)
	if diff := cmp.Diff(want, any(got)); diff != "" || err != nil {
		t.Errorf("leaks (-want +got):\n%s%v", diff, err)
	}
}

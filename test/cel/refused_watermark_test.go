package cel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRefusedWatermark(t *testing.T) {
	t.Parallel()
	const at = "spec.checks.watermark."
	refused(t, map[string]refusal{
		"watermark without a Secret":          {drop(at + "secretName"), at + `secretName: Required value`},
		"watermark with a Secret of no name":  {set(at+"secretName", ""), at + `secretName in body should be at least 1 chars long`},
		"watermark Secret of 254 letters":     {set(at+"secretName", long(254)), at + `secretName: Too long: may not be more than 253 bytes`},
		"watermark of another namespace":      {set(at+"secretNamespace", "kube-system"), `unknown field "spec.checks.watermark.secretNamespace"`},
		"watermark with its key in the open":  {set(at+"key", "c2VjcmV0"), `unknown field "spec.checks.watermark.key"`},
		"watermark path empty":                {set(at+"path", ""), at + `path in body should be at least 1 chars long`},
		"watermark path of 257 letters":       {set(at+"path", "/"+long(256)), at + `path: Too long: may not be more than 256 bytes`},
		"watermark port empty":                {set(at+"port", ""), at + `port in body should be at least 1 chars long`},
		"watermark port of 16 letters":        {set(at+"port", long(16)), at + `port: Too long`},
		"watermark of 9 requests":             {set(at+"requests", int64(9)), at + `requests in body should be greater than or equal to 10`},
		"watermark of 1001 requests":          {set(at+"requests", int64(1001)), at + `requests in body should be less than or equal to 1000`},
		"split of 99 requests":                {set(at+"splitRequests", int64(99)), at + `splitRequests in body should be greater than or equal to 100`},
		"split of 5001 requests":              {set(at+"splitRequests", int64(5001)), at + `splitRequests in body should be less than or equal to 5000`},
		"watermark of a target of one's own ": {set(at+"url", "https://elsewhere.example"), `unknown field "spec.checks.watermark.url"`},
	})
}

// What is left out has a default, but for what calls the entry.
func TestWatermarkDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, everything)
	at := strings.Split("spec.checks.watermark", ".")
	if err := unstructured.SetNestedField(u.Object, fields(t, `{secretName: watermark}`), at...); err != nil {
		t.Fatal(err)
	}
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	got, _, err := unstructured.NestedMap(u.Object, at...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields(t, `{secretName: watermark, path: /, requests: 50}`), any(got)); diff != "" {
		t.Errorf("watermark (-want +got):\n%s", diff)
	}
}

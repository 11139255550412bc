package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const policy = `metadata:
  name: signal-operator-a
  labels: {app.kubernetes.io/name: signal-operator}
spec:
  expression: user == 'system:serviceaccount:signal-operator-system:signal-operator' && {{x}}
`

const binding = `spec:
  policyName: signal-operator-a
  matchResources:
    namespaceSelector:
      matchExpressions:
` + switchedOff

func TestFromPolicies(t *testing.T) {
	t.Parallel()
	got, err := fromPolicies([][]byte{[]byte(policy), []byte(binding)})
	if err != nil {
		t.Fatal(err)
	}
	want := generated + guarded + `metadata:
  name: {{ include "signal-operator.fullname" . }}-a
` + labels + `spec:
  expression: user == 'system:serviceaccount:{{ .Release.Namespace }}:{{ include "signal-operator.serviceAccountName" . }}' && {{ "{{" }}x}}
---
spec:
  policyName: {{ include "signal-operator.fullname" . }}-a
  matchResources:
    namespaceSelector:
      matchExpressions:
` + switchedOff + inNamespaces + "{{- end }}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}

// TestFromPoliciesRefuses requires everything that is the release's own to be
// found: a chart with the operator's user left as in config/ would shut its own
// operator out.
func TestFromPoliciesRefuses(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{":signal-operator-system:", "  name:", "policyName", "labels", "guard"} {
		t.Run(missing, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(policy+"---\n"+binding, missing, "other")
			if _, err := fromPolicies([][]byte{[]byte(text)}); err == nil {
				t.Errorf("policies without %q were taken", missing)
			}
		})
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	configDir = filepath.Join("..", "..", "config")
	chartDir  = filepath.Join("..", "..", "charts", "signal-operator")
)

// TestNothingDrifts requires the chart to be what config/ says.
func TestNothingDrifts(t *testing.T) {
	t.Parallel()
	files, err := generate(configDir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(chartDir, "templates", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what config/ says, run make manifests (-want +got):\n%s", name, diff)
		}
	}
}

func TestFromCRD(t *testing.T) {
	t.Parallel()
	got, err := fromCRD([]byte("---\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    a: b\n  name: things\nspec:\n  description: the sum {{x}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := generated + `{{- if .Values.crds.install }}
kind: CustomResourceDefinition
metadata:
  annotations:
` + keep + `    a: b
` + labels + `  name: things
spec:
  description: the sum {{ "{{" }}x}}
{{- end }}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}

func TestFromCRDRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ crd, want string }{
		"one without annotations": {"metadata:\n  name: things\n", "the CRD has no annotations to add to"},
		"one without a name":      {"metadata:\n  annotations:\n    a: b\n", "the CRD has no name after its annotations"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := fromCRD([]byte(tc.crd)); err == nil || err.Error() != tc.want {
				t.Errorf("error = %v; want %s", err, tc.want)
			}
		})
	}
}

func TestFromRoles(t *testing.T) {
	t.Parallel()
	got, err := fromRoles([][]byte{[]byte("kind: Role\nmetadata: {name: reader}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	want := generated + `
{{- define "rules.reader" -}}
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
{{- end }}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
	if _, err := fromRoles([][]byte{[]byte("rulez: []")}); err == nil || !strings.Contains(err.Error(), "rulez") {
		t.Errorf("error = %v; want one that names the unknown field", err)
	}
}

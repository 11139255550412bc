package admission_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhereItIsInstalled is the chart's choice between auto, true and false.
func TestWhereItIsInstalled(t *testing.T) {
	t.Parallel()
	everything := []string{
		"ValidatingAdmissionPolicy signal-operator-authors", "ValidatingAdmissionPolicy signal-operator-pods",
		"ValidatingAdmissionPolicy signal-operator-releases", "ValidatingAdmissionPolicy signal-operator-status",
		"ValidatingAdmissionPolicyBinding signal-operator-authors", "ValidatingAdmissionPolicyBinding signal-operator-job-pods",
		"ValidatingAdmissionPolicyBinding signal-operator-pods", "ValidatingAdmissionPolicyBinding signal-operator-releases",
		"ValidatingAdmissionPolicyBinding signal-operator-status",
	}
	const withoutIt = "--api-versions=apps/v1/Deployment,admissionregistration.k8s.io/v1" // a cluster that has it switched off
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"by default":                           {nil, everything},
		"by default, on a cluster with it":     {[]string{withoutIt + ",admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"}, everything},
		"by default, on one without it":        {[]string{withoutIt}, nil},
		"on one without it, all the same":      {[]string{withoutIt, "--set=admissionPolicy.enabled=true"}, everything},
		"never":                                {[]string{"--set=admissionPolicy.enabled=false"}, nil},
		"in the namespaced mode":               {[]string{"--set=watchNamespaces={a}"}, nil},
		"in the namespaced mode, all the same": {[]string{"--set=watchNamespaces={a}", "--set=admissionPolicy.enabled=true"}, everything},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := output(t.Context(), append([]string{helm, "template", "signal-operator", chart}, tc.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, match := range regexp.MustCompile(`(?m)^kind: (ValidatingAdmission\w+)\nmetadata:\n  name: (.+)$`).FindAllStringSubmatch(out, -1) {
				got = append(got, match[1]+" "+match[2])
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNamespacedGuard leaves the releases of other namespaces to their own
// operators.
func TestNamespacedGuard(t *testing.T) {
	t.Parallel()
	out, err := output(t.Context(), helm, "template", "signal-operator", chart, "--set", "watchNamespaces={a,b},admissionPolicy.enabled=true")
	if err != nil {
		t.Fatal(err)
	}
	const narrowed = "      - {key: delivery.signal.dev/guard, operator: NotIn, values: [\"off\"]}\n" +
		"      - {key: kubernetes.io/metadata.name, operator: In, values: [\"a\",\"b\"]}\n"
	if got := strings.Count(out, narrowed); got != 4 {
		t.Errorf("%d bindings are narrowed to the namespaces; want 4", got)
	}
}

// TestMisspelt is refused by the chart's schema.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"admissionPolicy.enabled=yes", "admissionPolicy.enable=true"} {
		if _, err := output(t.Context(), helm, "template", "signal-operator", chart, "--set", set); err == nil || !strings.Contains(err.Error(), "/admissionPolicy") {
			t.Errorf("%s: error = %v; want one that names the value", set, err)
		}
	}
}

// TestAnotherNamespace changes the one word of config/default that moves the
// operator: the guard must let the moved operator through, and not who has its
// old name.
func TestAnotherNamespace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "config"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "default", "kustomization.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "namespace: elsewhere\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := output(t.Context(), kubectl, "kustomize", filepath.Join(dir, "default"))
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`'system:serviceaccount:.*:signal-operator'`).FindAllString(out, -1)
	want := []string{"'system:serviceaccount:elsewhere:signal-operator'", "'system:serviceaccount:elsewhere:signal-operator'"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("whom the guard lets through (-want +got):\n%s", diff)
	}
}

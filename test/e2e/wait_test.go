package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// wake brings the shared operator back after a test that put it to sleep.
func wake(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := shared.Kubectl(ctx, "-n", cluster.OperatorNamespace, "scale", "deployment", "--all", "--replicas=1"); err != nil {
		t.Error(err)
	}
	if _, err := shared.Kubectl(ctx, "-n", cluster.OperatorNamespace, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s"); err != nil {
		t.Error(err)
	}
}

// kubectl wait and Helm's own wait understand the status as it is: both
// succeed on a good release, and Helm fails at once on one that turned back.
func TestWait(t *testing.T) {
	namespace := space(t, "e2e-wait")
	chart := chartOf(t, namespace, "v1.0.0")
	if err := shared.Create(t.Context(), cluster.Route(namespace)); err != nil {
		t.Fatal(err)
	}
	if _, err := shared.Run(t.Context(), nil, "helm", "install", "app", chart, "--namespace", namespace, "--wait", "--timeout", "3m"); err != nil {
		t.Fatal(err)
	}
	sd := cluster.SignalDeployment(namespace, "")
	until(t, sd, func(*v1alpha1.SignalDeployment) bool { return true })
	if sd.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Fatalf("Helm did not wait for the release: it is %s", sd.Status.Phase)
	}
	if _, err := shared.Kubectl(t.Context(), "-n", namespace, "wait", "--for=condition=Ready", "--timeout=10s", "sigdep/"+cluster.ServiceName); err != nil {
		t.Fatal(err)
	}

	missing := chartOf(t, namespace, "no-such-tag")
	_, err := shared.Run(t.Context(), nil, "helm", "upgrade", "app", missing, "--namespace", namespace, "--wait", "--timeout", "3m")
	if err == nil {
		t.Fatal("Helm took a failed release for a good one")
	}
	until(t, sd, func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Phase == v1alpha1.PhaseFailed })
	if sd.Status.Stable.Version != "v1.0.0" || !strings.Contains(sd.Status.Rollout.Message, "no-such-tag") {
		t.Errorf("stable %s, message %q", sd.Status.Stable.Version, sd.Status.Rollout.Message)
	}
}

// chartOf is a chart with one SignalDeployment in it.
func chartOf(t *testing.T, namespace, version string) string {
	t.Helper()
	dir := t.TempDir()
	sd := cluster.SignalDeployment(namespace, image(version))
	sd.Spec.Analysis, sd.Spec.Alerts = v1alpha1.AnalysisSpec{}, v1alpha1.AlertsSpec{} // this test sends no traffic to judge by
	sd.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SignalDeployment"))
	object, err := yaml.Marshal(map[string]any{"apiVersion": sd.APIVersion, "kind": sd.Kind, "metadata": map[string]string{"name": sd.Name}, "spec": sd.Spec})
	if err != nil {
		t.Fatal(err)
	}
	// A PromQL expression may not be taken for a template.
	text := strings.ReplaceAll(string(object), "{{", "{{`{{`}}")
	for name, content := range map[string]string{"Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n", "templates/app.yaml": text} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The sample in config/samples is taken by plain kubectl apply, twice.
func TestSampleApplies(t *testing.T) {
	namespace := space(t, "e2e-sample")
	for range 2 {
		if _, err := shared.Kubectl(t.Context(), "-n", namespace, "apply", "-k", "config/samples"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := shared.Kubectl(t.Context(), "apply", "--dry-run=server", "-f", "config/crd/bases"); err != nil {
		t.Errorf("the CRD does not go through plain kubectl apply: %v", err)
	}
}

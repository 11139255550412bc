package cel_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// sizeLimit is how many bytes of compact JSON the CRD may have. kubectl apply
// keeps the whole object in annotations of at most 262144 bytes.
const sizeLimit = 200_000

func TestSize(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(crdFile)
	if err != nil {
		t.Fatal(err)
	}
	crd := map[string]any{}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	compact, err := json.Marshal(crd)
	if err != nil {
		t.Fatal(err)
	}
	if len(compact) >= sizeLimit {
		t.Errorf("the CRD has %d bytes of JSON; want less than %d", len(compact), sizeLimit)
	}
}

// TestPlainApply is the way that big CRDs can no longer go.
func TestPlainApply(t *testing.T) {
	t.Parallel()
	if out := runKubectl(t, "apply", "--dry-run=server", "-f", crdFile); !strings.Contains(out, "customresourcedefinition.apiextensions.k8s.io/signaldeployments.delivery.signal.dev") {
		t.Errorf("kubectl says %q", out)
	}
}

// TestSample applies the sample again and again, each way that people do: it
// is another generation, and so another release, only when it says another thing.
func TestSample(t *testing.T) {
	t.Parallel()
	samples := filepath.Join("..", "..", "config", "samples")
	for _, flag := range []string{"-f", "-f", "-k"} {
		runKubectl(t, "apply", "--namespace=kube-public", flag, samples)
		got := runKubectl(t, "get", "--namespace=kube-public", "sigdep", "signal-service", "-o", "jsonpath={.metadata.generation}")
		if got != "1" {
			t.Errorf("generation = %s after kubectl apply %s; want 1", got, flag)
		}
	}
}

// TestColumns looks with kubectl, by the short name and by the category.
func TestColumns(t *testing.T) {
	t.Parallel()
	u := another(t, "columns")
	create(t, u)
	for _, resource := range []string{"sigdep", "signal"} {
		lines := strings.Split(runKubectl(t, "get", resource, "-o", "wide"), "\n")
		want := []string{"NAME", "PHASE", "STEP", "WEIGHT", "VERDICT", "STABLE", "CANDIDATE", "AGE", "RELEASE", "DIGEST", "SIGNER", "BUILDER", "DRILL", "REASON"}
		if diff := cmp.Diff(want, strings.Fields(lines[0])); diff != "" {
			t.Errorf("columns of %s (-want +got):\n%s", resource, diff)
		}
	}
}

// runKubectl runs kubectl once and returns what it says.
func runKubectl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, problems.String())
	}
	return string(out)
}

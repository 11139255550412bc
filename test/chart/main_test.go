// Package chart_test renders the Helm chart and the kustomizations, and asks a
// real API server whether it would take what they make.
package chart_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

var (
	root  = filepath.Join("..", "..")
	chart = filepath.Join(root, "charts", "signal-operator")

	// helm and kubectl are the paths of the commands.
	helm, kubectl string
	// apiserver is strict: it refuses unknown fields.
	apiserver client.Client
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the API server once for all tests.
func run(m *testing.M) (code int, err error) {
	helm = os.Getenv("HELM")
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if helm == "" || assets == "" {
		return 0, errors.New("HELM must name helm, and KUBEBUILDER_ASSETS a folder with etcd, kube-apiserver and kubectl: run make test-cel, which sets both")
	}
	kubectl = filepath.Join(assets, "kubectl")
	env := &envtest.Environment{}
	config, err := env.Start()
	if err != nil {
		return 0, fmt.Errorf("start the API server: %w", err)
	}
	defer func() { err = errors.Join(err, env.Stop()) }()
	plain, err := client.New(config, client.Options{})
	if err != nil {
		return 0, fmt.Errorf("make a client: %w", err)
	}
	apiserver = client.WithFieldValidation(plain, "Strict")
	return m.Run(), nil
}

// output runs a command and returns what it says.
func output(t *testing.T, command string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(command), err, problems.String())
	}
	return string(out), nil
}

// rendered are the objects that the chart makes of values.
func rendered(t *testing.T, args ...string) []*unstructured.Unstructured {
	t.Helper()
	out, err := output(t, helm, append([]string{"template", "signal-operator", chart, "--namespace", "default"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, out)
}

// objects reads a stream of objects.
func objects(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		u := &unstructured.Unstructured{}
		err := decoder.Decode(u)
		if err != nil && err.Error() == "EOF" {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if u.Object != nil {
			all = append(all, u)
		}
	}
}

// kinds are the objects' kinds and names, sorted as they come.
func kinds(all []*unstructured.Unstructured) []string {
	var out []string
	for _, u := range all {
		out = append(out, u.GetKind()+" "+u.GetName())
	}
	return out
}

// only is the one object of a kind and name.
func only(t *testing.T, all []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, u := range all {
		if u.GetKind() == kind && u.GetName() == name {
			return u
		}
	}
	t.Fatalf("there is no %s %s among %v", kind, name, kinds(all))
	return nil
}

// accepted requires the API server to take every object of a kind it has.
func accepted(t *testing.T, all []*unstructured.Unstructured) {
	t.Helper()
	for _, u := range all {
		if u.GetNamespace() != "" {
			u.SetNamespace("default") // the only one that is there
		}
		err := apiserver.Create(t.Context(), u.DeepCopy(), client.DryRunAll)
		if err != nil && !meta.IsNoMatchError(err) {
			t.Errorf("%s %s: %v", u.GetKind(), u.GetName(), err)
		}
	}
}

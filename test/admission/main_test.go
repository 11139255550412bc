// Package admission_test asks real API servers, guarded by what config/ and the
// chart install, who may touch what the operator makes. The operator does not
// run here; its own code, under its own ServiceAccount and roles, makes what is
// to be touched.
package admission_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/go-logr/logr"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var (
	root  = filepath.Join("..", "..")
	chart = filepath.Join(root, "charts", "signal-operator")

	// helm and kubectl are the paths of the commands.
	helm, kubectl string
	// guards are API servers, one for each way to install the guard.
	guards = map[string]*guard{}
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the API servers once for all tests.
func run(m *testing.M) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	helm = os.Getenv("HELM")
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if helm == "" || assets == "" {
		return 0, errors.New("HELM must name helm, and KUBEBUILDER_ASSETS a folder with etcd, kube-apiserver and kubectl: run make test-cel, which sets both")
	}
	kubectl = filepath.Join(assets, "kubectl")
	for _, add := range []error{v1alpha1.AddToScheme(clientgoscheme.Scheme), monitoringv1.AddToScheme(clientgoscheme.Scheme)} {
		if add != nil {
			return 0, fmt.Errorf("make a scheme: %w", add)
		}
	}
	ctx := context.Background()
	for name, install := range map[string]struct {
		operator string
		command  []string
	}{
		"kustomize": {"system:serviceaccount:signal-operator-system:signal-operator", []string{kubectl, "kustomize", filepath.Join(root, "config", "default")}},
		"chart":     {"system:serviceaccount:delivery:robot", []string{helm, "template", "signal-operator", chart, "--namespace", "delivery", "--set", "serviceAccount.name=robot"}},
	} {
		manifests, err := output(ctx, install.command...)
		if err != nil {
			return 0, err
		}
		g, err := start(ctx, install.operator, manifests)
		if g != nil {
			defer func() { err = errors.Join(err, g.stop()) }()
		}
		if err != nil {
			return 0, fmt.Errorf("guard by %s: %w", name, err)
		}
		guards[name] = g
	}
	return m.Run(), nil
}

// output runs a command and returns what it says.
func output(ctx context.Context, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(command[0]), err, problems.String())
	}
	return string(out), nil
}

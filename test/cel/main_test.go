// Package cel_test asks a real API server what it says to a SignalDeployment:
// what it refuses, with which sentence, and what it fills in. No operator
// runs here; everything that is tested is written in the CRD.
package cel_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// crdFile is what users install.
var crdFile = filepath.Join("..", "..", "config", "crd", "bases", "delivery.signal.dev_signaldeployments.yaml")

var (
	// apiserver is strict, as kubectl apply is: it refuses unknown fields.
	apiserver client.Client
	// kubectl is the path of a kubectl of the API server's version.
	kubectl string
	// kubeconfig is the path of a file that lets kubectl in.
	kubeconfig string
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
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return 0, errors.New("KUBEBUILDER_ASSETS must name a folder with etcd, kube-apiserver and kubectl: run make test-cel, which sets it")
	}
	env := &envtest.Environment{CRDDirectoryPaths: []string{crdFile}, ErrorIfCRDPathMissing: true}
	config, err := env.Start()
	if err != nil {
		return 0, fmt.Errorf("start the API server: %w", err)
	}
	defer func() { err = errors.Join(err, env.Stop()) }()

	scheme := clientgoscheme.Scheme
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return 0, fmt.Errorf("make a scheme: %w", err)
	}
	plain, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return 0, fmt.Errorf("make a client: %w", err)
	}
	apiserver = client.WithFieldValidation(plain, "Strict")

	dir, err := os.MkdirTemp("", "cel")
	if err != nil {
		return 0, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kubectl, kubeconfig = filepath.Join(assets, "kubectl"), filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, env.KubeConfig, 0o600); err != nil {
		return 0, fmt.Errorf("write the kubeconfig: %w", err)
	}
	return m.Run(), nil
}

// Package cluster is the real cluster that the demo, the end-to-end tests and
// the benchmarks run on: it installs the operator and the sample service into
// it, as a user would. It starts no cluster; the Makefile does.
package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Cluster is the cluster that the environment names.
type Cluster struct {
	client.WithWatch
	Root         string // of the repository
	Registry     string // where nodes pull from, without a password
	TestRegistry string // host:port of this machine where a test may be a registry, which nodes speak plain HTTP to
	Gateway      string // URL of the Gateway
	Prometheus   string // URL, for the host and for pods
	Images       string // scratch folder of binaries

	built map[string]string
}

// Connect finds the cluster by KUBECONFIG, SIGNAL_REGISTRY, SIGNAL_TEST_REGISTRY,
// SIGNAL_GATEWAY_URL and SIGNAL_PROMETHEUS_URL, which `go -C hack/cluster run . env` prints.
func Connect() (*Cluster, error) {
	c := &Cluster{built: map[string]string{}}
	for name, into := range map[string]*string{"SIGNAL_REGISTRY": &c.Registry, "SIGNAL_TEST_REGISTRY": &c.TestRegistry, "SIGNAL_GATEWAY_URL": &c.Gateway, "SIGNAL_PROMETHEUS_URL": &c.Prometheus} {
		if *into = os.Getenv(name); *into == "" {
			return nil, fmt.Errorf("%s is not set: run `make cluster-up` and `eval \"$(go -C hack/cluster run . env)\"`, or set it for a cluster of your own", name)
		}
	}
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	c.Root = root
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, gatewayv1.Install, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("build the scheme: %w", err)
		}
	}
	if c.WithWatch, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	if c.Images, err = os.MkdirTemp("", "signal-images-"); err != nil {
		return nil, fmt.Errorf("make a scratch folder: %w", err)
	}
	return c, nil
}

// Close removes what Connect made on this machine.
func (c *Cluster) Close() error { return os.RemoveAll(c.Images) }

// findRoot is the folder of go.mod, from wherever a test runs.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "PROJECT")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("not inside the repository")
		}
	}
	return "", fmt.Errorf("find the repository: %w", err)
}

// Run runs a command in the repository and returns what it prints.
func (c *Cluster) Run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = c.Root, append(os.Environ(), env...)
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, problems.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Kubectl runs kubectl.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return c.Run(ctx, nil, "kubectl", args...)
}

// Package stage is where the integration, fault and benchmark tests play: a
// real API server, a real registry, the operator as it is built, and a world
// that does what controllers, kubelets, a gateway and a Prometheus would do,
// or misbehaves when told to.
package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-containerregistry/pkg/registry"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage/world"
)

// Stage is one API server with everything around it, shared by the tests of a
// binary. Each test has a namespace and an operator of its own.
type Stage struct {
	Config     *rest.Config
	Client     client.WithWatch
	Scheme     *runtime.Scheme
	Registry   string // host:port, plain http
	Prometheus *Prometheus
	Pods       *Pods
	World      *world.World

	kubectl, kubeconfig string

	env    *envtest.Environment
	images *httptest.Server
	spaces atomic.Int32
}

// Main runs the tests of a binary on a stage.
func Main(m *testing.M, on **Stage) {
	ctrl.SetLogger(logr.Discard())
	s, err := start()
	code := 1
	if err == nil {
		*on = s
		code = m.Run()
		err = s.stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func start() (*Stage, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS must name a folder with etcd and kube-apiserver: run make test-integration, which sets it")
	}
	root, err := command("go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	gateway, err := command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	if err != nil {
		return nil, err
	}
	s := &Stage{Scheme: runtime.NewScheme(), kubectl: filepath.Join(assets, "kubectl")}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, gatewayv1.Install, monitoringv1.AddToScheme} {
		if err := add(s.Scheme); err != nil {
			return nil, fmt.Errorf("build the scheme: %w", err)
		}
	}
	s.env = &envtest.Environment{ErrorIfCRDPathMissing: true, CRDDirectoryPaths: []string{
		filepath.Join(root, "config", "crd", "bases"),
		filepath.Join(root, "test", "stage", "testdata"),
		filepath.Join(gateway, "config", "crd", "standard", "gateway.networking.k8s.io_httproutes.yaml"),
	}}
	s.env.ControlPlane.Etcd = &envtest.Etcd{}
	s.env.ControlPlane.Etcd.Configure().Enable("unsafe-no-fsync") // nothing here outlives the process
	if s.Config, err = s.env.Start(); err != nil {
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	s.Config.QPS = -1
	if s.Client, err = client.NewWithWatch(s.Config, client.Options{Scheme: s.Scheme}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if s.kubeconfig, err = s.writeKubeconfig(); err != nil {
		return nil, err
	}
	s.images = httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	s.Registry = strings.TrimPrefix(s.images.URL, "http://")
	s.World = world.New(s.Config, s.Scheme)
	s.Prometheus = newPrometheus(s.Client)
	s.Pods = newPods(s.World)
	return s, s.World.Start()
}

func command(tool string, args ...string) (string, error) {
	out, err := exec.Command(tool, args...).Output() //nolint:noctx // ends by itself
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", tool, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// writeKubeconfig lets kubectl in.
func (s *Stage) writeKubeconfig() (string, error) {
	file, err := os.CreateTemp("", "stage-kubeconfig-")
	if err != nil {
		return "", fmt.Errorf("make a kubeconfig: %w", err)
	}
	_, err = file.Write(s.env.KubeConfig)
	return file.Name(), errors.Join(err, file.Close())
}

func (s *Stage) stop() error {
	removed := os.Remove(s.kubeconfig)
	s.World.Stop()
	s.Prometheus.server.Close()
	s.Pods.server.Close()
	s.images.Close()
	return errors.Join(removed, s.env.Stop())
}

// Faults are how the world misbehaves in one namespace.
type Faults = world.Faults

// Space makes a namespace for a test.
func (s *Stage) Space(t testing.TB) string {
	t.Helper()
	space := fmt.Sprintf("space-%d", s.spaces.Add(1))
	if err := s.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: space}}); err != nil {
		t.Fatal(err)
	}
	return space
}

// background is a context that outlives the test's own, for clean-up.
func background(t testing.TB) context.Context { return context.WithoutCancel(t.Context()) }

package stage

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/signal-delivery/operator/controllers"
	"github.com/signal-delivery/operator/internal/alert"
	alertprometheus "github.com/signal-delivery/operator/internal/alert/prometheus"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	metricprometheus "github.com/signal-delivery/operator/internal/analysis/prometheus"
)

// Operator is a running operator that serves one namespace, as main.go builds
// it: the client, the cache and the options are the same.
type Operator struct {
	cancel context.CancelFunc
	done   chan error
}

// Operator starts one; wrap, if given, sees every request it sends.
func (s *Stage) Operator(t testing.TB, namespace string, wrap func(http.RoundTripper) http.RoundTripper) *Operator {
	t.Helper()
	return s.logging(t, namespace, wrap, logr.Logger{})
}

// logging is Operator with a log of its own.
func (s *Stage) logging(t testing.TB, namespace string, wrap func(http.RoundTripper) http.RoundTripper, log logr.Logger) *Operator {
	t.Helper()
	consistent, skip := true, true
	restConfig := rest.CopyConfig(s.Config)
	if wrap != nil {
		restConfig.Wrap(wrap)
	}
	mgr, err := ctrl.NewManager(restConfig, manager.Options{
		Scheme: s.Scheme, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Cache:      controllers.Cache([]string{namespace}),
		Client:     client.Options{Cache: &client.CacheOptions{Unstructured: true, EnableReadYourWritesConsistency: &consistent}},
		Controller: config.Controller{SkipNameValidation: &skip}, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := metricprometheus.New("default", s.Prometheus.URL(), http.DefaultTransport, 0)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := alertprometheus.New("default", s.Prometheus.URL(), http.DefaultTransport, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = controllers.Setup(t.Context(), mgr, controllers.Options{Rooms: controllers.Rooms{
		Insecure: []string{s.Registry}, ProberImage: "prober", Everywhere: true, // no node here runs a pod of another namespace
		BuiltIn: builtin.New(builtin.Options{Dial: s.Pods.dial}),
		Metrics: map[string]analysis.Source{"default": metricprometheus.NewBatch(metrics, metricprometheus.BatchOptions{})},
		Alerts:  map[string]alert.Source{"default": alertprometheus.NewShared(alerts, alertprometheus.SharedOptions{})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(background(t))
	o := &Operator{cancel: cancel, done: make(chan error, 1)}
	go func() { o.done <- mgr.Start(ctx) }()
	t.Cleanup(o.Stop)
	return o
}

// Stop ends the operator; what it was doing is given up. Stopping twice is
// stopping once.
func (o *Operator) Stop() {
	o.cancel()
	if err, running := <-o.done; running {
		_ = err // a manager that is told to stop says nothing of interest
		close(o.done)
	}
}

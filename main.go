// The signal operator releases SignalDeployments.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/controllers"
)

func main() {
	flags := newFlags(flag.CommandLine)
	flag.Parse()
	log, flush := flags.logger()
	ctrl.SetLogger(log)
	err := run(ctrl.SetupSignalHandler(), flags, log)
	if err != nil {
		log.Error(err, "The operator stopped")
	}
	flush()
	if err != nil {
		os.Exit(1)
	}
}

// run serves until the context ends: a signal, or the loss of the lease.
func run(ctx context.Context, f *flags, log logr.Logger) error {
	rooms, err := f.rooms()
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), monitoringv1.AddToScheme(scheme)); err != nil {
		return fmt.Errorf("build the scheme: %w", err)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	mgr, err := ctrl.NewManager(config, f.manager(scheme, log))
	if err != nil {
		return fmt.Errorf("build the manager: %w", err)
	}
	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return fmt.Errorf("add probes: %w", err)
	}
	if err := controllers.Setup(ctx, mgr, controllers.Options{Rooms: rooms, Concurrency: f.concurrency}); err != nil {
		return err
	}
	log.Info("Starting", "metricServers", len(rooms.Metrics), "namespaces", f.namespaces, "proberImage", f.proberImage)
	return mgr.Start(ctx)
}

// manager options: one leader, metrics behind the cluster's own authorization,
// and a client that never reads something older than it has written.
func (f *flags) manager(scheme *runtime.Scheme, log logr.Logger) manager.Options {
	consistent := true
	serving := metricsserver.Options{
		BindAddress: f.metricsAddress, SecureServing: f.metricsSecure,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}, // HTTP/2 resets have cost others dearly
	}
	if f.metricsSecure {
		serving.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return manager.Options{
		Scheme: scheme, Logger: log, Metrics: serving, HealthProbeBindAddress: f.probeAddress,
		LeaderElection: f.leaderElect, LeaderElectionID: "signal-operator.delivery.signal.dev",
		LeaderElectionNamespace: f.leaderNamespace, LeaderElectionReleaseOnCancel: true,
		Cache:  controllers.Cache(f.namespaces),
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: true, EnableReadYourWritesConsistency: &consistent}},
	}
}

package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/artifact"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/dashboard"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/gate/errand"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/traffic/gatewayapi"
)

// Options of Setup.
type Options struct {
	Rooms
	Clock       clock.PassiveClock // absent: the real one
	Concurrency int                // SignalDeployments that are reconciled side by side; absent: 4
}

// Setup registers every controller with the manager. It looks once for the
// APIs that are used only where they are installed, and for what it may see.
func Setup(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	if o.BuiltIn == nil {
		o.BuiltIn = builtin.New(builtin.Options{})
	}
	if err := mgr.Add(o.BuiltIn); err != nil {
		return fmt.Errorf("set up the built-in source: %w", err)
	}
	routes := served(mgr.GetRESTMapper(), gatewayapi.Kind)
	if routes && o.Router == nil {
		o.Router = gatewayapi.Router{Client: mgr.GetClient()}
	}
	looking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	o.NodesKnown = nodesKnown(looking, mgr.GetAPIReader())
	o.RulesPublished = served(mgr.GetRESTMapper(), schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"})

	o.Prometheuses = served(mgr.GetRESTMapper(), schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "Prometheus"})
	o.DashboardsKnown = served(mgr.GetRESTMapper(), dashboard.Kind)

	rehearsals, err := newStand(mgr)
	if err != nil {
		return err
	}
	asked, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("set up discovery: %w", err)
	}
	r := &SignalDeploymentReconciler{
		Client: mgr.GetClient(), Stand: rehearsals, Live: mgr.GetAPIReader(), Discovery: asked.RESTClient(), Clock: o.Clock,
		Recorder: mgr.GetEventRecorder(v1alpha1.FieldManager), Rooms: o.Rooms,
	}
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.SignalDeployment{}).
		Owns(&appsv1.Deployment{}).Owns(&corev1.Service{}).Owns(&batchv1.Job{}).Owns(&policyv1.PodDisruptionBudget{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(byLabels(v1alpha1.LabelName, check.LabelChecks, artifact.LabelArtifact, dashboard.LabelDashboard, errand.LabelGates))).
		Watches(&v1alpha1.SignalDeployment{}, handler.EnqueueRequestsFromMapFunc(r.byGates)).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(bySlice)).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(r.byService)).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.byConfig)).
		WatchesRawSource(source.Channel(o.BuiltIn.Scraped(), &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: o.Concurrency, ReconciliationTimeout: time.Minute})
	if routes {
		b = b.Watches(gatewayapi.Object(), handler.EnqueueRequestsFromMapFunc(r.byRoute)).Owns(gatewayapi.Object())
	}
	if o.DashboardsKnown {
		b = b.Owns(dashboard.Object())
	}
	if err := b.Complete(r); err != nil {
		return fmt.Errorf("set up the SignalDeployment controller: %w", err)
	}
	return nil
}

// served reports whether the cluster has the kind.
func served(mapper meta.RESTMapper, kind schema.GroupVersionKind) bool {
	_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	return err == nil
}

// byLabels enqueues the SignalDeployment that one of the labels names.
func byLabels(labels ...string) handler.MapFunc {
	return func(_ context.Context, object client.Object) []reconcile.Request {
		for _, label := range labels {
			if name := object.GetLabels()[label]; name != "" {
				return request(object.GetNamespace(), name)
			}
		}
		return nil
	}
}

// bySlice enqueues the SignalDeployment whose Service the endpoints are of.
func bySlice(_ context.Context, slice client.Object) []reconcile.Request {
	service := slice.GetLabels()[discoveryv1.LabelServiceName]
	return append(request(slice.GetNamespace(), service), request(slice.GetNamespace(), strings.TrimSuffix(service, "-canary"))...)
}

// byConfig enqueues the SignalDeployments that name a ConfigMap, or own it.
func (r *SignalDeploymentReconciler) byConfig(ctx context.Context, cm client.Object) []reconcile.Request {
	return append(request(cm.GetNamespace(), cm.GetLabels()[v1alpha1.LabelName]), r.those(ctx, cm, func(sd *v1alpha1.SignalDeployment) bool {
		if gated(sd) && gate.AwaitsConfigMap(sd, cm.GetName()) {
			return true
		}
		for _, from := range sd.Spec.Alerts.RulesFrom {
			if from.Name == cm.GetName() {
				return true
			}
		}
		_, optional := release.ConfigNames(&sd.Spec.Template)
		_, named := optional[cm.GetName()]
		return named
	})...)
}

// byRoute enqueues the SignalDeployments that drive a route.
func (r *SignalDeploymentReconciler) byRoute(ctx context.Context, route client.Object) []reconcile.Request {
	return r.those(ctx, route, func(sd *v1alpha1.SignalDeployment) bool {
		for _, name := range sd.Status.Rollout.Plan.Routes {
			if name == route.GetName() {
				return true
			}
		}
		return false
	})
}

// those enqueues the SignalDeployments of the object's namespace that match.
func (r *SignalDeploymentReconciler) those(ctx context.Context, object client.Object, match func(*v1alpha1.SignalDeployment) bool) []reconcile.Request {
	list := &v1alpha1.SignalDeploymentList{}
	if err := r.List(ctx, list, client.InNamespace(object.GetNamespace())); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot list SignalDeployments", "namespace", object.GetNamespace())
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if match(&list.Items[i]) {
			requests = append(requests, request(list.Items[i].Namespace, list.Items[i].Name)...)
		}
	}
	return requests
}

func request(namespace, name string) []reconcile.Request {
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}}
}

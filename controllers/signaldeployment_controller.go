// Package controllers joins the cluster to the decisions of internal/rollout:
// it observes, lets the machine decide, remembers, applies and reports. It
// thinks nothing itself.
package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
)

// +kubebuilder:rbac:groups=delivery.signal.dev,resources=signaldeployments,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=delivery.signal.dev,resources=signaldeployments/status,verbs=patch
// +kubebuilder:rbac:groups=delivery.signal.dev,resources=signaldeployments/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=prometheusrules,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=prometheuses,verbs=list
// +kubebuilder:rbac:groups="",resources=resourcequotas,verbs=get;list;watch
// +kubebuilder:rbac:groups=grafana.integreatly.org,resources=grafanadashboards,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SignalDeploymentReconciler releases SignalDeployments. Its client must not
// answer a read with something older than its own last write.
type SignalDeploymentReconciler struct {
	client.Client
	Stand client.Client // keeps nothing: what would be created is rehearsed with it
	Live  client.Reader // uncached: the memory is read live once after a start
	// Discovery asks the API server what it serves, past the client's own
	// memory of it.
	Discovery rest.Interface
	Clock     clock.PassiveClock
	Recorder  recorder.EventRecorder
	Rooms

	minds minds
	turns turns
	ears  sync.Map // types.NamespacedName → *ear
}

// conflictTime is how long to wait for what someone else wrote to be read.
const conflictTime = 100 * time.Millisecond

// Reconcile observes, decides, remembers, applies and reports, in that order.
func (r *SignalDeploymentReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	sd, err := r.recall(ctx, req.NamespacedName)
	if sd == nil || err != nil {
		return ctrl.Result{}, err
	}
	world, err := r.observe(ctx, sd)
	if err != nil {
		return ctrl.Result{}, err
	}
	decision := rollout.Decide(rollout.Input{Object: sd, Seen: world.Observation, Now: r.Clock.Now()})
	if decision, err = r.drill(ctx, sd, world, decision); err != nil {
		return ctrl.Result{}, err
	}
	r.profile(ctx, sd, &decision.Next)

	if err := r.remember(ctx, sd, decision, world); err != nil {
		return lost(err)
	}
	applied := r.apply(ctx, sd, decision, world)
	if err := errors.Join(applied, r.report(ctx, sd, applied)); err != nil {
		return lost(err)
	}
	return ctrl.Result{RequeueAfter: r.wake(sd, decision, world)}, nil
}

// lost answers for a write that did not get through. That someone else wrote
// first is no error: there is something newer to read.
func lost(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictTime}, nil
	}
	return ctrl.Result{}, err
}

// wake is when to look again though nothing has changed in the cluster:
// metrics do not send events.
func (r *SignalDeploymentReconciler) wake(sd *v1alpha1.SignalDeployment, decision rollout.Decision, w *world) time.Duration {
	after := decision.After
	sooner := func(d time.Duration) {
		if after == 0 || d < after {
			after = d
		}
	}
	switch {
	case gated(sd):
		sooner(gatesEvery)
	case decision.Want.Judge || decision.Want.Watch:
		sooner(r.beat(sd))
	}
	if w.unsure {
		sooner(loadingEvery)
	}
	return after
}

// interval between two samples.
func interval(sd *v1alpha1.SignalDeployment) time.Duration {
	if d := sd.Spec.Analysis.Interval.Duration; d > 0 {
		return d
	}
	return time.Second
}

package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/gate/errand"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/rollout/drill"
)

// gatesEvery is how often gates are asked again that say neither when they open
// nor that they have: more than often enough for what may take days.
const gatesEvery = 10 * time.Second

// observeGates asks whether the release may start. Only what gates ask for is
// read, and that from memory, but for what the API server serves, alerts and
// error budgets, which metric servers are asked for, and the rehearsal of a
// template.
func (r *SignalDeploymentReconciler) observeGates(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	facts := gate.Facts{Now: r.Clock.Now(), Object: sd, DrillUntil: drill.DueBy(sd.Spec.Rollback.Drill, sd.Status.Drill), Endpoints: map[string]int32{}, Configs: map[string]*corev1.ConfigMap{}}
	for _, g := range sd.Spec.Gates {
		if err := r.gather(ctx, g, w, &facts); err != nil {
			return err
		}
	}
	said, err := errand.Read(ctx, r, sd, *sd.Status.Candidate, sd.Spec.Gates)
	if err != nil {
		return err
	}
	facts.Said = said
	verdicts, opens := r.turns.judge(sd, facts)
	w.Gates, w.Opens = verdicts, metav1.NewTime(opens)
	return nil
}

// gather reads what one gate is judged by.
func (r *SignalDeploymentReconciler) gather(ctx context.Context, g v1alpha1.Gate, w *world, f *gate.Facts) error {
	sd := f.Object
	switch {
	case g.SignalDeployment != nil:
		return r.gatherOthers(ctx, f, sd.Namespace)
	case g.Group != nil && g.Group.Scope == v1alpha1.GroupInCluster:
		return r.gatherOthers(ctx, f, metav1.NamespaceAll)
	case g.Group != nil:
		return r.gatherOthers(ctx, f, sd.Namespace)
	case g.Service != nil:
		slices := &discoveryv1.EndpointSliceList{}
		if err := r.List(ctx, slices, client.InNamespace(sd.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: g.Service.Name}); err != nil {
			return fmt.Errorf("list endpoints of Service %s/%s: %w", sd.Namespace, g.Service.Name, err)
		}
		f.Endpoints[g.Service.Name] = gate.Endpoints(slices.Items)
	case g.ConfigMap != nil:
		cm := &corev1.ConfigMap{}
		found, err := r.find(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: g.ConfigMap.Name}, cm)
		if found {
			f.Configs[g.ConfigMap.Name] = cm
		}
		return err
	case g.Alerts != nil:
		if f.Object.Spec.Alerts.Server == v1alpha1.ServerBuiltIn {
			r.overhear(ctx, *g.Alerts, w, f)
			return nil
		}
		r.gatherAlerts(ctx, w, f)
	case g.Quota != nil:
		list := &corev1.ResourceQuotaList{}
		if err := r.List(ctx, list, client.InNamespace(sd.Namespace)); err != nil {
			return fmt.Errorf("list ResourceQuotas of namespace %s: %w", sd.Namespace, err)
		}
		f.Quotas = list.Items
	case g.Template != nil:
		return r.rehearse(ctx, sd, w, f)
	}
	return r.gatherMore(ctx, g, f)
}

// gatherMore reads what takes asking others than the operator's memory.
func (r *SignalDeploymentReconciler) gatherMore(ctx context.Context, g v1alpha1.Gate, f *gate.Facts) error {
	switch {
	case g.CRD != nil:
		return r.gatherServed(ctx, *g.CRD, f)
	case g.ErrorBudget != nil:
		r.gatherBudgets(ctx, f)
	case g.Nodes != nil:
		return r.gatherNodes(ctx, *g.Nodes, f)
	}
	return nil
}

// gatherAlerts asks which alerts fire. That the server gives no answer is one.
func (r *SignalDeploymentReconciler) gatherAlerts(ctx context.Context, w *world, f *gate.Facts) {
	server := f.Object.Spec.Alerts.Server
	source, known := r.Alerts[server]
	if !known {
		f.Deaf = fmt.Sprintf("there is no metric server %q", server)
		return
	}
	live, err := alert.Within(interval(f.Object)/2, source).Rules(ctx)
	if err != nil {
		f.Deaf = fmt.Sprintf("metric server %q gives no answer", server)
		return
	}
	for _, call := range alert.Calling(w.published, live, alertSubject(f.Object, source)) {
		f.Firing = append(f.Firing, gate.Firing(call))
	}
}

// gatherOthers reads the SignalDeployments of a namespace, or of all, unless
// that has been done.
func (r *SignalDeploymentReconciler) gatherOthers(ctx context.Context, f *gate.Facts, namespace string) error {
	if f.Others != nil && (f.Everywhere || namespace != metav1.NamespaceAll) {
		return nil
	}
	list := &v1alpha1.SignalDeploymentList{}
	if err := r.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list SignalDeployments: %w", err)
	}
	f.Others, f.Everywhere = list.Items, namespace == metav1.NamespaceAll
	return nil
}

// applyGates starts the Jobs of gates while the release waits for them.
func (r *SignalDeploymentReconciler) applyGates(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	asked := len(w.Gates) == len(sd.Spec.Gates) // not so in the reconcile that begins to wait
	if d.Next.Rollout.Phase != v1alpha1.PhaseGating || !asked || d.Next.Candidate.Asked != w.Asked || sd.Spec.Paused || !sd.DeletionTimestamp.IsZero() {
		return nil
	}
	return errand.Ensure(ctx, r, sd, *d.Next.Candidate, gate.Due(sd.Spec.Gates, w.Gates), r.ProberImage, r.Clock.Now())
}

// gated reports whether the release still waits for its gates.
func gated(sd *v1alpha1.SignalDeployment) bool {
	return sd.Status.Rollout.Phase == v1alpha1.PhaseGating && len(sd.Spec.Gates) > 0
}

// byGates enqueues the SignalDeployments whose gates wait for another one.
func (r *SignalDeploymentReconciler) byGates(_ context.Context, object client.Object) []reconcile.Request {
	other, is := object.(*v1alpha1.SignalDeployment)
	if !is {
		return nil
	}
	return r.turns.those(func(sd *v1alpha1.SignalDeployment) bool { return gate.Awaits(sd, other) })
}

// byService enqueues those that wait for the Service whose endpoints these are.
func (r *SignalDeploymentReconciler) byService(_ context.Context, slice client.Object) []reconcile.Request {
	service := slice.GetLabels()[discoveryv1.LabelServiceName]
	return r.turns.those(func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Namespace == slice.GetNamespace() && gate.AwaitsService(sd, service)
	})
}

package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/gate/capacity"
	"github.com/signal-delivery/operator/internal/slo"
)

// answers are what gates were told lately by those who are asked over the
// network.
type answers map[string]answer

// answer is taken for one for a while.
type answer struct {
	fact  any
	until time.Time
}

const (
	servedTime  = 10 * time.Second // the API server is asked what it serves
	budgetsTime = 30 * time.Second // metric servers are asked for a window of days
)

// lately is what was answered a short while ago, else what is answered now.
func lately[T any](known answers, key string, now time.Time, lasts time.Duration, ask func() (T, error)) (T, error) {
	if a, has := known[key]; has && now.Before(a.until) {
		return a.fact.(T), nil //nolint:forcetypeassert // a key is for one kind of fact
	}
	fact, err := ask()
	if err == nil {
		maps.DeleteFunc(known, func(_ string, a answer) bool { return !now.Before(a.until) })
		known[key] = answer{fact, now.Add(lasts)}
	}
	return fact, err
}

// gatherServed asks the API server whether it serves a resource.
func (r *SignalDeploymentReconciler) gatherServed(ctx context.Context, g v1alpha1.CRDGate, f *gate.Facts) error {
	known := r.minds.of(client.ObjectKeyFromObject(f.Object)).answers
	is, err := lately(known, "crd "+g.Name+" "+g.Version, f.Now, servedTime, func() (bool, error) { return r.serves(ctx, g) })
	if f.Served == nil {
		f.Served = map[v1alpha1.CRDGate]bool{}
	}
	f.Served[g] = is
	return err
}

// serves asks for the version, or for those of the group one after the other.
func (r *SignalDeploymentReconciler) serves(ctx context.Context, g v1alpha1.CRDGate) (bool, error) {
	resource, group, _ := strings.Cut(g.Name, ".")
	versions := []string{g.Version}
	if g.Version == "" {
		found := &metav1.APIGroup{}
		if err := r.Discovery.Get().AbsPath("/apis", group).Do(ctx).Into(found); err != nil {
			return false, absent(err, group)
		}
		versions = nil
		for _, v := range found.Versions {
			versions = append(versions, v.Version)
		}
	}
	for _, version := range versions {
		list := &metav1.APIResourceList{}
		if err := absent(r.Discovery.Get().AbsPath("/apis", group, version).Do(ctx).Into(list), g.Name); err != nil {
			return false, err
		}
		if slices.ContainsFunc(list.APIResources, func(found metav1.APIResource) bool { return found.Name == resource }) {
			return true, nil
		}
	}
	return false, nil
}

// absent is an error unless it says that there is no such thing.
func absent(err error, what string) error {
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("ask the API server whether it serves %s: %w", what, err)
}

// gatherBudgets asks what is left of error budgets. That nobody answers is an
// answer.
func (r *SignalDeploymentReconciler) gatherBudgets(ctx context.Context, f *gate.Facts) {
	sd, known := f.Object, r.minds.of(client.ObjectKeyFromObject(f.Object)).answers
	if sd.Status.Stable == nil || f.Budgets != nil {
		return
	}
	f.Budgets = map[string]gate.Budget{}
	for _, s := range sd.Spec.Analysis.SLOs {
		query := slo.Remaining(s, sd.Namespace, sd.Name)
		f.Budgets[s.Name], _ = lately(known, "budget "+slo.Server(s)+" "+query, f.Now, budgetsTime, func() (gate.Budget, error) {
			return r.left(ctx, s, query, f.Now), nil
		})
	}
}

// left asks the objective's metric server, or the one that evaluates what is
// published where the objective's keeps samples for minutes only.
func (r *SignalDeploymentReconciler) left(ctx context.Context, s v1alpha1.SLO, query string, now time.Time) gate.Budget {
	budget := gate.Budget{Query: query, Window: slo.Window(s)}
	source := r.keeper(slo.Server(s))
	if source == nil {
		budget.Problem = "the built-in source keeps samples for minutes only, and the operator knows no metric server: give it one"
		return budget
	}
	budget.Source = source.Name()
	said := asking(ctx, analysis.Exactly(source), now)(query)
	budget.Left, budget.Problem = said.Value, said.Problem
	if said.Reason == slo.ReasonNoData {
		budget.Problem = "metric server " + source.Name() + " knows no request of it"
	}
	return budget
}

// keeper is the metric server of that name; for the built-in source the one
// that evaluates what is published: default, else the first by name.
func (r *SignalDeploymentReconciler) keeper(server string) analysis.Source {
	if server != v1alpha1.ServerBuiltIn {
		return r.Metrics[server]
	}
	if source, has := r.Metrics["default"]; has {
		return source
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		return r.Metrics[name]
	}
	return nil
}

// gatherNodes reads the nodes and, if a gate needs to know what they have room
// for, the pods on them.
func (r *SignalDeploymentReconciler) gatherNodes(ctx context.Context, g v1alpha1.NodesGate, f *gate.Facts) error {
	if !r.NodesKnown {
		f.Nodes.Unseen = "the operator may not list and watch nodes; set rbac.nodes=true for its Helm chart, or bind the ClusterRole signal-operator-nodes to it, and start it again"
		return nil
	}
	nodes := &corev1.NodeList{}
	if err := r.List(ctx, nodes); err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	f.Nodes.Nodes = nodes.Items
	switch {
	case g.Room == v1alpha1.NodeRoomIgnored || f.Nodes.Requested != nil:
		return nil
	case !r.Everywhere:
		f.Nodes.Blind = "the operator sees the pods of its own namespaces alone; let it watch all namespaces, or set room to Ignored and have gates quota and template, which need no such right"
		return nil
	}
	pods := &corev1.PodList{}
	if err := r.List(ctx, pods, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list the pods of all namespaces: %w", err)
	}
	f.Nodes.Requested = capacity.Requested(pods.Items)
	ctrl.LoggerFrom(ctx).V(1).Info("Counted what pods request of nodes", "nodes", len(nodes.Items), "pods", len(pods.Items))
	return nil
}

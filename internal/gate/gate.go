// Package gate decides whether a release may start: by the hour, by what else
// is under way, by what people say. It judges facts and gathers none. What is
// closed is Unknown and waited for; Failed is what will not open for this
// release.
package gate

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/gate/calendar"
	"github.com/signal-delivery/operator/internal/gate/capacity"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Facts are what gates are judged by.
type Facts struct {
	Now    time.Time
	Object *v1alpha1.SignalDeployment

	Others     []v1alpha1.SignalDeployment   // that are seen beside it
	Everywhere bool                          // whether they are of all namespaces
	Endpoints  map[string]int32              // that are ready, by Service
	Configs    map[string]*corev1.ConfigMap  // by name; nil where there is none
	Turns      map[types.NamespacedName]bool // of those that wait for nothing but their group: whether they have been let go

	Served  map[v1alpha1.CRDGate]bool  // whether the API server serves them
	Said    map[string]verdict.Verdict // what the Jobs of gates say, by gate; none where they have not been asked
	Budgets map[string]Budget          // by objective
	Nodes   capacity.Facts
	Quotas  []corev1.ResourceQuota // of the namespace

	Deaf   string   // why it is not known which alerts fire; empty when it is
	Firing []Firing // alerts

	DrillUntil time.Time // how long the last drill that passed counts; zero: for ever

	Rehearsed bool  // whether the cluster was asked to accept what would be created
	Refusal   error // why it does not
}

// Firing is an alert that fires.
type Firing struct{ Name, Severity string }

// Judge asks every gate, in order. It tells as well when time alone will open
// one that is closed; zero if it does not.
func Judge(gates []v1alpha1.Gate, f Facts) ([]verdict.Verdict, time.Time) {
	if len(gates) == 0 {
		return []verdict.Verdict{verdict.Pass(v1alpha1.SignalGate, "NoGates", "No gate was asked for")}, time.Time{}
	}
	all, opens := make([]verdict.Verdict, 0, len(gates)), time.Time{}
	for _, g := range gates {
		v, opening := judge(g, f)
		if !opening.IsZero() && (opens.IsZero() || opening.Before(opens)) {
			opens = opening
		}
		if v.Evidence != nil && v.Evidence.Time.IsZero() {
			v.Evidence.Time = metav1.NewTime(f.Now)
		}
		all = append(all, verdict.Named(v, g.Name))
	}
	return all, opens
}

// judge asks one gate.
func judge(g v1alpha1.Gate, f Facts) (v verdict.Verdict, opens time.Time) {
	switch {
	case g.Window != nil:
		return calendar.Window(g.Name, *g.Window, f.Now)
	case len(g.Freezes) > 0:
		return calendar.Freezes(g.Name, g.Freezes, f.Now)
	case g.SignalDeployment != nil:
		return dependent(g.Name, *g.SignalDeployment, f), time.Time{}
	case g.Service != nil:
		return reached(g.Name, *g.Service, f), time.Time{}
	case g.ConfigMap != nil:
		return configured(g.Name, *g.ConfigMap, f), time.Time{}
	case g.Secret != nil:
		return kept(g.Name, *g.Secret, f), time.Time{}
	case g.CRD != nil:
		return established(g.Name, *g.CRD, f), time.Time{}
	case g.Group != nil:
		return turn(g.Name, *g.Group, f), time.Time{}
	}
	return judgeRelease(g, f), time.Time{}
}

// judgeRelease asks a gate that is about the release itself, or about people.
func judgeRelease(g v1alpha1.Gate, f Facts) verdict.Verdict {
	switch {
	case g.Alerts != nil:
		return quiet(g.Name, *g.Alerts, f)
	case g.ErrorBudget != nil:
		return affordable(g.Name, *g.ErrorBudget, f)
	case g.Approval != nil:
		return approved(g.Name, f)
	case g.Expression != nil:
		return expressed(g.Name, *g.Expression, f)
	case g.Template != nil:
		return accepted(g.Name, f)
	case g.Quota != nil:
		return capacity.Quotas(g.Name, f.Object, f.Quotas)
	case g.Nodes != nil:
		return capacity.Nodes(g.Name, *g.Nodes, f.Object, f.Nodes)
	case g.Job != nil:
		return tried(g.Name, f)
	case g.Drill != nil:
		return rehearsed(g.Name, f)
	}
	return wait("GateUnknown", "Gate %q is of a kind that this operator does not know: upgrade the operator, or remove the gate", g.Name)
}

// tried says what the user's Job says.
func tried(name string, f Facts) verdict.Verdict {
	if said, has := f.Said[name]; has {
		return said
	}
	return wait("JobNotStarted", "Gate %q runs its Job once every other gate is open", name)
}

// Due are the gates whose Jobs may run: those that look for Secrets at any time,
// the user's once everything else is open, but for the turn in a group.
func Due(gates []v1alpha1.Gate, said []verdict.Verdict) []v1alpha1.Gate {
	others := true
	for i, g := range gates {
		if g.Job == nil && g.Group == nil && (i >= len(said) || said[i].Outcome != verdict.Passed) {
			others = false
		}
	}
	return slices.DeleteFunc(slices.Clone(gates), func(g v1alpha1.Gate) bool { return g.Secret == nil && (g.Job == nil || !others) })
}

func pass(reason, format string, args ...any) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalGate, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalGate, reason, format, args...)
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalGate, reason, format, args...)
}

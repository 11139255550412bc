package gate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// turn says whether it is the release's turn in a group: no other member has a
// release under way, and of those that wait for nothing else, it was asked for
// first. All groups have the same order, so that nobody waits in a circle, and
// who waits for something else is waited for by nobody.
func turn(name string, g v1alpha1.GroupGate, f Facts) verdict.Verdict {
	members := others(g, f)
	rests := verdict.Evidence{Value: fmt.Sprintf("%d other members", len(members)), Source: fmt.Sprintf("group %s in the %s", g.Name, strings.ToLower(string(scope(g))))}
	for _, sd := range members {
		if underway(sd.Status.Rollout.Phase) || waiting(sd) && f.Turns[keyOf(sd)] {
			return verdict.With(wait("GroupBusy", "Gate %q waits for the release of %s to end, which is under way in group %q", name, keyOf(sd), g.Name), rests)
		}
	}
	for _, sd := range members {
		if _, queues := f.Turns[keyOf(sd)]; queues && waiting(sd) && before(sd, *f.Object) {
			return verdict.With(wait("GroupQueue", "Gate %q waits for its turn in group %q: %s was asked for first", name, g.Name, keyOf(sd)), rests)
		}
	}
	return verdict.With(pass("GroupFree", "No other release is under way in group %q", g.Name), rests)
}

// others are the other members of a group, by namespace and name.
func others(g v1alpha1.GroupGate, f Facts) []v1alpha1.SignalDeployment {
	var all []v1alpha1.SignalDeployment
	for _, sd := range f.Others {
		near := sd.Namespace == f.Object.Namespace
		if sd.DeletionTimestamp.IsZero() && (near && sd.Name != f.Object.Name || !near && scope(g) == v1alpha1.GroupInCluster) && in(g, sd.Spec.Gates) {
			all = append(all, sd)
		}
	}
	slices.SortFunc(all, func(a, b v1alpha1.SignalDeployment) int {
		return strings.Compare(keyOf(a).String(), keyOf(b).String())
	})
	return all
}

// in reports whether one of the gates is that of the group.
func in(g v1alpha1.GroupGate, gates []v1alpha1.Gate) bool {
	return slices.ContainsFunc(gates, func(other v1alpha1.Gate) bool {
		return other.Group != nil && other.Group.Name == g.Name && scope(*other.Group) == scope(g)
	})
}

func scope(g v1alpha1.GroupGate) v1alpha1.GroupScope {
	if g.Scope == "" {
		return v1alpha1.GroupInNamespace
	}
	return g.Scope
}

// before reports whether one was asked for before the other; of two that were
// asked for in the same second, the first by name.
func before(a, b v1alpha1.SignalDeployment) bool {
	x, y := a.Status.Rollout.StartTime, b.Status.Rollout.StartTime
	if !x.Equal(&y) {
		return x.Before(&y)
	}
	return keyOf(a).String() < keyOf(b).String()
}

func waiting(sd v1alpha1.SignalDeployment) bool {
	return sd.Status.Rollout.Phase == v1alpha1.PhaseGating
}

// underway reports whether a release has passed its gates and not yet ended.
func underway(phase v1alpha1.Phase) bool {
	switch phase {
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver,
		v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseRollingBack:
		return true
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating,
		v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return false
}

func keyOf(sd v1alpha1.SignalDeployment) types.NamespacedName {
	return types.NamespacedName{Namespace: sd.Namespace, Name: sd.Name}
}

// Grouped reports whether a gate is that of a group.
func Grouped(gates []v1alpha1.Gate) bool {
	return slices.ContainsFunc(gates, func(g v1alpha1.Gate) bool { return g.Group != nil })
}

// Open reports whether the gates are open, by their verdicts: all of them, or
// all but those of groups.
func Open(gates []v1alpha1.Gate, said []verdict.Verdict, groups bool) bool {
	for i, v := range said {
		if v.Outcome != verdict.Passed && (groups || i >= len(gates) || gates[i].Group == nil) {
			return false
		}
	}
	return true
}

// Awaits reports whether a SignalDeployment waits for what may just have
// happened to another.
func Awaits(sd, other *v1alpha1.SignalDeployment) bool {
	near := sd.Namespace == other.Namespace
	if near && sd.Name == other.Name {
		return false
	}
	return slices.ContainsFunc(sd.Spec.Gates, func(g v1alpha1.Gate) bool {
		return near && g.SignalDeployment != nil && g.SignalDeployment.Name == other.Name ||
			g.Group != nil && (near || scope(*g.Group) == v1alpha1.GroupInCluster) && in(*g.Group, other.Spec.Gates)
	})
}

// AwaitsService reports whether a SignalDeployment waits for a Service of its
// namespace.
func AwaitsService(sd *v1alpha1.SignalDeployment, service string) bool {
	return slices.ContainsFunc(sd.Spec.Gates, func(g v1alpha1.Gate) bool { return g.Service != nil && g.Service.Name == service })
}

// AwaitsConfigMap reports whether a SignalDeployment waits for a ConfigMap of
// its namespace.
func AwaitsConfigMap(sd *v1alpha1.SignalDeployment, name string) bool {
	return slices.ContainsFunc(sd.Spec.Gates, func(g v1alpha1.Gate) bool { return g.ConfigMap != nil && g.ConfigMap.Name == name })
}

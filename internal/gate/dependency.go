package gate

import (
	"fmt"
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// dependent says whether another SignalDeployment is ready, at the version that
// is asked for.
func dependent(name string, g v1alpha1.SignalDeploymentGate, f Facts) verdict.Verdict {
	rests := verdict.Evidence{Threshold: g.Version, Source: fmt.Sprintf("SignalDeployment %s/%s", f.Object.Namespace, g.Name)}
	other := find(f.Others, f.Object.Namespace, g.Name)
	if other == nil {
		return verdict.With(wait("DependencyMissing", "Gate %q waits for SignalDeployment %q, which does not exist", name, g.Name), rests)
	}
	serves := ""
	if other.Status.Stable != nil {
		serves = other.Status.Stable.Version
	}
	rests.Value = serves
	switch {
	case !ready(other) && circular(*other, f):
		return verdict.With(wait("DependencyCycle", "Gate %q waits for SignalDeployment %q, which waits for this one: remove one of the gates", name, g.Name), rests)
	case !ready(other):
		return verdict.With(wait("DependencyNotReady", "Gate %q waits for SignalDeployment %q to be ready", name, g.Name), rests)
	case g.Version != "" && serves != g.Version:
		return verdict.With(wait("DependencyVersion", "Gate %q waits for version %s of SignalDeployment %q, which serves %s", name, g.Version, g.Name, serves), rests)
	}
	return verdict.With(pass("DependencyReady", "SignalDeployment %q is ready", g.Name), rests)
}

// ready reports whether what the spec asks for serves.
func ready(sd *v1alpha1.SignalDeployment) bool {
	c := meta.FindStatusCondition(sd.Status.Conditions, v1alpha1.ConditionReady)
	return c != nil && c.Status == "True" && c.ObservedGeneration == sd.Generation
}

// circular reports whether one that is waited for waits, be it for others, for
// the one that waits for it.
func circular(from v1alpha1.SignalDeployment, f Facts) bool {
	seen := map[string]bool{}
	for next := []string{from.Name}; len(next) > 0; next = next[1:] {
		sd := find(f.Others, f.Object.Namespace, next[0])
		if seen[next[0]] || sd == nil || sd.Status.Rollout.Phase != v1alpha1.PhaseGating {
			continue
		}
		seen[next[0]] = true
		for _, g := range sd.Spec.Gates {
			if g.SignalDeployment == nil {
				continue
			}
			if g.SignalDeployment.Name == f.Object.Name {
				return true
			}
			next = append(next, g.SignalDeployment.Name)
		}
	}
	return false
}

func find(all []v1alpha1.SignalDeployment, namespace, name string) *v1alpha1.SignalDeployment {
	i := slices.IndexFunc(all, func(sd v1alpha1.SignalDeployment) bool { return sd.Namespace == namespace && sd.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// reached says whether a Service has enough ready endpoints.
func reached(name string, g v1alpha1.ServiceGate, f Facts) verdict.Verdict {
	has, needs := f.Endpoints[g.Name], max(g.MinEndpoints, 1)
	rests := verdict.Evidence{Value: fmt.Sprint(has), Threshold: fmt.Sprintf(">= %d", needs), Source: fmt.Sprintf("endpoints of Service %s/%s", f.Object.Namespace, g.Name)}
	if has < needs {
		return verdict.With(wait("ServiceNotReady", "Gate %q waits for Service %q to have %d ready endpoints", name, g.Name, needs), rests)
	}
	return verdict.With(pass("ServiceReady", "Service %q has at least %d ready endpoints", g.Name, needs), rests)
}

// Endpoints counts what a Service reaches that is ready. One endpoint is in
// several slices when it has several addresses or ports.
func Endpoints(all []discoveryv1.EndpointSlice) int32 {
	there := map[string]bool{}
	for _, slice := range all {
		for _, endpoint := range slice.Endpoints {
			if is := endpoint.Conditions.Ready; is != nil && !*is { // the API reads an absent one as ready
				continue
			}
			key := slices.Concat(endpoint.Addresses, []string{""})[0]
			if pod := endpoint.TargetRef; pod != nil {
				key = pod.Kind + " " + pod.Name
			}
			there[key] = true
		}
	}
	return int32(len(there)) //nolint:gosec // a cluster has far fewer pods
}

// configured says whether a ConfigMap exists, and has the key.
func configured(name string, g v1alpha1.ConfigMapGate, f Facts) verdict.Verdict {
	rests := verdict.Evidence{Threshold: g.Key, Source: fmt.Sprintf("ConfigMap %s/%s", f.Object.Namespace, g.Name)}
	cm := f.Configs[g.Name]
	if cm == nil {
		return verdict.With(wait("ConfigMapMissing", "Gate %q waits for ConfigMap %q, which does not exist", name, g.Name), rests)
	}
	_, text := cm.Data[g.Key]
	if _, binary := cm.BinaryData[g.Key]; g.Key != "" && !text && !binary {
		return verdict.With(wait("ConfigMapKeyMissing", "Gate %q waits for key %q of ConfigMap %q", name, g.Key, g.Name), rests)
	}
	return verdict.With(pass("ConfigMapThere", "ConfigMap %q exists", g.Name), rests)
}

// established says whether the API server serves a resource.
func established(name string, g v1alpha1.CRDGate, f Facts) verdict.Verdict {
	rests := verdict.Evidence{Threshold: g.Version, Source: "discovery of the API server"}
	what := fmt.Sprintf("CRD %q", g.Name)
	if g.Version != "" {
		what = fmt.Sprintf("version %s of CRD %q", g.Version, g.Name)
	}
	if !f.Served[g] {
		return verdict.With(wait("CRDMissing", "Gate %q waits for %s, which the API server does not serve: install it", name, what), rests)
	}
	return verdict.With(pass("CRDEstablished", "The API server serves %s", what), rests)
}

// kept says whether a Secret exists, and has the keys: as a Job has found out.
func kept(name string, g v1alpha1.SecretGate, f Facts) verdict.Verdict {
	if said, has := f.Said[name]; has {
		return said
	}
	return wait("SecretUnknown", "Gate %q waits for a Job to look for Secret %q", name, g.Name)
}

// rehearsed says whether the last rollback drill that came to an end passed, and
// still counts.
func rehearsed(name string, f Facts) verdict.Verdict {
	memory := f.Object.Status.Drill
	rests := verdict.Evidence{Source: "status.drill"}
	if !f.DrillUntil.IsZero() {
		rests.Threshold = "until " + f.DrillUntil.UTC().Format(time.RFC3339)
	}
	last := v1alpha1.DrillResult("")
	for i := 0; memory != nil && i < len(memory.Runs) && last == ""; i++ {
		if r := memory.Runs[i].Result; r == v1alpha1.DrillPassed || r == v1alpha1.DrillFailed {
			last = r
		}
	}
	if rests.Value = string(last); memory != nil && !memory.LastSuccessTime.IsZero() {
		rests.Value = fmt.Sprintf("%s, last success %s", last, memory.LastSuccessTime.UTC().Format(time.RFC3339))
	}
	ask := v1alpha1.AnnotationDrill + "=$(date +%s)"
	switch {
	case f.Object.Status.Stable == nil:
		return verdict.With(pass("NothingToTurnBackTo", "There is no stable release yet, and turning back to none is not rehearsed"), rests)
	case last == "":
		return verdict.With(wait("DrillMissing", "Gate %q waits for a rollback drill, and none has come to an end: ask for one by annotating %s", name, ask), rests)
	case last == v1alpha1.DrillFailed:
		return verdict.With(wait("DrillFailed", "Gate %q waits for a rollback drill that passes, and the last one failed: see status.drill, then ask for another by annotating %s", name, ask), rests)
	case !f.DrillUntil.IsZero() && !f.Now.Before(f.DrillUntil):
		return verdict.With(wait("DrillOverdue", "Gate %q waits for a rollback drill, and the last one that passed does not count any more: ask for one by annotating %s", name, ask), rests)
	}
	return verdict.With(pass("DrillPassed", "The last rollback drill passed, and still counts"), rests)
}

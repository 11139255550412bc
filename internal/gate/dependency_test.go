package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

type change = func(*v1alpha1.SignalDeployment)

// named is a SignalDeployment in prod, in a phase.
func named(name string, phase v1alpha1.Phase, changes ...change) v1alpha1.SignalDeployment {
	sd := testkit.SignalDeployment(changes...)
	sd.Name, sd.Status.Rollout.Phase = name, phase
	return *sd
}

func serves(version string) change {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Status.Stable = &v1alpha1.Release{Version: version}
		sd.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: sd.Generation}}
	}
}

func waitsFor(name string) change {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = append(sd.Spec.Gates, v1alpha1.Gate{Name: name, SignalDeployment: &v1alpha1.SignalDeploymentGate{Name: name}})
	}
}

// one judges one gate of prod/app.
func one(g v1alpha1.Gate, f Facts) verdict.Verdict {
	if f.Object == nil {
		f.Object = testkit.SignalDeployment()
	}
	all, _ := Judge([]v1alpha1.Gate{g}, f)
	return all[0]
}

func TestADependency(t *testing.T) {
	ready := pass("DependencyReady", `SignalDeployment "catalog" is ready`)
	notReady := wait("DependencyNotReady", `Gate "needs" waits for SignalDeployment "catalog" to be ready`)
	cycle := wait("DependencyCycle", `Gate "needs" waits for SignalDeployment "catalog", which waits for this one: remove one of the gates`)
	missing := wait("DependencyMissing", `Gate "needs" waits for SignalDeployment "catalog", which does not exist`)
	for name, tc := range map[string]struct {
		version string
		others  []v1alpha1.SignalDeployment
		want    verdict.Verdict
	}{
		"none there":                          {"", nil, missing},
		"another one there":                   {"", []v1alpha1.SignalDeployment{named("orders", v1alpha1.PhaseSucceeded, serves("v1"))}, missing},
		"of that name elsewhere":              {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseSucceeded, serves("v1"), func(sd *v1alpha1.SignalDeployment) { sd.Namespace = "test" })}, missing},
		"ready":                               {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseSucceeded, serves("v1"))}, ready},
		"ready at the version":                {"v1", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseSucceeded, serves("v1"))}, ready},
		"ready at another":                    {"v2", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseSucceeded, serves("v1"))}, wait("DependencyVersion", `Gate "needs" waits for version v2 of SignalDeployment "catalog", which serves v1`)},
		"under way":                           {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseProgressing)}, notReady},
		"ready for the spec before":           {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseSucceeded, serves("v1"), func(sd *v1alpha1.SignalDeployment) { sd.Generation++ })}, notReady},
		"waits for something else":            {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseGating, waitsFor("orders")), named("orders", v1alpha1.PhaseGating)}, notReady},
		"waits for this one":                  {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseGating, waitsFor("app"))}, cycle},
		"waits for this one round the corner": {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseGating, waitsFor("orders")), named("orders", v1alpha1.PhaseGating, waitsFor("catalog"), waitsFor("app"))}, cycle},
		"ready, and would wait for this one":  {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseSucceeded, serves("v1"), waitsFor("app"))}, ready},
		"past its gate for this one":          {"", []v1alpha1.SignalDeployment{named("catalog", v1alpha1.PhaseVerifying, waitsFor("app"))}, notReady},
	} {
		t.Run(name, func(t *testing.T) {
			got := one(v1alpha1.Gate{Name: "needs", SignalDeployment: &v1alpha1.SignalDeploymentGate{Name: "catalog", Version: tc.version}}, Facts{Others: tc.others})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" || got.Evidence.Source != "SignalDeployment prod/catalog" {
				t.Error(diff, got.Evidence)
			}
		})
	}
}

func TestAService(t *testing.T) {
	gate := func(n int32) v1alpha1.Gate {
		return v1alpha1.Gate{Name: "db", Service: &v1alpha1.ServiceGate{Name: "postgres", MinEndpoints: n}}
	}
	for name, tc := range map[string]struct {
		needs, has int32
		want       verdict.Verdict
	}{
		"none":             {1, 0, wait("ServiceNotReady", `Gate "db" waits for Service "postgres" to have 1 ready endpoints`)},
		"one":              {1, 1, pass("ServiceReady", `Service "postgres" has at least 1 ready endpoints`)},
		"one of two":       {2, 1, wait("ServiceNotReady", `Gate "db" waits for Service "postgres" to have 2 ready endpoints`)},
		"more than enough": {2, 3, pass("ServiceReady", `Service "postgres" has at least 2 ready endpoints`)},
		"absent is one":    {0, 0, wait("ServiceNotReady", `Gate "db" waits for Service "postgres" to have 1 ready endpoints`)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, one(gate(tc.needs), Facts{Endpoints: map[string]int32{"postgres": tc.has, "redis": 9}}), untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEndpointsAreCountedOnce(t *testing.T) {
	pod := func(name string, ready *bool, address string) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: ready}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: name}}
	}
	outside := discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}}
	four := discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{pod("a", new(true), "10.0.0.1"), pod("b", nil, "10.0.0.2"), pod("c", new(false), "10.0.0.3"), outside}}
	six := discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{pod("a", new(true), "fd00::1"), pod("b", nil, "fd00::2"), outside}}
	if got := Endpoints([]discoveryv1.EndpointSlice{four, six}); got != 3 {
		t.Errorf("counts %d, want a, b and the one outside", got)
	}
	if got := Endpoints(nil); got != 0 {
		t.Errorf("counts %d of none", got)
	}
}

func TestAConfigMap(t *testing.T) {
	there := map[string]*corev1.ConfigMap{"flags": {Data: map[string]string{"a": ""}, BinaryData: map[string][]byte{"b": nil}}}
	exists := pass("ConfigMapThere", `ConfigMap "flags" exists`)
	for name, tc := range map[string]struct {
		key   string
		there map[string]*corev1.ConfigMap
		want  verdict.Verdict
	}{
		"not there":        {"", nil, wait("ConfigMapMissing", `Gate "config" waits for ConfigMap "flags", which does not exist`)},
		"there":            {"", there, exists},
		"has the key":      {"a", there, exists},
		"has it in binary": {"b", there, exists},
		"has not the key":  {"c", there, wait("ConfigMapKeyMissing", `Gate "config" waits for key "c" of ConfigMap "flags"`)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, one(v1alpha1.Gate{Name: "config", ConfigMap: &v1alpha1.ConfigMapGate{Name: "flags", Key: tc.key}}, Facts{Configs: tc.there}), untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func inGroup(name string, scope v1alpha1.GroupScope) change {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = append(sd.Spec.Gates, v1alpha1.Gate{Name: "turn-" + name, Group: &v1alpha1.GroupGate{Name: name, Scope: scope}})
	}
}

func askedAt(second int64) change {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Status.Rollout.StartTime = metav1.NewTime(time.Unix(second, 0))
	}
}

func TestAGroup(t *testing.T) {
	member := inGroup("shop", "")
	elsewhere := func(sd *v1alpha1.SignalDeployment) { sd.Namespace = "test" }
	going := func(sd *v1alpha1.SignalDeployment) { sd.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }
	free := pass("GroupFree", `No other release is under way in group "shop"`)
	busy := wait("GroupBusy", `Gate "one" waits for the release of prod/cart to end, which is under way in group "shop"`)
	queue := wait("GroupQueue", `Gate "one" waits for its turn in group "shop": prod/cart was asked for first`)
	others := func(all ...v1alpha1.SignalDeployment) []v1alpha1.SignalDeployment { return all }
	for name, tc := range map[string]struct {
		scope  v1alpha1.GroupScope
		others []v1alpha1.SignalDeployment
		turns  map[string]bool
		want   verdict.Verdict
	}{
		"alone":                          {"", nil, nil, free},
		"itself":                         {"", others(named("app", v1alpha1.PhaseProgressing, member)), nil, free},
		"another at rest":                {"", others(named("cart", v1alpha1.PhaseSucceeded, member)), nil, free},
		"another that failed":            {"", others(named("cart", v1alpha1.PhaseRolledBack, member)), nil, free},
		"another under way":              {"", others(named("cart", v1alpha1.PhaseProgressing, member)), nil, busy},
		"another starting":               {"", others(named("cart", v1alpha1.PhaseStaging, member)), nil, busy},
		"another draining":               {"", others(named("cart", v1alpha1.PhaseSettling, member)), nil, busy},
		"another turning back":           {"", others(named("cart", v1alpha1.PhaseRollingBack, member)), nil, busy},
		"under way, and being deleted":   {"", others(named("cart", v1alpha1.PhaseStaging, member, going)), nil, free},
		"under way in another group":     {"", others(named("cart", v1alpha1.PhaseProgressing, inGroup("bank", ""))), nil, free},
		"under way in no group":          {"", others(named("cart", v1alpha1.PhaseProgressing)), nil, free},
		"under way in another namespace": {"", others(named("cart", v1alpha1.PhaseProgressing, member, elsewhere)), nil, free},
		"under way elsewhere in the cluster": {
			v1alpha1.GroupInCluster, others(named("cart", v1alpha1.PhaseProgressing, inGroup("shop", v1alpha1.GroupInCluster), elsewhere)), nil,
			wait("GroupBusy", `Gate "one" waits for the release of test/cart to end, which is under way in group "shop"`),
		},
		"of the same name and another scope":      {v1alpha1.GroupInCluster, others(named("cart", v1alpha1.PhaseProgressing, member)), nil, free},
		"has just been let go":                    {"", others(named("cart", v1alpha1.PhaseGating, member, askedAt(99))), map[string]bool{"cart": true}, busy},
		"was asked for first":                     {"", others(named("cart", v1alpha1.PhaseGating, member, askedAt(9))), map[string]bool{"cart": false}, queue},
		"was asked for first, waits for a window": {"", others(named("cart", v1alpha1.PhaseGating, member, askedAt(9))), nil, free},
		"was asked for later":                     {"", others(named("cart", v1alpha1.PhaseGating, member, askedAt(11))), map[string]bool{"cart": false}, free},
		"at the same time, later by name":         {"", others(named("cart", v1alpha1.PhaseGating, member, askedAt(10))), map[string]bool{"cart": false}, free},
		"at the same time, earlier by name":       {"", others(named("a", v1alpha1.PhaseGating, member, askedAt(10))), map[string]bool{"a": false}, wait("GroupQueue", `Gate "one" waits for its turn in group "shop": prod/a was asked for first`)},
		"let go, and seen under way since":        {"", others(named("cart", v1alpha1.PhaseChecking, member)), map[string]bool{"cart": true}, busy},
		"let go, and ended since":                 {"", others(named("cart", v1alpha1.PhaseFailed, member)), map[string]bool{"cart": true}, free},
	} {
		t.Run(name, func(t *testing.T) {
			turns := map[types.NamespacedName]bool{}
			for other, gone := range tc.turns {
				turns[types.NamespacedName{Namespace: "prod", Name: other}] = gone
			}
			me := named("app", v1alpha1.PhaseGating, member, askedAt(10))
			got := one(v1alpha1.Gate{Name: "one", Group: &v1alpha1.GroupGate{Name: "shop", Scope: tc.scope}}, Facts{Object: &me, Others: tc.others, Turns: turns})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhoAwaitsWhom(t *testing.T) {
	elsewhere := func(sd *v1alpha1.SignalDeployment) { sd.Namespace = "test" }
	for name, tc := range map[string]struct {
		sd, other v1alpha1.SignalDeployment
		want      bool
	}{
		"a dependency":                        {named("app", "", waitsFor("catalog")), named("catalog", ""), true},
		"a dependency of that name elsewhere": {named("app", "", waitsFor("catalog")), named("catalog", "", elsewhere), false},
		"no dependency":                       {named("app", "", waitsFor("catalog")), named("orders", ""), false},
		"a member of the group":               {named("app", "", inGroup("shop", "")), named("cart", "", inGroup("shop", v1alpha1.GroupInNamespace)), true},
		"a member elsewhere":                  {named("app", "", inGroup("shop", "")), named("cart", "", inGroup("shop", ""), elsewhere), false},
		"a member in the cluster":             {named("app", "", inGroup("shop", v1alpha1.GroupInCluster)), named("cart", "", inGroup("shop", v1alpha1.GroupInCluster), elsewhere), true},
		"itself":                              {named("app", "", inGroup("shop", "")), named("app", "", inGroup("shop", "")), false},
		"no gates":                            {named("app", ""), named("cart", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Awaits(&tc.sd, &tc.other); got != tc.want {
				t.Errorf("awaits %t", got)
			}
		})
	}
}

func TestADrill(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	ran := func(results ...v1alpha1.DrillResult) *v1alpha1.DrillStatus {
		memory := &v1alpha1.DrillStatus{}
		for _, r := range results {
			memory.Runs = append(memory.Runs, v1alpha1.DrillRun{Result: r})
		}
		return memory
	}
	const ask = "delivery.signal.dev/drill=$(date +%s)"
	missing := wait("DrillMissing", `Gate "drill" waits for a rollback drill, and none has come to an end: ask for one by annotating %s`, ask)
	failed := wait("DrillFailed", `Gate "drill" waits for a rollback drill that passes, and the last one failed: see status.drill, then ask for another by annotating %s`, ask)
	overdue := wait("DrillOverdue", `Gate "drill" waits for a rollback drill, and the last one that passed does not count any more: ask for one by annotating %s`, ask)
	first := pass("NothingToTurnBackTo", "There is no stable release yet, and turning back to none is not rehearsed")
	passed := pass("DrillPassed", "The last rollback drill passed, and still counts")
	for name, tc := range map[string]struct {
		memory *v1alpha1.DrillStatus
		until  time.Time
		want   verdict.Verdict
	}{
		"a first release":                    {nil, time.Time{}, first},
		"none asked for":                     {nil, time.Time{}, missing},
		"none yet":                           {ran(), noon.Add(time.Hour), missing},
		"the first one runs":                 {ran(v1alpha1.DrillRunning), time.Time{}, missing},
		"interrupted ones prove nothing":     {ran(v1alpha1.DrillInterrupted, v1alpha1.DrillInterrupted), time.Time{}, missing},
		"passed, and counts for ever":        {ran(v1alpha1.DrillPassed), time.Time{}, passed},
		"passed, and still counts":           {ran(v1alpha1.DrillPassed), noon.Add(time.Second), passed},
		"passed, to the second too long ago": {ran(v1alpha1.DrillPassed), noon, overdue},
		"failed":                             {ran(v1alpha1.DrillFailed, v1alpha1.DrillPassed), time.Time{}, failed},
		"interrupted after it passed":        {ran(v1alpha1.DrillInterrupted, v1alpha1.DrillPassed, v1alpha1.DrillFailed), time.Time{}, passed},
		"another runs after it failed":       {ran(v1alpha1.DrillRunning, v1alpha1.DrillFailed), time.Time{}, failed},
	} {
		sd := testkit.SignalDeployment()
		sd.Status.Drill, sd.Status.Stable = tc.memory, new(testkit.Release("v1"))
		if name == "a first release" {
			sd.Status.Stable = nil
		}
		got := one(v1alpha1.Gate{Name: "drill", Drill: &v1alpha1.DrillGate{}}, Facts{Object: sd, Now: noon, DrillUntil: tc.until})
		if got.Evidence == nil || got.Evidence.Source != "status.drill" {
			t.Errorf("%s: evidence %+v", name, got.Evidence)
		}
		got.Evidence = nil
		if diff := cmp.Diff(verdict.Named(tc.want, "drill"), got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// everywhere is a check at all stages, of a service with an entry.
func everywhere(check v1alpha1.SmokeCheck) *v1alpha1.SignalDeployment {
	check.Stages = []v1alpha1.CheckStage{v1alpha1.StageAfterCutover, v1alpha1.StageCandidate, v1alpha1.StageGateway}
	sd := deployment(check)
	sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "https://signals.example:8443", Address: "edge.gateway-system.svc:443"}
	sd.Spec.Traffic.HTTPRoutes = []v1alpha1.RouteReference{{Name: "web"}}
	return sd
}

// What a check is told of the way that it is to go.
func TestTheWayOfAStage(t *testing.T) {
	const canary, stable = "app-canary.prod.svc", "app.prod.svc"
	for name, tc := range map[string]struct {
		target Target
		change func(*v1alpha1.SignalDeployment)
		want   map[string]string
	}{
		"the candidate": {
			Target{Stage: v1alpha1.StageCandidate, Address: "198.19.0.7", Host: canary},
			nil,
			map[string]string{"SIGNAL_TARGET": "http://198.19.0.7:80", "SIGNAL_HOST": canary},
		},
		"through the Gateway": {
			Target{Stage: v1alpha1.StageGateway, Address: "198.19.0.7", Host: canary, Entry: true},
			nil,
			map[string]string{"SIGNAL_TARGET": "https://signals.example:8443", "SIGNAL_HOST": "signals.example:8443", "SIGNAL_ADDRESS": "edge.gateway-system.svc:443", "SIGNAL_HEADER": "X-Signal-Release: v2"},
		},
		"through a Gateway that DNS knows": {
			Target{Stage: v1alpha1.StageGateway, Entry: true},
			func(sd *v1alpha1.SignalDeployment) { sd.Spec.Traffic.Entry.Address = "" },
			map[string]string{"SIGNAL_TARGET": "https://signals.example:8443", "SIGNAL_HOST": "signals.example:8443", "SIGNAL_HEADER": "X-Signal-Release: v2"},
		},
		"after the cutover": {
			Target{Stage: v1alpha1.StageAfterCutover, Entry: true},
			nil,
			map[string]string{"SIGNAL_TARGET": "https://signals.example:8443", "SIGNAL_HOST": "signals.example:8443", "SIGNAL_ADDRESS": "edge.gateway-system.svc:443"},
		},
		"after the cutover, without an entry": {
			Target{Stage: v1alpha1.StageAfterCutover, Address: "198.19.0.8", Host: stable},
			func(sd *v1alpha1.SignalDeployment) { sd.Spec.Traffic.Entry = nil },
			map[string]string{"SIGNAL_TARGET": "http://198.19.0.8:80", "SIGNAL_HOST": stable},
		},
	} {
		for kind, check := range map[string]v1alpha1.SmokeCheck{"built in": alive, "the user's": own} {
			t.Run(name+", "+kind, func(t *testing.T) {
				sd := everywhere(check)
				if tc.change != nil {
					tc.change(sd)
				}
				got := map[string]string{}
				for _, v := range Build(sd, rel, sd.Spec.Checks.Smoke[0], tc.target, prober).Spec.Template.Spec.Containers[0].Env {
					switch v.Name {
					case "SIGNAL_TARGET", "SIGNAL_HOST", "SIGNAL_ADDRESS", "SIGNAL_HEADER":
						got[v.Name] = v.Value
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// Each stage of a check is a Job of its own, and what it says is told apart.
func TestEachStageSpeaksForItself(t *testing.T) {
	sd := everywhere(alive)
	c := cluster(t)
	for _, stage := range []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover} {
		for range 2 {
			if err := Ensure(t.Context(), c, sd, rel, Target{Stage: stage, Address: "198.19.0.7", Entry: stage != v1alpha1.StageCandidate}, prober); err != nil {
				t.Fatal(err)
			}
		}
	}
	outcome := map[string]batchv1.JobCondition{
		"app-v2-3-alive":              {Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: noon},
		"app-v2-gateway-3-alive":      {Type: batchv1.JobFailed, Status: corev1.ConditionTrue, LastTransitionTime: noon},
		"app-v2-aftercutover-3-alive": {Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: noon},
	}
	made := jobsIn(t, c)
	if len(made) != len(outcome) {
		t.Fatalf("%d Jobs", len(made))
	}
	labels := map[string]bool{}
	for name, job := range made {
		label := job.Spec.Template.Labels[v1alpha1.LabelCheck]
		if problems := validation.IsValidLabelValue(label); len(problems) > 0 || labels[label] || label != job.Labels[v1alpha1.LabelCheck] {
			t.Errorf("%s has label %q: %v", name, label, problems)
		}
		labels[label] = true
		job.Status.Conditions = []batchv1.JobCondition{outcome[name]}
		if err := c.Status().Update(t.Context(), &job); err != nil {
			t.Fatal(err)
		}
	}
	said := func(stages ...v1alpha1.CheckStage) (all []string) {
		verdicts, err := Read(t.Context(), c, sd, rel, stages...)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			all = append(all, v.Name+" "+string(v.Outcome))
			if !strings.Contains(v.Message, `"`+v.Name+`"`) {
				t.Errorf("%s: %s", v.Name, v.Message)
			}
		}
		return all
	}
	if diff := cmp.Diff([]string{"alive Passed", "alive.Gateway Failed"}, said(v1alpha1.StageCandidate, v1alpha1.StageGateway)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"alive.AfterCutover Passed"}, said(v1alpha1.StageAfterCutover)); diff != "" {
		t.Error(diff)
	}
}

// A check is started only at the stages that it asks for.
func TestStagesThatAreNotAskedForDoNotStart(t *testing.T) {
	sd := everywhere(alive)
	sd.Spec.Checks.Smoke[0].Stages = []v1alpha1.CheckStage{v1alpha1.StageAfterCutover}
	c := cluster(t)
	for _, stage := range []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway} {
		if err := Ensure(t.Context(), c, sd, rel, Target{Stage: stage, Address: "198.19.0.7", Entry: true}, prober); err != nil {
			t.Fatal(err)
		}
	}
	if made := jobsIn(t, c); len(made) != 0 {
		t.Errorf("Jobs %v", made)
	}
	verdicts, err := Read(t.Context(), c, sd, rel, v1alpha1.StageCandidate, v1alpha1.StageGateway)
	if err != nil || len(verdicts) != 0 {
		t.Errorf("got %v, %v", verdicts, err)
	}
	verdicts, err = Read(t.Context(), c, sd, rel, v1alpha1.StageAfterCutover)
	if err != nil || len(verdicts) != 1 || verdicts[0].Outcome != verdict.Unknown {
		t.Errorf("got %v, %v", verdicts, err)
	}
}

func TestStagesNeedAWay(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SignalDeployment)
		want   string
	}{
		"all is there":             {func(*v1alpha1.SignalDeployment) {}, ""},
		"Gateway without an entry": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Traffic.Entry = nil }, `spec.checks.smoke[0].stages (check "alive"): Gateway needs to know where clients reach the service: set spec.traffic.entry, or remove the stage`},
		"Gateway without a route":  {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Traffic.HTTPRoutes = nil }, `spec.checks.smoke[0].stages (check "alive"): Gateway needs a route to go by: name one in spec.traffic.httpRoutes, or remove the stage`},
		"afterwards needs no entry": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Checks.Smoke[0].Stages, sd.Spec.Traffic = []v1alpha1.CheckStage{v1alpha1.StageAfterCutover}, v1alpha1.TrafficSpec{}
		}, ""},
		"nothing is asked for": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Checks.Smoke[0].Stages, sd.Spec.Traffic = nil, v1alpha1.TrafficSpec{}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sd := everywhere(alive)
			tc.change(sd)
			got := ""
			if err := Validate(sd); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The security checks after the cutover go the way of clients, and are held
// against what was found before it.
func TestTheSecurityChecksAfterTheCutover(t *testing.T) {
	sides := Sides{Canary: "198.19.0.7", Stable: "198.19.0.8", Host: "app.prod.svc"}
	found := func(statistic string) func(*v1alpha1.SignalDeployment) {
		return func(sd *v1alpha1.SignalDeployment) {
			v := verdict.With(ofSecurity(verdict.Pass(v1alpha1.SignalSecurity, "SecurityChecksPassed", "good"), partSecurity), verdict.Evidence{Statistic: statistic})
			v.Phase = v1alpha1.PhaseChecking
			sd.Status.Rollout.Verdicts = []verdict.Verdict{v}
		}
	}
	for name, tc := range map[string]struct {
		entry  *v1alpha1.TrafficEntry
		before func(*v1alpha1.SignalDeployment)
		want   map[string]string
	}{
		"by an address": {
			&v1alpha1.TrafficEntry{URL: "http://signals.example", Address: "edge:80"}, found("11, 14"),
			map[string]string{"SIGNAL_TARGET": "edge:80", "SIGNAL_HOST": "signals.example", "SIGNAL_STABLE": "198.19.0.7:80", "SIGNAL_KNOWN": "11, 14"},
		},
		"by a name, over TLS": {
			&v1alpha1.TrafficEntry{URL: "https://signals.example"}, found(""),
			map[string]string{"SIGNAL_TARGET": "signals.example:443", "SIGNAL_HOST": "signals.example", "SIGNAL_STABLE": "198.19.0.7:80", "SIGNAL_KNOWN": "none", "SIGNAL_ENTRY_TLS": "true"},
		},
		"by a name with a port": {
			&v1alpha1.TrafficEntry{URL: "http://signals.example:8080"}, found(""),
			map[string]string{"SIGNAL_TARGET": "signals.example:8080", "SIGNAL_HOST": "signals.example:8080", "SIGNAL_STABLE": "198.19.0.7:80", "SIGNAL_KNOWN": "none"},
		},
		"without an entry or a memory": {
			nil, func(*v1alpha1.SignalDeployment) {},
			map[string]string{"SIGNAL_TARGET": "198.19.0.8:80", "SIGNAL_HOST": "app.prod.svc", "SIGNAL_STABLE": "198.19.0.7:80", "SIGNAL_KNOWN": "all"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, compare := range []v1alpha1.SecurityCompare{v1alpha1.CompareStable, v1alpha1.CompareAbsolute} {
				sd := deployment()
				sd.Spec.Traffic.Entry = tc.entry
				sd.Spec.Checks.Security = &v1alpha1.SecuritySpec{Paths: []v1alpha1.ProbedPath{"/"}, TimeoutSeconds: 60, Compare: compare}
				tc.before(sd)
				job, first := SecurityAfter(sd, rel, sides, prober), Security(sd, rel, sides, prober)
				if job.Name == first.Name || job.Spec.Template.Labels[v1alpha1.LabelCheck] == first.Spec.Template.Labels[v1alpha1.LabelCheck] {
					t.Errorf("%s is no Job of its own", job.Name)
				}
				got := map[string]string{}
				for _, v := range job.Spec.Template.Spec.Containers[0].Env {
					if _, asked := tc.want[v.Name]; asked || v.Name == "SIGNAL_ENTRY_TLS" {
						got[v.Name] = v.Value
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// What is handed on to another Job is numbers, whatever the first one said.
func TestOnlyNumbersAreHandedOn(t *testing.T) {
	for text, want := range map[string]string{"11, 14": "11, 14", "all": "", "11; rm": "", "": ""} {
		if got := restsOn(verdict.Evidence{}, &verdict.Evidence{Statistic: text}).Statistic; got != want {
			t.Errorf("of %q came %q", text, got)
		}
	}
}

// Clients' connections end at the Gateway: how it treats them is not for the
// release to answer for.
func TestTheGatewaysConnectionsAreNotTheReleases(t *testing.T) {
	rel := v1alpha1.Release{Hash: "abc", Attempt: 1, ID: "v1"}
	for name, tc := range map[string]struct {
		entry *v1alpha1.TrafficEntry
		want  []int32
	}{
		"through the Gateway": {&v1alpha1.TrafficEntry{URL: "http://signals.example"}, []int32{16, 41, 56}},
		"without one":         {nil, []int32{16}},
	} {
		sd := deployment()
		sd.Spec.Traffic.Entry = tc.entry
		sd.Spec.Checks.Security = &v1alpha1.SecuritySpec{Paths: []v1alpha1.ProbedPath{"/"}, TimeoutSeconds: 60, Disable: []int32{16}}
		var sent v1alpha1.SecuritySpec
		for _, v := range SecurityAfter(sd, rel, Sides{Canary: "198.19.0.7", Stable: "198.19.0.8"}, "prober").Spec.Template.Spec.Containers[0].Env {
			if v.Name == "SIGNAL_SECURITY" {
				if err := json.Unmarshal([]byte(v.Value), &sent); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(tc.want, sent.Disable); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]int32{16}, sd.Spec.Checks.Security.Disable); diff != "" {
			t.Errorf("the spec was changed: %s", diff)
		}
	}
}

package report

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// story is the memory of an attempt in the making, as the machine writes it.
type story struct {
	in  Input
	now time.Time
}

// newStory begins an attempt at v2 beside v1.
func newStory() *story {
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	stable := testkit.Release("v1")
	steps := []v1alpha1.Step{testkit.Step("first", 5), testkit.Step("quarter", 25), testkit.Step("half", 50)}
	s := &story{now: start, in: Input{Namespace: "prod", Name: "app", Environment: "prod", Release: testkit.Release("v2"), Stable: &stable}}
	s.in.Rollout = v1alpha1.RolloutStatus{StartTime: metav1.NewTime(start), Plan: v1alpha1.Plan{Steps: steps, Routes: []string{"web"}, Automatic: true}}
	return s
}

// enter begins a phase or step after the given seconds.
func (s *story) enter(after int, phase v1alpha1.Phase, step string, weight int32, reason, message string) *story {
	s.now = s.now.Add(time.Duration(after) * time.Second)
	r := &s.in.Rollout
	r.Phase, r.Reason, r.Message = phase, reason, message
	r.Exposed = r.Exposed || phase == v1alpha1.PhaseProgressing
	r.Timeline = append(r.Timeline, v1alpha1.TimelineEntry{Time: metav1.NewTime(s.now), Phase: phase, Step: step, Weight: weight, Reason: reason, Message: message})
	return s
}

// says records verdicts in the phase and step that the story is at.
func (s *story) says(verdicts ...verdict.Verdict) *story {
	r := &s.in.Rollout
	for _, v := range verdicts {
		if n := len(r.Timeline); n > 0 {
			v.Phase, v.Step = r.Timeline[n-1].Phase, r.Timeline[n-1].Step
		}
		if v.Evidence != nil && v.Evidence.Source != "" {
			e := *v.Evidence
			e.Time = metav1.NewTime(s.now)
			v.Evidence = &e
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	return s
}

// end closes the attempt.
func (s *story) end(result v1alpha1.Result) Input {
	s.in.Rollout.Result, s.in.Rollout.EndTime = result, metav1.NewTime(s.now)
	return s.in
}

// staged is the way to the checks.
func (s *story) staged() *story {
	return s.enter(0, v1alpha1.PhasePending, "", 0, "NewRelease", "v2 was asked for").
		enter(1, v1alpha1.PhaseResolving, "", 0, "Resolving", "Asking the registry").
		says(verdict.With(verdict.Pass(v1alpha1.SignalArtifact, "Resolved", "%s is %s", s.in.Release.Image, s.in.Release.Digest),
			verdict.Evidence{Value: s.in.Release.Digest, Query: s.in.Release.Image, Source: "registry.example"})).
		enter(1, v1alpha1.PhaseGating, "", 0, "Resolved", "It is pinned").
		says(verdict.Pass(v1alpha1.SignalGate, "NoGates", "No gate was asked for")).
		enter(0, v1alpha1.PhaseStaging, "", 0, "Starting", "Starting the pods").
		says(verdict.Pass(v1alpha1.SignalWorkload, "Ready", "All 1 pods of Deployment %q are ready", "app-v2")).
		enter(4, v1alpha1.PhaseChecking, "", 0, "Checking", "The pods are ready; running 1 checks")
}

// step passes a step in which the metric had the value.
func (s *story) step(name string, weight int32, value string) *story {
	return s.enter(61, v1alpha1.PhaseProgressing, name, weight, "Judged", "The step before has passed").says(errorsOf(value, 0), quiet())
}

func smoke() verdict.Verdict {
	return verdict.With(verdict.Named(verdict.Pass(v1alpha1.SignalSmoke, "CheckPassed", "Check %q passed", "alive"), "alive"), verdict.Evidence{Source: "Job app-v2-1-alive"})
}

// errorsOf is a metric within its limits, with some failing samples of 12.
func errorsOf(value string, failures int32) verdict.Verdict {
	return verdict.With(verdict.Named(verdict.Pass(v1alpha1.SignalMetric, "WithinLimits", "Metric %q is within its limits: <= 0.01", "errors"), "errors"), verdict.Evidence{
		Value: value, Baseline: "0.001", Threshold: "<= 0.01, <= 1.5 * stable", Query: `sum(rate(errors{release=~"v2|x"}[1m]))`, Window: "1m0s",
		Source: "http://prometheus:9090", Samples: 12, Failures: failures,
	})
}

func quiet() verdict.Verdict {
	return verdict.With(verdict.Named(verdict.Pass(v1alpha1.SignalAlert, "Quiet", "Alert SignalErrors does not fire for the candidate"), "SignalErrors"),
		verdict.Evidence{Threshold: "> 0.05", Query: `errors{release="v2"} > 0.05`, Source: "http://prometheus:9090"})
}

func firing() verdict.Verdict {
	return verdict.With(verdict.Named(verdict.Fail(v1alpha1.SignalAlert, "AlertFiring", "Alert SignalErrors fires for the candidate with value 0.2: too many errors"), "SignalErrors"),
		verdict.Evidence{Value: "0.2", Threshold: "> 0.05", Query: `errors{release="v2"} > 0.05`, Source: "http://prometheus:9090"})
}

func good() Input {
	s := newStory().staged().says(smoke()).step("first", 5, "0").step("quarter", 25, "0.002").step("half", 50, "0.001").
		enter(61, v1alpha1.PhaseCuttingOver, "Weight", 50, "Quiet", "Taking over").says(errorsOf("0.001", 2), quiet()).
		enter(2, v1alpha1.PhaseCuttingOver, "Select", 100, "AllWeight", "The canary Service takes all traffic").
		enter(1, v1alpha1.PhaseCuttingOver, "Return", 100, "Selected", "Service app selects the new release").
		enter(1, v1alpha1.PhaseVerifying, "", 0, "CutOver", "The routes are at rest and the new release serves all").says(errorsOf("0.0015", 0), quiet())
	stable := s.in.Release
	s.in.Stable = &stable
	return s.enter(120, v1alpha1.PhaseSettling, "", 0, "Draining", "The old one drains").
		enter(31, v1alpha1.PhaseSucceeded, "", 0, "Promoted", "v2-prod-20300101_120000 is stable").end(v1alpha1.ResultSucceeded)
}

func alertRollback() Input {
	s := newStory().staged().says(smoke()).step("first", 5, "0").
		enter(61, v1alpha1.PhaseProgressing, "quarter", 5, "Quiet", "The step before has passed").says(firing())
	s.in.Rollout.Tallies = []v1alpha1.MetricTally{{Name: "latency", Failures: 3, Consecutive: 1}, {Name: "quiet"}}
	s.in.Rollout.FiredBefore = []string{"DiskFull{node=a}"}
	why := firing()
	return s.enter(12, v1alpha1.PhaseRollingBack, "", 25, why.Reason, why.Message).
		enter(3, v1alpha1.PhaseRolledBack, "", 0, why.Reason, why.Message).end(v1alpha1.ResultRolledBack)
}

func smokeFailure() Input {
	s := newStory().staged()
	s.in.Stable, s.in.Rollout.Plan.Steps = nil, nil
	why := verdict.Fail(v1alpha1.SignalSmoke, "CheckFailed", "Check %q failed: GET /v1/signals answered 503 | want 200", "alive")
	return s.says(verdict.With(verdict.Named(why, "alive"), verdict.Evidence{Value: "503", Threshold: "status 200", Source: "Job app-v2-1-alive"})).
		enter(9, v1alpha1.PhaseFailed, "", 0, why.Reason, why.Message).end(v1alpha1.ResultFailed)
}

// critically is a release of whose critical paths one works, one does not, one
// is not known yet, and one was never asked for.
func critically() Input {
	s := newStory().staged()
	path := func(v verdict.Verdict, name, path, by, asked string) verdict.Verdict {
		return verdict.With(verdict.Named(v, name), verdict.Evidence{Value: asked, Threshold: path, Source: by})
	}
	why := verdict.Named(verdict.Fail(v1alpha1.SignalSmoke, "CheckFailed", "Check %q failed: POST /v1/orders was answered with status 500, not with 201", "write"), "write")
	return s.says(
		path(verdict.Pass(v1alpha1.SignalSmoke, "CriticalPathCovered", "Critical path %q (/v1/signals): check %q asked for it, and passed", "read signals", "read"), "read signals", "/v1/signals", `check "read"`, "GET /v1/signals?limit=1"),
		path(verdict.Fail(v1alpha1.SignalSmoke, "CriticalPathFailed", "Critical path %q (/v1/orders/{id}): check %q, which asks for it, failed", "one | order", "write"), "one | order", "/v1/orders/{id}", `check "write"`, "GET /v1/orders/${id}"),
		path(verdict.Wait(v1alpha1.SignalSmoke, "CriticalPathPending", "Critical path %q (/v1/stream): check %q, which asks for it, has not ended", "stream", "slow"), "stream", "/v1/stream", `check "slow"`, "GET /v1/stream"),
		path(verdict.Wait(v1alpha1.SignalSmoke, "CriticalPathNotCovered", "Critical path %q (/login): no smoke check asks for it: add a request to one", "login"), "login", "/login", "spec.checks.smoke", "no request"),
		verdict.With(why, verdict.Evidence{Value: "status 500", Threshold: "status 201", Source: "Job app-v2-1-write"}),
	).enter(9, v1alpha1.PhaseFailed, "", 0, why.Reason, why.Message).end(v1alpha1.ResultFailed)
}

func superseded() Input {
	s := newStory().staged().says(smoke()).step("first", 5, "0").enter(61, v1alpha1.PhaseProgressing, "quarter", 5, "Quiet", "The step before has passed")
	why := verdict.Fail(v1alpha1.SignalRequest, "Superseded", "A newer release was asked for before %s had ended", s.in.Release.ID)
	return s.says(why).enter(20, v1alpha1.PhaseRollingBack, "", 25, why.Reason, why.Message).
		enter(2, v1alpha1.PhaseRolledBack, "", 0, why.Reason, why.Message).end(v1alpha1.ResultSuperseded)
}

// aborted is held for people by rollback.automatic: false, promoted past that
// failure, and then aborted after all.
func aborted() Input {
	s := newStory().staged().says(smoke()).enter(2, v1alpha1.PhaseProgressing, "first", 5, "CheckPassed", "The checks have passed").says(firing())
	s.in.Rollout.Plan.Automatic, s.in.Rollout.Overruled = false, true
	promoted := verdict.Pass(v1alpha1.SignalRequest, "Promoted", "Someone promoted %s", s.in.Release.ID)
	why := verdict.Fail(v1alpha1.SignalRequest, "Aborted", "Someone aborted %s", s.in.Release.ID)
	unheard := verdict.With(verdict.Named(verdict.Wait(v1alpha1.SignalMetric, "NoData", "Metric %q has no data", "errors"), "errors"), verdict.Evidence{Query: "errors", Source: "http://prometheus:9090"})
	return s.says(verdict.With(promoted, verdict.Evidence{Value: s.in.Release.ID, Source: "annotation " + v1alpha1.AnnotationPromote})).
		enter(30, v1alpha1.PhaseCuttingOver, "Weight", 5, "Promoted", promoted.Message).says(firing(), unheard).
		says(verdict.With(why, verdict.Evidence{Value: "now", Source: "annotation " + v1alpha1.AnnotationAbort})).
		enter(5, v1alpha1.PhaseRollingBack, "", 100, why.Reason, why.Message).
		enter(2, v1alpha1.PhaseRolledBack, "", 0, why.Reason, why.Message).end(v1alpha1.ResultAborted)
}

func stories() map[string]Input {
	return map[string]Input{
		"good-in-three-steps": good(), "alert-rollback": alertRollback(), "smoke-failure-of-a-first-release": smokeFailure(),
		"superseded": superseded(), "held-overruled-aborted": aborted(), "critical-paths": critically(),
	}
}

// crowded is an attempt that fills every bound of the status with a text.
func crowded(text string) Input {
	fill := func(limit int) string { return strings.Repeat(text, limit/len(text)) }
	s := newStory()
	s.in.Release.Image, s.in.Release.ID, s.in.Release.Version = fill(512), fill(192), fill(128)
	for i := range 200 {
		o := []v1alpha1.Outcome{verdict.Passed, verdict.Unknown, verdict.Failed, verdict.Passed}[i%4]
		v := verdict.Verdict{Kind: v1alpha1.SignalMetric, Name: fill(248) + fmt.Sprint(i), Outcome: o, Reason: "Reason", Message: fill(2040) + fmt.Sprint(i)}
		s.says(verdict.With(v, verdict.Evidence{Value: fill(256), Baseline: fill(256), Threshold: fill(256), Query: fill(4090) + fmt.Sprint(i), Source: fill(512), Window: fill(64)}))
	}
	for range 100 {
		s.enter(1, v1alpha1.PhaseProgressing, fill(63), 5, fill(128), fill(2048))
	}
	return s.end(v1alpha1.ResultRolledBack)
}

package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// watermarked verifies who answers, and measures each step's split.
func watermarked(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "http://signals.example"}
	sd.Spec.Checks.Watermark = &v1alpha1.WatermarkSpec{SecretName: "watermark", Path: "/", Requests: 50, SplitRequests: 500}
}

// mark is what is seen of watermarks: the split once it is being measured.
func (w *world) mark(seen *rollout.Observation) {
	if w.started[w.stepOf()] {
		seen.Split = w.says.split
	}
	for _, checks := range []*rollout.Checks{&seen.Checks, &seen.After} {
		if *checks == nil {
			*checks = rollout.Checks{}
		}
		(*checks)[rollout.PartWatermark] = []verdict.Verdict{w.says.marks}
	}
}

// measure starts to measure a step's split.
func (w *world) measure(want rollout.Want) {
	if want.Split {
		w.started[w.stepOf()] = true
	}
}

var splitStories = map[string]story{
	"split as the weights say": {begin: serving, change: watermarked, lasts: 12 * time.Minute, want: v1alpha1.PhaseSucceeded},
	"split wrong at the second step": {
		begin: serving, change: watermarked, lasts: 6 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), say(func(s *signals) { s.split = testkit.Failed(v1alpha1.SignalWatermark, "SplitWrong") })}},
	},
	"split measured after the hold": {
		begin: serving, change: watermarked, lasts: 14 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{
			{step("quarter"), say(func(s *signals) { s.split = testkit.Unknown(v1alpha1.SignalWatermark) })},
			{later(2 * time.Minute), say(func(s *signals) { s.split = testkit.Passed(v1alpha1.SignalWatermark) })},
		},
	},
	"split never measured": {
		begin: serving, change: watermarked, lasts: 11 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), say(func(s *signals) { s.split = verdict.Verdict{} })}},
	},
	"others answer after the cutover": {
		begin: serving, change: watermarked, lasts: 12 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), say(func(s *signals) { s.marks = testkit.Failed(v1alpha1.SignalWatermark, "WatermarkWrongRelease") })}},
	},
	"others answer before traffic": {
		begin: serving, change: watermarked, lasts: 3 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseChecking), say(func(s *signals) { s.marks = testkit.Failed(v1alpha1.SignalWatermark, "WatermarkWrongRelease") })}},
	},
}

func TestTracesOfSplits(t *testing.T) { tell(t, splitStories) }

// stepped is a step that holds its weight, and is to be measured.
func stepped(change ...func(*rollout.Input)) rollout.Input {
	in := at(v1alpha1.PhaseProgressing)
	watermarked(in.Object)
	in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = 5, 5, true
	in.Seen.Split = testkit.Passed(v1alpha1.SignalWatermark)
	for _, c := range change {
		c(&in)
	}
	return in
}

// When a split is measured, and when it is waited for.
func TestASplitIsMeasuredWhereThereIsOne(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*rollout.Input)
		measure bool // wanted
		step    int32
	}{
		"measured":         {func(*rollout.Input) {}, false, 1}, // the next step's weight has not been seen yet
		"not measured yet": {func(in *rollout.Input) { in.Seen.Split = verdict.Verdict{} }, true, 0},
		"being measured":   {func(in *rollout.Input) { in.Seen.Split = testkit.Unknown(v1alpha1.SignalWatermark) }, true, 0},
		"the weight has just been seen": {func(in *rollout.Input) {
			in.Object.Status.Rollout.HeldSinceTime.Reset()
			in.Seen.Split = verdict.Verdict{}
		}, true, 0},
		"the weight is not seen": {func(in *rollout.Input) { in.Seen.Route.Weight, in.Seen.Route.Lowest = 0, 0 }, false, 0},
		"nobody asks":            {func(in *rollout.Input) { in.Object.Spec.Checks.Watermark, in.Seen.Split = nil, verdict.Verdict{} }, false, 1},
		"only the candidate is to be verified": {func(in *rollout.Input) {
			in.Object.Spec.Checks.Watermark.SplitRequests, in.Seen.Split = 0, verdict.Verdict{}
		}, false, 1},
		"nobody says where clients enter": {func(in *rollout.Input) { in.Object.Spec.Traffic.Entry, in.Seen.Split = nil, verdict.Verdict{} }, false, 1},
		"someone promotes":                {func(in *rollout.Input) { promote(in); in.Seen.Split = verdict.Verdict{} }, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := stepped(tc.change)
			d := rollout.Decide(in)
			next := d.Next.Rollout
			if d.Want.Split != tc.measure || next.Step != tc.step {
				t.Errorf("measures %t, at step %d of %s: %s", d.Want.Split, next.Step, next.Phase, next.Message)
			}
		})
	}
}

func promote(in *rollout.Input) {
	in.Object.Annotations = map[string]string{v1alpha1.AnnotationPromote: in.Object.Status.Candidate.ID}
}

// What was measured is remembered with its step, whatever becomes of it.
func TestASplitIsRemembered(t *testing.T) {
	for name, change := range map[string]func(*rollout.Input){
		"right":                       func(*rollout.Input) {},
		"wrong":                       func(in *rollout.Input) { in.Seen.Split = testkit.Failed(v1alpha1.SignalWatermark, "SplitWrong") },
		"right, while a metric fails": func(in *rollout.Input) { in.Seen.Metrics[0] = testkit.Failed(v1alpha1.SignalMetric, "AboveMax") },
	} {
		t.Run(name, func(t *testing.T) {
			in := stepped(change)
			var got []verdict.Verdict
			for _, v := range rollout.Decide(in).Next.Rollout.Verdicts {
				if v.Kind == v1alpha1.SignalWatermark {
					got = append(got, v)
				}
			}
			if len(got) != 1 || got[0].Step != "first" || got[0].Reason != in.Seen.Split.Reason {
				t.Errorf("remembers %+v", got)
			}
		})
	}
}

// People may know better than a measurement, when failures are held for them.
func TestAWrongSplitIsHeldForPeople(t *testing.T) {
	in := stepped(func(in *rollout.Input) {
		in.Object.Status.Rollout.Plan.Automatic = false
		in.Object.Status.Rollout.Exposed = true
		in.Seen.Split = testkit.Failed(v1alpha1.SignalWatermark, "SplitWrong")
	})
	d := rollout.Decide(in)
	if r := d.Next.Rollout; r.Phase != v1alpha1.PhaseProgressing || r.Failure == nil || r.Failure.Reason != "SplitWrong" {
		t.Fatalf("%s, failure %+v", r.Phase, r.Failure)
	}
	in.Object.Status = d.Next
	promote(&in)
	if r := rollout.Decide(in).Next.Rollout; r.Step != 1 || !r.Overruled || r.Failure != nil {
		t.Errorf("step %d, overruled %t: %s", r.Step, r.Overruled, r.Message)
	}
}

package rollout_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// A container that ends once the release is checked turns it back at once,
// however quickly it is started again: it need not loop.
func TestACrashDecides(t *testing.T) {
	began := noon.Add(30 * time.Second)
	for name, tc := range map[string]struct {
		phase   v1alpha1.Phase
		side    string
		crash   rollout.Crash
		decides bool
	}{
		"while it is checked":                {v1alpha1.PhaseChecking, "v2", crashAt(began, 5*time.Second), true},
		"under traffic":                      {v1alpha1.PhaseProgressing, "v2", crashAt(began, 5*time.Second), true},
		"during the cutover":                 {v1alpha1.PhaseCuttingOver, "v2", crashAt(began, 5*time.Second), true},
		"while it is verified":               {v1alpha1.PhaseVerifying, "v2", crashAt(began, 5*time.Second), true},
		"while it started":                   {v1alpha1.PhaseProgressing, "v2", crashAt(began, -5*time.Second), false},
		"of the stable release":              {v1alpha1.PhaseProgressing, "v1", crashAt(began, 5*time.Second), false},
		"of a pod that came later":           {v1alpha1.PhaseProgressing, "v2", young(began, false), false},
		"of a pod that came later, and more": {v1alpha1.PhaseProgressing, "v2", young(began, true), true},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(tc.phase)
			in.Object.Status.Rollout.Exposed = tc.phase != v1alpha1.PhaseChecking
			in.Object.Status.Rollout.Timeline = []v1alpha1.TimelineEntry{{Time: metav1.NewTime(noon), Phase: v1alpha1.PhaseStaging}, {Time: metav1.NewTime(began), Phase: v1alpha1.PhaseChecking}}
			side := in.Seen.Sides[tc.side]
			side.Crashes = []rollout.Crash{tc.crash}
			in.Seen.Sides[tc.side] = side
			next := rollout.Decide(in).Next.Rollout
			turned := next.Phase == v1alpha1.PhaseRollingBack || next.Phase == v1alpha1.PhaseFailed
			if turned != tc.decides || turned && next.Reason != "WorkloadFailed" {
				t.Errorf("%s, %s: %s", next.Phase, next.Reason, next.Message)
			}
		})
	}
}

func crashAt(began time.Time, after time.Duration) rollout.Crash {
	return rollout.Crash{Time: metav1.NewTime(began.Add(after)), Created: metav1.NewTime(noon), Verdict: failed()}
}

func young(began time.Time, again bool) rollout.Crash {
	return rollout.Crash{Time: metav1.NewTime(began.Add(20 * time.Second)), Created: metav1.NewTime(began.Add(10 * time.Second)), Again: again, Verdict: failed()}
}

func failed() verdict.Verdict { return testkit.Failed(v1alpha1.SignalWorkload, "WorkloadFailed") }

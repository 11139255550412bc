package report

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestHead(t *testing.T) {
	stable := func(change func(*v1alpha1.Release)) Input {
		in := alertRollback()
		r := testkit.Release("v1", change)
		in.Stable = &r
		return in
	}
	unpinned := smokeFailure()
	unpinned.Release.Digest = ""
	failing := smokeFailure() // a first release that serves though its verification failed
	failing.Stable, failing.Rollout.Exposed = &failing.Release, true
	untimed := alertRollback()
	untimed.Rollout.Timeline = nil
	aborting := alertRollback()
	aborting.Rollout.Phase = v1alpha1.PhaseFailed
	for name, tc := range map[string]struct {
		in   Input
		want string
	}{
		"turned back":                                      {alertRollback(), "- **Rollback Needed**: True\n- **Rollback Took**: 3s\n- **Target**"},
		"turned back, nobody knows when":                   {untimed, "- **Rollback Needed**: True\n- **Target**"},
		"never seen to be back":                            {aborting, "- **Rollback Needed**: False\n- **Target**"},
		"a stable release found again, without its digest": {stable(func(r *v1alpha1.Release) { r.ID, r.Digest = "abc", "" }), "- **Serves Now**: abc\n"},
		"never pinned":                                     {unpinned, "- **Artifact**: `registry.example/acme/app:v2`, never pinned\n"},
		"nothing to go back to":                            {failing, "- **Rollback Needed**: False\n- **Target**"},
		"a good one has no reason to fail":                 {good(), "`sha256:v2`\n\n## What Worked Well"},
	} {
		t.Run(name, func(t *testing.T) {
			if text := Make(tc.in).Markdown; !strings.Contains(text, tc.want) {
				t.Errorf("no %q in\n%s", tc.want, text)
			}
		})
	}
}

// The evidence under Why is that of the verdict that decided, or none.
func TestWhyWithoutEvidence(t *testing.T) {
	in := superseded()
	in.Rollout.Verdicts = append([]verdict.Verdict{firing()}, in.Rollout.Verdicts...)
	if text := Make(in).Markdown; strings.Contains(text, "**Evidence**:") || !strings.Contains(text, "had ended [8]\n") {
		t.Errorf("an overruled alert is given as the cause:\n%s", text)
	}
}

// Clocks of machines differ: what seems to end before it began took no time.
func TestAClockThatGoesBack(t *testing.T) {
	in := good()
	in.Rollout.EndTime = metav1.NewTime(in.Rollout.StartTime.Add(-time.Minute))
	in.Rollout.Timeline[1].Time = metav1.NewTime(in.Rollout.StartTime.Add(-time.Minute))
	r := Make(in)
	if strings.Contains(r.Markdown, `| \-`) || !strings.Contains(r.Markdown, "**Duration**: 0s") || r.Summary.DurationSeconds != 0 {
		t.Errorf("%d s:\n%s", r.Summary.DurationSeconds, r.Markdown)
	}
}

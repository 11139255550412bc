package load

import (
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of the verdict on synthetic requests. How they were answered is for
// the service's own metrics to judge.
const (
	ReasonSent       = "BackgroundLoadSent"       // at the rate that was asked for
	ReasonUnanswered = "BackgroundLoadUnanswered" // by the candidate, ever
	ReasonBehind     = "BackgroundLoadBehind"     // more than one in a hundred was left out
)

// account says what became of the requests.
func account(canary, stable *side, end string, lasted time.Duration, spec v1alpha1.BackgroundLoad) verdict.Verdict {
	text := "to the candidate: " + canary.text()
	evidence := verdict.Evidence{
		Value: canary.text(), Query: fmt.Sprintf("%d synthetic requests per second to each side", spec.RatePerSecond),
		Window:  lasted.Round(time.Second).String(),
		Samples: int32(min(canary.sent+stable.sent, 1<<31-1)), //nolint:gosec // bounded
	}
	if stable.url != "" {
		text += "; to the stable release: " + stable.text()
		evidence.Baseline = stable.text()
	}
	leftOut := canary.leftOut + stable.leftOut
	var v verdict.Verdict
	switch {
	case !canary.answered():
		v = verdict.Wait(v1alpha1.SignalLoad, ReasonUnanswered, "The candidate answered no synthetic request: check spec.checks.load.background.port, and that network policies let its Job through (%s), until %s", text, end)
	case leftOut*100 > leftOut+canary.sent+stable.sent:
		v = verdict.Wait(v1alpha1.SignalLoad, ReasonBehind, "Synthetic requests were left out, because answers or the sender were too slow: lower ratePerSecond or raise resources of spec.checks.load.background (%s), until %s", text, end)
	default:
		v = verdict.Pass(v1alpha1.SignalLoad, ReasonSent, "Synthetic requests were sent (%s), until %s", text, end)
	}
	return verdict.With(v, evidence)
}

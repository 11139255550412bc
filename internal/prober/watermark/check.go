package watermark

import (
	"context"
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on watermarks.
const (
	ReasonVerified   = "WatermarkVerified"     // every answer is the candidate's, as it gave it
	ReasonMissing    = "WatermarkMissing"      // an answer has none
	ReasonForged     = "WatermarkForged"       // one is of another key, status or header
	ReasonReplayed   = "WatermarkReplayed"     // one is of the answer to another request
	ReasonAltered    = "WatermarkAltered"      // one is of another body
	ReasonMisrouted  = "WatermarkWrongRelease" // one is of another release
	ReasonUnanswered = "WatermarkUnanswered"   // too few requests were answered to tell
)

const (
	settling = 15 * time.Second       // that the way to a release may take to be there
	pause    = 200 * time.Millisecond // between two looks
	inARow   = 3                      // answers that show that it is
)

// Check asks so many times, and every answer must be the candidate's. Where
// traffic has just been led to it, the way may take a moment to be there.
func (p Probe) Check(ctx context.Context, requests int) verdict.Verdict {
	start := p.Clock.Now()
	p.settle(ctx)
	t := p.round(ctx, requests)
	e := verdict.Evidence{
		Value: t.text(), Threshold: "every answer signed by release " + p.Candidate,
		Query: fmt.Sprintf("GET %s, %d times, each with a nonce of its own", p.path(), requests), Window: p.Clock.Since(start).Round(time.Second).String(),
		Samples: int32(t.answered()), Failures: int32(t.answered() - t.releases[p.Candidate]), //nolint:gosec // bounded
	}
	return verdict.With(p.judge(t), e)
}

// settle waits until answers are the candidate's, or never will be.
func (p Probe) settle(ctx context.Context) {
	start, good := p.Clock.Now(), 0
	for good < inARow && p.Clock.Since(start) < settling {
		t := tally{releases: map[string]int{}}
		t.add(p.ask(ctx))
		switch {
		case t.tampered() > 0 || ctx.Err() != nil:
			return
		case t.releases[p.Candidate] > 0:
			good++
			continue
		}
		good = 0
		if !p.until(ctx, p.Clock.Now(), pause) {
			return
		}
	}
}

// judge says what the answers amount to: what is gravest comes first.
func (p Probe) judge(t tally) verdict.Verdict {
	fail := func(reason, format string, args ...any) verdict.Verdict {
		return verdict.Fail(v1alpha1.SignalWatermark, reason, "Of %d answers to %s: %s; %s", t.answered(), p.path(), t.text(), fmt.Sprintf(format, args...))
	}
	switch good := t.releases[p.Candidate]; {
	case t.forged > 0:
		return fail(ReasonForged, "a signature is not of the key that the check has, or the status or a signed header was changed: let both use the same Secret, and find out what changes answers")
	case t.replayed > 0:
		return fail(ReasonReplayed, "a good signature is of the answer to another request: something in front of the service keeps answers, and must not keep these")
	case t.altered > 0:
		return fail(ReasonAltered, "a body is not the one that was signed: sign after everything that changes bodies, and find out what changes them on the way")
	case t.others(p.Candidate) > 0:
		return fail(ReasonMisrouted, "all should be of release %s: requests are led to another one", p.Candidate)
	case t.missing > 0:
		return fail(ReasonMissing, "every answer to a request with a nonce must be signed (%s)", t.why)
	case good < t.asked:
		return verdict.Wait(v1alpha1.SignalWatermark, ReasonUnanswered, "Only %d of %d requests to %s were answered by the service (%s): it must answer all, of which each is tried %d times", good, t.asked, p.path(), t.silence, tries)
	}
	return verdict.Pass(v1alpha1.SignalWatermark, ReasonVerified, "All %d answers to %s are signed by release %s, and are as it gave them", t.asked, p.path(), p.Candidate)
}

package rollout

import (
	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// PartWatermark verifies which release answers.
const PartWatermark Part = "watermark"

// watermarked is the verification of who answers, where it is asked for:
// before the candidate takes traffic, or after the cutover.
func watermarked(checks v1alpha1.ChecksSpec, after bool) []Asked {
	spec := checks.Watermark
	if spec == nil || after && spec.SplitRequests == 0 {
		return nil
	}
	return []Asked{{Part: PartWatermark, Kind: v1alpha1.SignalWatermark, Least: 1, TimeoutSeconds: release.WatermarkSeconds(spec.Requests)}}
}

// measures reports whether the step's split is to be measured: there is one,
// and someone asks.
func (m *machine) measures() bool {
	return m.run().Phase == v1alpha1.PhaseProgressing && m.splits() && release.SplitMeasured(m.spec)
}

// split is what was measured of the step's split, if it is to be: nothing of it
// yet is waited for, as silence is not consent.
func (m *machine) split() []verdict.Verdict {
	switch {
	case !m.measures():
		return nil
	case m.seen.Split.Reason == "":
		return []verdict.Verdict{verdict.Wait(v1alpha1.SignalWatermark, "SplitPending", "The split of the traffic is about to be measured")}
	}
	return []verdict.Verdict{m.seen.Split}
}

// measured is what the signals and the split amount to.
func (m *machine) measured() verdict.Verdict {
	judged := m.judged()
	for _, v := range m.split() {
		if !m.overrules(v) {
			return verdict.All(judged, judged, v)
		}
	}
	return judged
}

// splitTime is how long it may take to measure a step's split.
func (m *machine) splitTime() int32 {
	if !m.measures() {
		return 0
	}
	return release.WatermarkSeconds(m.spec.Checks.Watermark.SplitRequests)
}

package report

import (
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Reasons of facts about what was measured.
const (
	notMeasured = "NotMeasured"
	stoodOut    = "Anomaly"
)

// measured adds what was measured of the release to its facts and lines. The
// part that tells most of it comes first, a line for each measure; the others
// take a line each.
func (t *tale) measured() {
	var gauged []fact
	for _, v := range t.Measured {
		f := fact{len(t.facts) + 1, v}
		t.facts = append(t.facts, f)
		if f.Reason == stoodOut {
			t.anomalies = append(t.anomalies, line{label: f.Name, text: f.Message, facts: []int{f.number}})
			continue
		}
		gauged = append(gauged, f)
	}
	main, first := telling(gauged), []line(nil)
	var rest group
	for _, f := range gauged {
		switch {
		case f.Reason == notMeasured:
			rest.join("none "+f.Message, line{label: "Not Available", text: f.Message + " in "}, where(f), f)
		case where(f) == main:
			first = append(first, line{label: f.Name, text: t.beside(f) + inside(f), facts: []int{f.number}})
		default:
			text := f.Name + " " + f.Message
			if i, there := rest.at[where(f)]; there {
				text = rest.lines[i].text + "; " + text
			}
			rest.add(where(f), line{label: where(f), text: text}, f)
		}
	}
	t.measures = slices.Concat(first, rest.lines, t.measures)
}

// telling is the latest part that response times are known of, else the
// latest of which anything is; going back is told of only if nothing else is.
func telling(gauged []fact) string {
	best, rank := "", 0
	for _, f := range gauged {
		now := 1
		switch {
		case f.Reason == notMeasured:
			continue
		case strings.HasPrefix(where(f), "RollingBack"):
		case f.Name == "Response Times":
			now = 3
		default:
			now = 2
		}
		if now >= rank {
			best, rank = where(f), now
		}
	}
	return best
}

// beside is what was measured, and what of the stable release, or at the last
// step before the cutover.
func (t *tale) beside(f fact) string {
	if f.Evidence == nil || f.Evidence.Baseline == "" {
		return f.Message
	}
	step := func(p v1alpha1.Profile) bool { return p.Phase == v1alpha1.PhaseProgressing && p.Candidate != nil }
	if f.Phase == v1alpha1.PhaseVerifying && slices.ContainsFunc(t.Rollout.Profiles, step) {
		return f.Message + " (before the cutover: " + f.Evidence.Baseline + ")"
	}
	return f.Message + " (stable: " + f.Evidence.Baseline + ")"
}

// profiles are for machines what the lines say to people.
func (d *document) profiles(t tale, clip func(string) string) {
	for _, p := range t.Rollout.Profiles {
		p.Message = clip(p.Message)
		d.Profiles = append(d.Profiles, p)
	}
	for _, a := range t.Rollout.Anomalies {
		a.Message = clip(a.Message)
		d.Observed = append(d.Observed, a)
	}
}

package gate

import (
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// quiet says whether no alert of the severities fires. Silence that nobody
// listened to says nothing.
func quiet(name string, g v1alpha1.AlertsGate, f Facts) verdict.Verdict {
	severities := g.Severities
	if len(severities) == 0 {
		severities = []string{"critical"}
	}
	rests := verdict.Evidence{Threshold: "none of severity " + strings.Join(severities, ", "), Source: "alerts of metric server " + f.Object.Spec.Alerts.Server}
	rests.Threshold = verdict.Clip(rests.Threshold, 256)
	if f.Deaf != "" {
		return verdict.With(wait("AlertsUnknown", "Gate %q does not know which alerts fire: %s", name, f.Deaf), rests)
	}
	var firing []string
	for _, alert := range f.Firing {
		if slices.Contains(severities, alert.Severity) {
			firing = append(firing, alert.Name)
		}
	}
	slices.Sort(firing)
	firing = slices.Compact(firing)
	rests.Value = verdict.Clip(strings.Join(firing, ", "), 256)
	if len(firing) > 0 {
		return verdict.With(wait("AlertsFiring", "Gate %q waits for alerts to stop firing: %s", name, verdict.Clip(strings.Join(firing, ", "), 512)), rests)
	}
	return verdict.With(pass("AlertsQuiet", "No alert of severity %s fires", strings.Join(severities, ", ")), rests)
}

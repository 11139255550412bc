package gate

import (
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// frozen says whether a freeze covers the present, and when the last of those
// that follow one another ends. The end of a freeze is exclusive.
func frozen(name string, freezes []v1alpha1.Freeze, now time.Time) (verdict.Verdict, time.Time) {
	over, by := now, ""
	for range freezes { // each round may find one that begins before the one before it ends
		for _, f := range freezes {
			if !over.Before(f.StartTime.Time) && over.Before(f.EndTime.Time) {
				over, by = f.EndTime.Time, f.Name
			}
		}
	}
	rests := verdict.Evidence{Value: now.UTC().Format(time.RFC3339), Source: "spec.gates"}
	if by == "" {
		return verdict.With(pass("NoFreeze", "No freeze of gate %q covers the present", name), rests), time.Time{}
	}
	rests.Threshold = over.UTC().Format(time.RFC3339)
	return verdict.With(wait("Frozen", "Freeze %q of gate %q ends at %s", by, name, over.UTC().Format(time.RFC3339)), rests), over
}

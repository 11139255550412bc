// Package calendar decides by the clock whether a release may start: in a
// window, and outside of freezes. It says when that changes.
package calendar

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/schedule"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Window says whether a window is open, and when it opens next.
func Window(name string, w v1alpha1.WindowGate, now time.Time) (verdict.Verdict, time.Time) {
	rests := verdict.Evidence{Value: now.UTC().Format(time.RFC3339), Threshold: verdict.Clip(openingsText(w), 256), Source: "spec.gates"}
	clock, err := newWall(w)
	if err != nil { // the specification is not valid, and says so
		return verdict.With(wait("WindowInvalid", "Gate %q: %s", name, err), rests), time.Time{}
	}
	if clock.open(now) {
		return verdict.With(pass("WindowOpen", "The window of gate %q is open", name), rests), time.Time{}
	}
	opens := clock.opens(now)
	if opens.IsZero() {
		return verdict.With(wait("WindowClosed", "The window of gate %q does not open within a year", name), rests), time.Time{}
	}
	return verdict.With(wait("WindowClosed", "The window of gate %q opens at %s", name, opens.In(clock.zone).Format(time.RFC3339)), rests), opens
}

// A wall is the clock on the wall of a time zone, and what opens by it. As
// openings are held against what the clock shows, they begin and end at the
// hours that they name on every day of the year.
type wall struct {
	zone     *time.Location
	openings []opening
}

type opening struct {
	schedule cron.Schedule
	lasts    time.Duration
}

func newWall(w v1alpha1.WindowGate) (wall, error) {
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return wall{}, fmt.Errorf("timeZone: there is no time zone %q", w.TimeZone)
	}
	c := wall{zone: zone}
	for i, o := range w.Openings {
		opens, err := schedule.Parse(o.Schedule)
		if err != nil {
			return wall{}, fmt.Errorf("openings[%d].schedule: %w", i, err)
		}
		c.openings = append(c.openings, opening{schedule: opens, lasts: time.Duration(o.DurationSeconds) * time.Second})
	}
	return c, nil
}

// open reports whether an opening covers the moment; its end is exclusive.
func (w wall) open(at time.Time) bool {
	shown := w.shows(at)
	for _, o := range w.openings {
		if began := o.schedule.Next(shown.Add(-o.lasts)); !began.IsZero() && !began.After(shown) {
			return true
		}
	}
	return false
}

// opens is the first moment after now at which the window is open, though it
// was closed before; zero if there is none within a year. Between two changes
// of the clocks, what they show is a fixed distance away from UTC.
func (w wall) opens(now time.Time) time.Time {
	for from, end := now, now.AddDate(1, 0, 0); from.Before(end); {
		_, changes := from.In(w.zone).ZoneBounds()
		shown := w.shows(from)
		first := w.next(shown)
		at := from.Add(first.Sub(shown))
		if !first.IsZero() && (changes.IsZero() || at.Before(changes)) {
			return earlier(at, end)
		}
		if changes.IsZero() {
			return time.Time{}
		}
		if from = changes; w.open(from) { // the clocks were set to a time at which it is open
			return earlier(from, end)
		}
	}
	return time.Time{}
}

// next is the first beginning of an opening after what the clock shows; zero if
// there is none.
func (w wall) next(shown time.Time) time.Time {
	var first time.Time
	for _, o := range w.openings {
		if begins := o.schedule.Next(shown); !begins.IsZero() && (first.IsZero() || begins.Before(first)) {
			first = begins
		}
	}
	return first
}

// shows is what the clock shows, as if it were the time in UTC.
func (w wall) shows(at time.Time) time.Time {
	_, offset := at.In(w.zone).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// earlier is the moment, if it comes before the end.
func earlier(at, end time.Time) time.Time {
	if at.Before(end) {
		return at
	}
	return time.Time{}
}

// openingsText is the openings as people write them.
func openingsText(w v1alpha1.WindowGate) string {
	texts := make([]string, 0, len(w.Openings))
	for _, o := range w.Openings {
		texts = append(texts, fmt.Sprintf("%s for %s", o.Schedule, time.Duration(o.DurationSeconds)*time.Second))
	}
	return strings.Join(texts, " or ") + " " + w.TimeZone
}

// Freezes says whether a freeze covers the present, and when the last of those
// that follow one another ends. The end of a freeze is exclusive.
func Freezes(name string, freezes []v1alpha1.Freeze, now time.Time) (verdict.Verdict, time.Time) {
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

// Validate finds time zones and schedules that do not exist, and dates that no
// calendar has.
func Validate(w v1alpha1.WindowGate) error {
	clock, err := newWall(w)
	if err != nil {
		return err
	}
	leap := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) // schedules are looked for in the five years that follow
	for i, o := range clock.openings {
		if o.schedule.Next(leap).IsZero() {
			return fmt.Errorf("openings[%d].schedule: %q never comes", i, w.Openings[i].Schedule)
		}
	}
	return nil
}

func pass(reason, format string, args ...any) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalGate, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalGate, reason, format, args...)
}

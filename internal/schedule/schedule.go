// Package schedule reads schedules of cron. It knows no clock: the time is an
// argument.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // time zones are known, whatever the operator's image has

	"github.com/robfig/cron/v3"
)

// zonePrefix is how cron names a time zone.
const zonePrefix = "CRON_TZ="

// Parse reads five fields of cron: minute, hour, day of the month, month and
// day of the week. Before them, CRON_TZ= may name a time zone; without it, the
// times are in that of the moment that is asked about.
func Parse(text string) (cron.Schedule, error) {
	zone, fields, zoned := strings.Cut(text, " ")
	if !zoned || !strings.HasPrefix(zone, zonePrefix) {
		zone, fields = "", text
	}
	if name := strings.TrimPrefix(zone, zonePrefix); zone != "" {
		if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
			return nil, fmt.Errorf("there is no time zone %q", name)
		}
	}
	if n := len(strings.Fields(fields)); n != 5 {
		return nil, fmt.Errorf("%q is no schedule: it has %d fields instead of five", text, n)
	}
	s, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no schedule: %w", text, err)
	}
	return s, nil
}

// ErrNever says that no calendar has the dates of a schedule.
var ErrNever = errors.New("it never comes")

// Comes finds schedules of dates that no calendar has.
func Comes(s cron.Schedule) error {
	leap := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) // schedules are looked for in the five years that follow
	if s.Next(leap).IsZero() {
		return ErrNever
	}
	return nil
}

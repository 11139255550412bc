package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/internal/schedule"
)

func TestNext(t *testing.T) {
	t.Parallel()
	after := time.Date(2030, 3, 28, 12, 0, 0, 0, time.UTC) // a Thursday; clocks in Vienna go forward on Sunday
	for text, want := range map[string]string{
		"0 3 * * 1":                       "2030-04-01T03:00:00Z",
		"CRON_TZ=Europe/Vienna 0 3 * * 1": "2030-04-01T01:00:00Z", // in summer time
		"CRON_TZ=Europe/Vienna 0 3 * * 5": "2030-03-29T02:00:00Z",
		"*/15 12 * * *":                   "2030-03-28T12:15:00Z",
		"0 0 29 2 *":                      "2032-02-29T00:00:00Z",
	} {
		s, err := schedule.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := s.Next(after).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s comes at %s, not %s", text, got, want)
		}
		if err := schedule.Comes(s); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"0 3 * *":                          "4 fields",
		"0 3 * * 1 *":                      "6 fields",
		"@daily":                           "1 fields",
		"61 3 * * 1":                       "61",
		"CRON_TZ=Mars/Olympus 0 3 * * 1":   `"Mars/Olympus"`,
		"CRON_TZ= 0 3 * * 1":               `time zone ""`,
		"CRON_TZ=Local 0 3 * * 1":          `"Local"`,
		"CRON_TZ=../../etc/host 0 3 * * 1": "time zone",
		"CRON_TZ=UTC":                      "1 fields",
		"":                                 "0 fields",
	} {
		if _, err := schedule.Parse(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v does not say %q", text, err, words)
		}
	}
	s, err := schedule.Parse("0 3 30 2 *")
	if err != nil || !errors.Is(schedule.Comes(s), schedule.ErrNever) {
		t.Errorf("30 February comes (%v)", err)
	}
}

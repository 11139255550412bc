package watermark

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/internal/watermark"
)

// tally is what became of requests.
type tally struct {
	asked                                          int
	releases                                       map[string]int // good answers, by release
	missing, forged, replayed, altered, unanswered int
	why                                            string // the latest of the answers without a watermark
	silence                                        string // the latest of the requests without an answer
}

func (t *tally) add(release string, err error) {
	switch {
	case err == nil:
		t.releases[release]++
	case errors.Is(err, watermark.ErrForged):
		t.forged++
	case errors.Is(err, watermark.ErrReplayed):
		t.replayed++
	case errors.Is(err, watermark.ErrAltered):
		t.altered++
	case errors.Is(err, watermark.ErrMissing):
		t.missing++
		t.why = err.Error()
	default:
		t.unanswered++
		t.silence = err.Error()
	}
}

// answered is how many requests the service answered.
func (t *tally) answered() int {
	n := t.missing + t.tampered()
	for _, good := range t.releases {
		n += good
	}
	return n
}

// tampered are the answers that somebody else made, or made over.
func (t *tally) tampered() int { return t.forged + t.replayed + t.altered }

// others are the good answers of releases that are none of these.
func (t *tally) others(these ...string) int {
	n := 0
	for release, good := range t.releases {
		if !slices.Contains(these, release) {
			n += good
		}
	}
	return n
}

// text says who answered, in the order of the releases' names.
func (t *tally) text() string {
	var parts []string
	for _, release := range slices.Sorted(maps.Keys(t.releases)) {
		parts = append(parts, fmt.Sprintf("%d of release %s", t.releases[release], release))
	}
	for _, c := range []struct {
		count int
		what  string
	}{
		{t.forged, "forged"},
		{t.replayed, "replayed"},
		{t.altered, "altered on the way"},
		{t.missing, "without a watermark"},
	} {
		if c.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.count, c.what))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

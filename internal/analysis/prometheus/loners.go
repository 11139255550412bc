package prometheus

import (
	"regexp"
	"sync"
	"time"
)

// How long a query is asked alone at first, and at most; how long one that is
// no longer asked is remembered; and how many are.
const (
	aloneFirst = time.Minute
	aloneMost  = time.Hour
	remembered = 2 * time.Hour
	maxLoners  = 4096
)

// loners are the queries with which a joined one fails. They are tried again
// after a while, which doubles each time, if they are answered well by then.
type loners struct {
	mu  sync.Mutex
	all map[string]*loner
}

type loner struct {
	until time.Time // since when it may be joined again
	wait  time.Duration
	well  bool // how it fared when it was asked last
	asked time.Time
}

func newLoners() *loners { return &loners{all: map[string]*loner{}} }

// duration is what differs from time to time in a query: ${window} grows.
var duration = regexp.MustCompile(`\b\d+(ms|[smhdwy])`)

func lonerKey(query string) string { return duration.ReplaceAllString(query, "0s") }

// add has the query asked alone; well is how it fared so.
func (l *loners) add(query string, well bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := lonerKey(query)
	known := l.all[key]
	if known == nil {
		l.makeRoom(now)
		known = &loner{wait: aloneFirst / 2}
		l.all[key] = known
	}
	known.wait = min(2*known.wait, aloneMost)
	known.until, known.asked, known.well = now.Add(known.wait), now, well
}

// makeRoom forgets what is no longer asked; if that is not enough, all: they
// show themselves again.
func (l *loners) makeRoom(now time.Time) {
	if len(l.all) < maxLoners {
		return
	}
	for key, known := range l.all {
		if now.Sub(known.asked) > remembered {
			delete(l.all, key)
		}
	}
	if len(l.all) >= maxLoners {
		clear(l.all)
	}
}

// has reports whether the query is to be asked alone.
func (l *loners) has(query string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.all[lonerKey(query)]
	return known != nil && (!known.well || now.Before(known.until))
}

// heard notes how a query fared alone.
func (l *loners) heard(query string, well bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.all[lonerKey(query)]; known != nil {
		known.well, known.asked = well, now
	}
}

// width is how many parts a joined query has at most: as many as the server
// answers briskly.
type width struct {
	mu        sync.Mutex
	now, most int
}

// slow is a joined query that keeps its parts waiting, and quick one that
// could have more.
const (
	slow  = 500 * time.Millisecond
	quick = 200 * time.Millisecond
)

func (w *width) parts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// took learns from an answer.
func (w *width) took(parts int, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case d > slow:
		w.now = max(2, min(w.now, parts/2))
	case d < quick && parts == w.now:
		w.now = min(2*w.now, w.most)
	}
}

// tooMany learns that parts which are answered well alone are not together.
func (w *width) tooMany(parts int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = max(2, min(w.now, parts/2))
}

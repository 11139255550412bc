package leaks

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// hasty is a clock on which whatever is waited for has come.
type hasty struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hasty) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hasty) Since(start time.Time) time.Duration { return h.Now().Sub(start) }

func (h *hasty) After(d time.Duration) <-chan time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
	c := make(chan time.Time, 1)
	c <- h.now
	return c
}

// logged is a context with a log, and what was written to it.
func logged(t *testing.T) (context.Context, func() string) {
	t.Helper()
	var lines []string
	log := funcr.NewJSON(func(line string) { lines = append(lines, line) }, funcr.Options{})
	return logr.NewContext(t.Context(), log), func() string { return strings.Join(lines, "\n") }
}

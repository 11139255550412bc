package prometheus

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/internal/alert"
)

// defaultAge is half of the shortest interval between two looks at alerts.
const defaultAge = 125 * time.Millisecond

// SharedOptions of NewShared. Zero fields are the defaults.
type SharedOptions struct {
	Clock clock.PassiveClock // default the real one
}

// Shared is a server whose listing of rules is shared by all who ask for it at
// about the same time: it is as large for one release as for all of them. What
// it answers was asked for no longer before the call than the age of the view,
// by default 125 ms, that of Within otherwise; how it was answered, and that
// it was not, is shared alike. Who gives up does not take the answer from
// others. Answers are shared memory: they are for reading.
type Shared struct {
	*listing
	age time.Duration
}

// NewShared shares the listing of the server.
func NewShared(source alert.Source, o SharedOptions) *Shared {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return &Shared{listing: &listing{source: source, clock: o.Clock}, age: defaultAge}
}

// Within is the same server, whose answers may be of that age.
func (s *Shared) Within(age time.Duration) alert.Source {
	return &Shared{listing: s.listing, age: cmp.Or(max(age, 0), defaultAge)}
}

// Name says in evidence what was asked.
func (s *Shared) Name() string { return s.source.Name() }

// Rules are the alert rules that the server evaluates.
func (s *Shared) Rules(ctx context.Context) ([]alert.LiveGroup, error) {
	f := s.join(ctx, s.age)
	defer s.leave(f)
	select {
	case <-f.done:
		return f.groups, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("ask metric server %s for its rules: %w", s.Name(), ctx.Err())
	}
}

// listing is what is shared.
type listing struct {
	source alert.Source
	clock  clock.PassiveClock

	mu     sync.Mutex
	latest *flight
}

// flight is one request, under way or answered.
type flight struct {
	begun   time.Time
	callers int
	cancel  context.CancelFunc
	done    chan struct{}
	groups  []alert.LiveGroup
	err     error
}

// join finds a request that is young enough, or begins one. One that is given
// up for want of callers is nobody's answer.
func (l *listing) join(ctx context.Context, age time.Duration) *flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if f := l.latest; f != nil && !now.Before(f.begun) && now.Sub(f.begun) <= age {
		f.callers++
		return f
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{begun: now, callers: 1, cancel: cancel, done: make(chan struct{})}
	l.latest = f
	go func() {
		defer cancel()
		f.groups, f.err = l.source.Rules(own)
		close(f.done)
	}()
	return f
}

func (l *listing) leave(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.callers--; f.callers > 0 {
		return
	}
	select {
	case <-f.done: // it may serve more
	default:
		f.cancel()
		if l.latest == f {
			l.latest = nil
		}
	}
}

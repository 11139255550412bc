package builtin

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/signal-delivery/operator/internal/series"
)

// Bounds of the interval.
const (
	defaultInterval = time.Second
	minInterval     = 250 * time.Millisecond
	maxInterval     = time.Minute
)

// plan is what is to be scraped, and what the cluster says.
type plan struct {
	interval time.Duration
	since    time.Time
	targets  map[target]time.Time // when the container of each started
	facts    []series.Sample
	pods     int // of the candidate
}

func planOf(s Subject) plan {
	p := plan{since: s.Since, targets: map[target]time.Time{}, interval: defaultInterval}
	if s.Interval > 0 {
		p.interval = min(max(s.Interval, minInterval), maxInterval)
	}
	for _, m := range s.members() {
		p.facts = append(p.facts, m.facts()...)
		if m.target.track == TrackCandidate {
			p.pods++
		}
		if m.scraped {
			p.targets[m.target] = m.started
		}
	}
	return p
}

// subject is one release under way: its targets, its samples, and one loop
// that scrapes all targets together, so that tracks are compared at one time.
type subject struct {
	*Builtin
	key     types.NamespacedName
	watched time.Time // since when
	store   *series.Store
	wake    chan struct{}

	mu       sync.Mutex
	plan     plan
	scrapers map[target]*scraper
	first    time.Time                // the first scrape that succeeded
	latest   time.Time                // the newest that is kept, whether or not it succeeded
	told     map[uint64]labels.Labels // facts that are not stale
	toldAt   time.Time
	limited  error // why the store refused facts
}

// assert makes the plan what is done, at once. What the cluster says is kept
// when it changes, since whoever asserts it is about to judge by it.
func (s *subject) assert(next plan, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.plan
	s.plan = next
	if !slices.EqualFunc(before.facts, next.facts, same) {
		s.tell(now)
	}
	changed := before.interval != next.interval || len(before.targets) != len(next.targets)
	for t, started := range next.targets {
		_, known := before.targets[t]
		changed = changed || !known
		if sc := s.scrapers[t]; sc != nil {
			sc.started = started
		}
	}
	if changed {
		poke(s.wake)
	}
}

func same(a, b series.Sample) bool { return a.Value == b.Value && labels.Equal(a.Labels, b.Labels) }

// tell keeps what the cluster says, once for each moment.
func (s *subject) tell(at time.Time) {
	if at.UnixMilli() <= s.toldAt.UnixMilli() && !s.toldAt.IsZero() {
		return
	}
	now, all := map[uint64]labels.Labels{}, slices.Clone(s.plan.facts)
	for _, fact := range all {
		now[fact.Labels.Hash()] = fact.Labels
	}
	for hash, l := range s.told {
		if _, still := now[hash]; !still {
			all = append(all, stale(l))
		}
	}
	s.told, s.toldAt = now, at
	s.limited = s.store.Append(at, all)
}

// run scrapes until the context ends.
func (s *subject) run(ctx context.Context) {
	var flying sync.WaitGroup
	defer flying.Wait()
	var next time.Time
	var kept time.Duration
	for ctx.Err() == nil {
		now := s.clock.Now()
		interval := s.interval()
		due := !now.Before(next)
		s.round(ctx, now, due, &flying)
		if due || interval != kept {
			next, kept = s.after(now, interval), interval
		}
		wait := next.Sub(s.clock.Now())
		if wait <= 0 {
			continue
		}
		timer := s.clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C():
		}
		timer.Stop()
	}
}

func (s *subject) interval() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan.interval
}

// after is when the next round is due. Each subject keeps to a beat of its
// own, so that many that were started together are not scraped together.
func (s *subject) after(now time.Time, interval time.Duration) time.Time {
	wait := interval - (time.Duration(now.UnixNano())-offset(s.key, interval))%interval
	if wait < interval/10 {
		wait += interval
	}
	return now.Add(wait)
}

// offset of a subject's beat.
func offset(key types.NamespacedName, interval time.Duration) time.Duration {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(key.String()))
	return time.Duration(hash.Sum64() % uint64(interval)) //nolint:gosec // less than an interval
}

// round begins to scrape all targets when it is due, else those that are new.
// It does not wait for them.
func (s *subject) round(ctx context.Context, now time.Time, due bool, flying *sync.WaitGroup) {
	scrapes := s.begin(ctx, now, due)
	if len(scrapes) == 0 && !due {
		return
	}
	var together sync.WaitGroup
	for _, scrape := range scrapes {
		together.Add(1)
		flying.Go(func() {
			defer together.Done()
			scrape()
		})
	}
	done := make(chan struct{})
	flying.Go(func() {
		together.Wait()
		close(done)
	})
	flying.Go(func() { s.call(ctx, done) })
}

// call says that there is something new to judge: when all have answered, or
// when those that are prompt have.
func (s *subject) call(ctx context.Context, done <-chan struct{}) {
	timer := s.clock.NewTimer(min(s.interval()/4, patience))
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C():
	case <-ctx.Done():
		return
	}
	s.announce(s.key)
}

const patience = 250 * time.Millisecond

// begin is what is to be scraped now. A target that still is, is left out: a
// slow one is not asked twice at a time.
func (s *subject) begin(ctx context.Context, now time.Time, due bool) []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow(now)
	if due {
		s.tell(now)
	}
	var scrapes []func()
	for _, sc := range s.scrapers {
		again := due && now.UnixMilli() > sc.tried.UnixMilli()
		if sc.cancel != nil || !sc.tried.IsZero() && !again {
			continue
		}
		own, cancel := context.WithCancel(ctx)
		sc.tried, sc.cancel = now, cancel
		timeout := s.timeout(s.plan.interval)
		scrapes = append(scrapes, func() {
			defer cancel()
			s.scrape(own, sc, now, timeout)
		})
	}
	return scrapes
}

// follow makes the scrapers those of the plan.
func (s *subject) follow(now time.Time) {
	for t, sc := range s.scrapers {
		if _, wanted := s.plan.targets[t]; wanted {
			continue
		}
		delete(s.scrapers, t)
		sc.end(now)
		if sc.cancel == nil {
			sc.bury(s.store)
			continue
		}
		sc.cancel()
	}
	for t, started := range s.plan.targets {
		if s.scrapers[t] == nil {
			s.scrapers[t] = newScraper(t, s.limits)
			s.scrapers[t].started = started
		}
	}
}

// scrape asks one target and keeps the answer.
func (s *subject) scrape(ctx context.Context, sc *scraper, now time.Time, timeout time.Duration) {
	begun := s.clock.Now()
	batch, failed := sc.ask(ctx, s.fetcher, timeout)
	r := result{at: now, took: s.clock.Since(begun), batch: batch, failed: failed}

	s.mu.Lock()
	defer s.mu.Unlock()
	sc.cancel = nil
	switch {
	case !sc.gone.IsZero():
		sc.bury(s.store)
	case ctx.Err() == nil: // else nobody will ask
		r, s.latest = sc.keep(s.store, r, sc.began(s.watched)), now
		if s.first.IsZero() && r.failed == nil {
			s.first = now
		}
		s.instruments.scraped(r)
		if err := errors.Join(r.failed.cause(), sc.limited); err != nil {
			ctrl.LoggerFrom(ctx).V(1).Info("Scrape failed", "SignalDeployment", s.key, "pod", sc.pod, "address", sc.place(), "error", err.Error())
		}
	}
}

// poke wakes whoever waits, once.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

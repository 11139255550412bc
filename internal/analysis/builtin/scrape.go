package builtin

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/internal/series"
)

// What the scraper says of each scrape, as Prometheus does. A target that
// exposes series of these names is not believed.
const (
	seriesUp       = "up"
	seriesDuration = "scrape_duration_seconds"
	seriesScraped  = "scrape_samples_scraped"
	seriesAdded    = "scrape_samples_post_metric_relabeling"
	seriesFresh    = "scrape_series_added"
)

var reported = map[string]bool{seriesUp: true, seriesDuration: true, seriesScraped: true, seriesAdded: true, seriesFresh: true}

// Health is how the latest scrape of a target went.
type Health struct {
	Pod, Release, Track string
	Address             string // where it was asked
	Up                  bool
	Reason              string // one of the reasons; empty when it is up or has not been scraped yet
	Message             string // the rest of a sentence that begins with the pod; the same from scrape to scrape
}

// scraper scrapes one target, one scrape at a time. The subject's lock guards
// it, but for its reader, which is the running scrape's.
type scraper struct {
	target
	reader  *reader
	report  map[string]labels.Labels
	started time.Time          // when the container did
	tried   time.Time          // when the latest scrape began
	good    time.Time          // when the latest that succeeded did
	cancel  context.CancelFunc // of the running scrape; nil between two
	gone    time.Time          // when the target went; zero while it is to be scraped
	failed  *failure
	limited error // why the store refused what was scraped
}

func newScraper(t target, limits Limits) *scraper {
	own := t.labels()
	sc := &scraper{target: t, reader: newReader(own, limits), report: map[string]labels.Labels{}}
	for name := range reported {
		sc.report[name] = labels.NewBuilder(own).Set(model.MetricNameLabel, name).Labels()
	}
	return sc
}

func (sc *scraper) health() Health {
	h := Health{Pod: sc.pod, Release: sc.release, Track: sc.track, Address: sc.place(), Up: sc.up()}
	if sc.failed != nil {
		h.Reason, h.Message = sc.failed.reason, sc.failed.words+" at "+sc.place()
	}
	return h
}

// up reports whether the latest scrape succeeded.
func (sc *scraper) up() bool { return sc.failed == nil && !sc.good.IsZero() }

// result is what became of a scrape.
type result struct {
	at     time.Time // when it began: the time of its samples
	took   time.Duration
	batch  *batch
	failed *failure
}

// ask fetches an exposition and reads it.
func (sc *scraper) ask(ctx context.Context, f *fetcher, timeout time.Duration) (*batch, *failure) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e, failed := f.fetch(ctx, sc.place(), timeout)
	if failed != nil {
		return &batch{}, failed
	}
	defer f.free(e)
	return sc.reader.parse(e.body.Bytes(), e.contentType)
}

// keep puts a scrape into the store: its samples, what is no longer exposed,
// and how it went. What the store has no room for is a failure like any other.
// Counters that are new were zero at the time given, unless that is zero.
func (sc *scraper) keep(store *series.Store, r result, began time.Time) result {
	var zeros, timed error
	if began.UnixMilli() < r.at.UnixMilli() && !began.IsZero() && r.failed == nil {
		zeros = store.Append(began, r.batch.zeros)
	}
	sc.limited = store.Append(r.at, sc.all(r))
	if sc.limited != nil && r.failed == nil {
		r.failed = fail(ReasonStoreLimit, sc.limited, "exposes more than there is room for")
		_ = store.Append(r.at, sc.all(r)) // there is always room for the end of what is in it
	}
	sc.reader.settle(usable(r))
	if sc.failed = r.failed; r.failed == nil {
		sc.good = r.at
		timed = sc.keepTimed(store, r)
	}
	sc.limited = errors.Join(sc.limited, zeros, timed)
	return r
}

// all is the scrape's samples, the ends of what it no longer has, and how it
// went.
func (sc *scraper) all(r result) []series.Sample {
	b := usable(r)
	gone := sc.reader.gone(b)
	all := make([]series.Sample, 0, len(r.batch.samples)+len(gone)+len(reported))
	if b != nil {
		all = append(all, b.samples...)
	}
	for _, l := range gone {
		all = append(all, stale(l.labels))
	}
	for name, v := range map[string]float64{
		seriesUp: truth(b != nil), seriesDuration: r.took.Seconds(),
		seriesScraped: float64(r.batch.scraped), seriesAdded: float64(r.batch.added), seriesFresh: float64(r.batch.fresh),
	} {
		all = append(all, series.Sample{Labels: sc.report[name], Value: v})
	}
	return all
}

// maxAhead is how far in the future a target's own times may be. The store
// drops what is too old, and takes the newest for the present.
const maxAhead = time.Minute

func (sc *scraper) keepTimed(store *series.Store, r result) error {
	var problems []error
	for _, at := range slices.Sorted(maps.Keys(r.batch.timed)) {
		if when := time.UnixMilli(at); !when.After(r.at.Add(maxAhead)) {
			problems = append(problems, store.Append(when, r.batch.timed[at]))
		}
	}
	return errors.Join(problems...)
}

func usable(r result) *batch {
	if r.failed != nil {
		return nil
	}
	return r.batch
}

// end says that the target went: after its latest scrape, and before the first
// of whatever takes its place under the same labels.
func (sc *scraper) end(now time.Time) {
	sc.gone = now.Add(-time.Millisecond)
	if least := sc.tried.Add(time.Millisecond); sc.gone.Before(least) {
		sc.gone = least
	}
}

// bury marks whatever the target exposed as stale.
func (sc *scraper) bury(store *series.Store) {
	if sc.tried.IsZero() {
		return
	}
	var all []series.Sample
	for _, l := range sc.reader.gone(nil) {
		all = append(all, stale(l.labels))
	}
	for _, l := range sc.report {
		all = append(all, stale(l))
	}
	_ = store.Append(sc.gone, all) // only series that are in it
}

// stale marks the end of a series, as Prometheus does.
func stale(l labels.Labels) series.Sample {
	return series.Sample{Labels: l, Value: math.Float64frombits(value.StaleNaN)}
}

// began is when a series that is new to a target was zero: at the scrape
// before, which did not have it; or, at the target's first, when its container
// started, if the subject was watched by then. Prometheus would see such a
// series begin with whatever it has counted, and take that for no increase.
func (sc *scraper) began(watched time.Time) time.Time {
	if !sc.good.IsZero() {
		return sc.good
	}
	if sc.started.After(watched) {
		return sc.started
	}
	return time.Time{}
}

// Barren reports whether no pod of the candidate has ever served metrics that
// could be read, though all that can be asked were, or they are more than may
// be held.
func (b *Builtin) Barren(key types.NamespacedName) bool {
	s := b.subject(key)
	if s == nil {
		return false
	}
	if s.whole() != nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.plan.targets {
		sc := s.scrapers[t]
		if t.track == TrackCandidate && (sc == nil || !sc.good.IsZero() || sc.failed == nil) {
			return false
		}
	}
	return true
}

// Latest is when the newest scrape that is kept began; zero when none is.
func (b *Builtin) Latest(key types.NamespacedName) time.Time {
	s := b.subject(key)
	if s == nil {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

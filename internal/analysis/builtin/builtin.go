// Package builtin takes samples from the pods of a release itself: while the
// release is under way it scrapes them as Prometheus does, keeps what they
// expose in memory, and answers PromQL over it. It asks only pods that the
// operator made, sends them nothing secret and believes them nothing about
// scrapes. It judges nothing, and what it has forgotten, as after a restart, it
// does not make up: until it has gathered it again, it gives no answer.
//
// It differs from Prometheus in this, so that a release is judged sooner:
//   - A counter or histogram that a target did not expose in the scrape before
//     was zero then, and is given a sample that says so; it need not be exposed
//     twice before its increase is seen. The same holds for the first scrape of
//     a container that started while the release was watched.
//   - The series of a target that goes are stale at once. So are all of one
//     whose exposition breaks off; Prometheus leaves those before the break as
//     they were.
//   - Histograms that are exposed as classic and as native are kept as both.
//   - Series that are named like those that the scraper writes itself are
//     dropped.
package builtin

import (
	"cmp"
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/series"
)

// Limits of one scrape; one that exceeds any of them fails. Zero fields are
// the defaults.
type Limits struct {
	Body    int64 // bytes of an exposition, unpacked; default 8 MiB
	Samples int   // of an exposition; default 10,000
	Labels  int   // of a series, the operator's own included; default 64
	Label   int   // bytes of a label's name or value; default 1024
	Buckets int   // of a native histogram; default 512
}

func (l Limits) orDefault() Limits {
	return Limits{
		Body: cmp.Or(l.Body, 8<<20), Samples: cmp.Or(l.Samples, 10_000), Labels: cmp.Or(l.Labels, 64),
		Label: cmp.Or(l.Label, 1024), Buckets: cmp.Or(l.Buckets, 512),
	}
}

// Options of New. Zero fields are the defaults.
type Options struct {
	Clock  clock.Clock    // default the real one
	Engine *series.Engine // default one of its own
	Scrape Limits
	Store  series.Limits // of each release
	// Timeout is how long a scrape may take at most, by default 10 s. It may
	// take no more than nine tenths of the interval, so that a target that
	// hangs misses no round, but always 900 ms.
	Timeout time.Duration
	// Dial connects to pods, by default over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Builtin scrapes the pods of releases under way. It is safe for concurrent
// use, and scrapes once it is started.
type Builtin struct {
	clock       clock.Clock
	engine      *series.Engine
	fetcher     *fetcher
	limits      Limits
	bounds      series.Limits
	longest     time.Duration
	instruments *instruments
	changed     chan struct{}
	scraped     chan event.GenericEvent

	mu       sync.RWMutex
	subjects map[types.NamespacedName]*subject
}

// New is a source that scrapes nothing yet.
func New(o Options) *Builtin {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Engine == nil {
		o.Engine = series.NewEngine(series.EngineOptions{})
	}
	limits := o.Scrape.orDefault()
	fetcher := newFetcher(limits.Body)
	if o.Dial != nil {
		fetcher = newFetcherThrough(limits.Body, o.Dial)
	}
	return &Builtin{
		clock: o.Clock, engine: o.Engine, fetcher: fetcher, limits: limits, bounds: o.Store,
		longest: cmp.Or(o.Timeout, 10*time.Second), instruments: newInstruments(),
		changed: make(chan struct{}, 1), scraped: make(chan event.GenericEvent, 1024),
		subjects: map[types.NamespacedName]*subject{},
	}
}

// timeout of a scrape.
func (b *Builtin) timeout(interval time.Duration) time.Duration {
	const least = 900 * time.Millisecond
	return min(max(interval-interval/10, least), b.longest)
}

// NeedLeaderElection says that one process scrapes: the one that decides.
func (*Builtin) NeedLeaderElection() bool { return true }

// Start scrapes what is watched until the context ends, and returns once
// nothing is left running.
func (b *Builtin) Start(ctx context.Context) error {
	var loops sync.WaitGroup
	running := map[*subject]context.CancelFunc{}
	for {
		b.follow(ctx, running, &loops)
		select {
		case <-b.changed:
			continue
		case <-ctx.Done():
		}
		for _, stop := range running {
			stop()
		}
		loops.Wait()
		b.fetcher.client.CloseIdleConnections()
		return nil
	}
}

// follow makes the loops those of the subjects that are watched.
func (b *Builtin) follow(ctx context.Context, running map[*subject]context.CancelFunc, loops *sync.WaitGroup) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s, stop := range running {
		if b.subjects[s.key] != s {
			stop()
			delete(running, s)
		}
	}
	for _, s := range b.subjects {
		if running[s] != nil {
			continue
		}
		own, stop := context.WithCancel(ctx)
		running[s] = stop
		loops.Go(func() { s.run(own) })
	}
}

// Watch has the subject's pods scraped, from now on and as it is now: it is a
// state, which is asserted each time and cheap to assert. Pods that are new are
// scraped at once.
func (b *Builtin) Watch(s Subject) {
	next, now := planOf(s), b.clock.Now()
	b.mu.Lock()
	watched, known := b.subjects[s.Key]
	if !known {
		watched = &subject{
			Builtin: b, key: s.Key, watched: now, store: series.NewStore(b.bounds), wake: make(chan struct{}, 1),
			scrapers: map[target]*scraper{},
		}
		b.subjects[s.Key] = watched
	}
	b.mu.Unlock()
	watched.assert(next, now)
	if !known {
		poke(b.changed)
	}
}

// Forget ends scraping and drops whatever is known of the subject.
func (b *Builtin) Forget(key types.NamespacedName) {
	b.mu.Lock()
	_, known := b.subjects[key]
	delete(b.subjects, key)
	b.mu.Unlock()
	if known {
		poke(b.changed)
	}
}

// Scraped tells of each SignalDeployment of which there is something new to
// judge, once for each round of scrapes.
func (b *Builtin) Scraped() <-chan event.GenericEvent { return b.scraped }

// announce never waits: where nobody listens, the next round tells again.
func (b *Builtin) announce(key types.NamespacedName) {
	object := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	select {
	case b.scraped <- event.GenericEvent{Object: object}:
	default:
	}
}

// Targets says how the latest scrape of each pod went, by track and pod.
func (b *Builtin) Targets(key types.NamespacedName) []Health {
	s := b.subject(key)
	if s == nil {
		return nil
	}
	return s.health()
}

func (b *Builtin) subject(key types.NamespacedName) *subject {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.subjects[key]
}

func (s *subject) health() []Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Health, 0, len(s.scrapers))
	for _, sc := range s.scrapers {
		all = append(all, sc.health())
	}
	slices.SortFunc(all, func(a, b Health) int {
		return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Address, b.Address))
	})
	return all
}

// instruments measure the source itself.
type instruments struct {
	seconds  prometheus.Histogram
	failures *prometheus.CounterVec
	targets  *prometheus.Desc
	series   *prometheus.Desc
	samples  *prometheus.Desc
}

func newInstruments() *instruments {
	const prefix = "signal_operator_builtin_"
	i := &instruments{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "scrape_duration_seconds", Help: "How long scrapes of pods took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "scrape_failures_total", Help: "Scrapes of pods that failed, by reason.",
		}, []string{"reason"}),
		targets: prometheus.NewDesc(prefix+"targets", "Pods that are scraped now.", nil, nil),
		series:  prometheus.NewDesc(prefix+"series", "Series in memory.", nil, nil),
		samples: prometheus.NewDesc(prefix+"samples", "Samples in memory.", nil, nil),
	}
	for _, reason := range reasons {
		i.failures.WithLabelValues(reason)
	}
	return i
}

func (i *instruments) scraped(r result) {
	i.seconds.Observe(r.took.Seconds())
	if r.failed != nil {
		i.failures.WithLabelValues(r.failed.reason).Inc()
	}
}

// Describe makes the source a collector of metrics about itself.
func (b *Builtin) Describe(to chan<- *prometheus.Desc) {
	i := b.instruments
	i.seconds.Describe(to)
	i.failures.Describe(to)
	to <- i.targets
	to <- i.series
	to <- i.samples
}

// Collect counts what is scraped and kept.
func (b *Builtin) Collect(to chan<- prometheus.Metric) {
	i := b.instruments
	i.seconds.Collect(to)
	i.failures.Collect(to)
	b.mu.RLock()
	all := slices.Collect(maps.Values(b.subjects))
	b.mu.RUnlock()
	var targets, lines, samples int
	for _, s := range all {
		l, n := s.store.Size()
		targets, lines, samples = targets+len(s.health()), lines+l, samples+n
	}
	to <- prometheus.MustNewConstMetric(i.targets, prometheus.GaugeValue, float64(targets))
	to <- prometheus.MustNewConstMetric(i.series, prometheus.GaugeValue, float64(lines))
	to <- prometheus.MustNewConstMetric(i.samples, prometheus.GaugeValue, float64(samples))
}

package prometheus

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/internal/analysis"
)

// BatchOptions of NewBatch. Zero fields are the defaults.
type BatchOptions struct {
	Clock clock.WithTicker // default the real one
	// Quiet is how long a request waits for more queries, again after each
	// that comes, by default 25 ms; Longest is how long at most, by default
	// 100 ms. It is also the most by which the times that queries are asked
	// for may differ within one request.
	Quiet, Longest time.Duration
	Bytes          int // of a joined query; default 256 KiB
	Parts          int // of a joined query; default 512
}

func (o BatchOptions) orDefault() BatchOptions {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	o.Quiet, o.Longest = cmp.Or(o.Quiet, 25*time.Millisecond), cmp.Or(o.Longest, 100*time.Millisecond)
	o.Bytes, o.Parts = cmp.Or(o.Bytes, 256<<10), cmp.Or(o.Parts, 512)
	return o
}

// Batch is a server whose clients share requests. Instant queries that are
// asked at about the same time go out as one, and equal ones are asked once.
// Each is answered as if it had been asked alone, but as of the latest time
// among those that it was asked with, which its points tell: it is later than
// what was asked for by no more than the longest wait. When a joined query is
// refused or not answered, its parts are asked again, and what is to blame is
// asked alone from then on. Of range queries only equal ones are shared.
//
// It is safe for concurrent use. Nothing of it runs while nobody asks, and who
// gives up does not take the answer from others.
type Batch struct {
	source *Source
	o      BatchOptions
	loners *loners
	width  *width
	single chan struct{} // queries that are asked alone at the same time

	mu     sync.Mutex
	groups []*group // that still gather
	ranges map[rangeKey]*group
}

// maxSingle is how many queries may be asked alone at the same time.
const maxSingle = 64

// NewBatch shares requests to the server.
func NewBatch(source *Source, o BatchOptions) *Batch {
	o = o.orDefault()
	return &Batch{
		source: source, o: o, loners: newLoners(), width: &width{most: o.Parts, now: o.Parts}, single: make(chan struct{}, maxSingle),
		ranges: map[rangeKey]*group{},
	}
}

// Exactly is the server, asked alone and as of the very moment.
func (b *Batch) Exactly() analysis.Source { return b.source }

// Name says in evidence what was asked.
func (b *Batch) Name() string { return b.source.Name() }

// part is a query that one or more callers wait for.
type part struct {
	query   string
	vector  string // as a part of a joined query; empty when it cannot be
	callers int
	done    chan struct{}
	reply   reply
	series  [][]analysis.Point // of a range query
}

func newPart(query string) *part {
	p := &part{query: query, done: make(chan struct{})}
	p.vector, _ = joinable(query)
	return p
}

func (p *part) answer(r reply) {
	p.reply = r
	close(p.done)
}

// group is what goes out together.
type group struct {
	from, to time.Time // the earliest and the latest that is asked for
	parts    []*part
	callers  int
	arrivals int // callers that ever came
	cancel   context.CancelFunc
}

// takes reports whether a query for that time may go out with the group.
func (g *group) takes(at time.Time, longest time.Duration) bool {
	return g.to.Sub(at) <= longest && at.Sub(g.from) <= longest
}

func (g *group) part(query string) *part {
	for _, p := range g.parts {
		if p.query == query {
			return p
		}
	}
	p := newPart(query)
	g.parts = append(g.parts, p)
	return p
}

// Query answers as of one moment.
func (b *Batch) Query(ctx context.Context, query string, at time.Time) ([]analysis.Point, error) {
	if ctx.Err() != nil {
		return nil, b.source.explain(ctx.Err())
	}
	g, p := b.enter(ctx, query, at)
	defer b.leave(g, p)
	select {
	case <-p.done:
		return slices.Clone(p.reply.points), p.reply.err
	case <-ctx.Done():
		return nil, b.source.explain(ctx.Err())
	}
}

// enter has the query go out with others. Who asks first begins a group, which
// ends once nobody waits for it any more.
func (b *Batch) enter(ctx context.Context, query string, at time.Time) (*group, *part) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.groups, func(g *group) bool { return g.takes(at, b.o.Longest) })
	if i < 0 {
		i = len(b.groups)
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		b.groups = append(b.groups, &group{from: at, to: at, cancel: cancel})
		go b.run(own, b.groups[i])
	}
	g := b.groups[i]
	if at.Before(g.from) {
		g.from = at
	}
	if at.After(g.to) {
		g.to = at
	}
	p := g.part(query)
	g.callers, g.arrivals, p.callers = g.callers+1, g.arrivals+1, p.callers+1
	return g, p
}

// leave gives up what nobody waits for.
func (b *Batch) leave(g *group, p *part) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.callers--
	if g.callers--; g.callers == 0 {
		g.cancel()
		b.groups = slices.DeleteFunc(b.groups, func(open *group) bool { return open == g })
	}
}

func (b *Batch) run(ctx context.Context, g *group) {
	b.gather(ctx, g)
	parts, at := b.shut(g)
	b.resolve(ctx, parts, at)
	g.cancel()
}

// gather waits until no more queries come, or it has lasted long enough.
func (b *Batch) gather(ctx context.Context, g *group) {
	end, seen := b.o.Clock.Now().Add(b.o.Longest), b.arrivals(g)
	for wait := b.o.Quiet; wait > 0; wait = min(b.o.Quiet, end.Sub(b.o.Clock.Now())) {
		timer := b.o.Clock.NewTimer(wait)
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return
		}
		before := seen
		if seen = b.arrivals(g); seen == before {
			return
		}
	}
}

func (b *Batch) arrivals(g *group) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return g.arrivals
}

// shut takes in no more, and leaves out what nobody waits for any more. The
// same queries make the same request, in whatever order they came.
func (b *Batch) shut(g *group) ([]*part, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups = slices.DeleteFunc(b.groups, func(open *group) bool { return open == g })
	parts := slices.DeleteFunc(slices.Clone(g.parts), func(p *part) bool { return p.callers == 0 })
	slices.SortFunc(parts, func(a, b *part) int { return strings.Compare(a.query, b.query) })
	return parts, g.to
}

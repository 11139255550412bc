package prometheus

import (
	"context"
	"slices"
	"time"

	"github.com/signal-delivery/operator/internal/analysis"
)

// rangeKey is what equal range queries have in common.
type rangeKey struct {
	query    string
	from, to int64 // ns
	step     time.Duration
}

// QueryRange answers over a window. Equal queries that are under way at the
// same time are one.
func (b *Batch) QueryRange(ctx context.Context, query string, from, to time.Time, step time.Duration) ([][]analysis.Point, error) {
	if ctx.Err() != nil {
		return nil, b.source.explain(ctx.Err())
	}
	g := b.enterRange(ctx, query, from, to, step)
	p := g.parts[0]
	defer b.leaveRange(g)
	select {
	case <-p.done:
		all := make([][]analysis.Point, 0, len(p.series))
		for _, points := range p.series {
			all = append(all, slices.Clone(points))
		}
		return all, p.reply.err
	case <-ctx.Done():
		return nil, b.source.explain(ctx.Err())
	}
}

func (b *Batch) enterRange(ctx context.Context, query string, from, to time.Time, step time.Duration) *group {
	key := rangeKey{query: query, from: from.UnixNano(), to: to.UnixNano(), step: step}
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.ranges[key]; g != nil && g.callers > 0 {
		g.callers++
		return g
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g := &group{parts: []*part{{query: query, done: make(chan struct{})}}, callers: 1, cancel: cancel}
	b.ranges[key] = g
	go func() {
		p := g.parts[0]
		series, err := b.source.QueryRange(own, query, from, to, step)
		b.mu.Lock()
		if b.ranges[key] == g {
			delete(b.ranges, key)
		}
		b.mu.Unlock()
		p.series = series
		p.answer(reply{err: err})
		cancel()
	}()
	return g
}

func (b *Batch) leaveRange(g *group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.callers--; g.callers == 0 {
		g.cancel()
	}
}

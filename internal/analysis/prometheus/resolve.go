package prometheus

import (
	"context"
	"errors"
	"sync"
	"time"

	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/signal-delivery/operator/internal/analysis"
)

// patience is what part of its time a joined query has, so that there is some
// left when its parts must be asked alone; what takes more than brisk of it
// alone delays others when it is joined.
const (
	patience = 2
	brisk    = 4
)

// resolve answers every part.
func (b *Batch) resolve(ctx context.Context, parts []*part, at time.Time) {
	now := b.o.Clock.Now()
	var joined, alone []*part
	for _, p := range parts {
		if p.vector != "" && !b.loners.has(p.query, now) {
			joined = append(joined, p)
			continue
		}
		alone = append(alone, p)
	}
	var all sync.WaitGroup
	for _, some := range b.split(joined) {
		all.Go(func() { b.together(ctx, some, at) })
	}
	all.Go(func() { b.alone(ctx, alone, at) })
	all.Wait()
}

// split is the parts of each joined query.
func (b *Batch) split(parts []*part) [][]*part {
	var all [][]*part
	most, bytes := b.width.parts(), 0
	for _, p := range parts {
		size := len(p.query) + overhead
		if n := len(all); n == 0 || len(all[n-1]) == most || bytes+size > b.o.Bytes {
			all, bytes = append(all, nil), 0
		}
		last := len(all) - 1
		all[last], bytes = append(all[last], p), bytes+size
	}
	return all
}

// together asks for the parts at once. If that fails, a server that cannot be
// reached is not asked again; a query that is refused is halved until it shows
// which part is to blame; and otherwise each part is asked alone. It reports
// whether a part is to blame.
func (b *Batch) together(ctx context.Context, parts []*part, at time.Time) bool {
	if len(parts) == 1 {
		return b.lonely(parts, b.alone(ctx, parts, at), func(o outcome) bool { return o.rejected })
	}
	begun := b.o.Clock.Now()
	value, err := b.source.ask(ctx, join(parts), at, b.source.timeout/patience)
	if err == nil {
		if replies, ok := separate(value, len(parts)); ok {
			b.width.took(len(parts), b.o.Clock.Now().Sub(begun))
			for i, p := range parts {
				p.answer(replies[i])
			}
			return false
		}
	}
	switch {
	case err != nil && !answered(err):
		for _, p := range parts {
			p.answer(reply{err: b.source.explain(err)})
		}
		return false
	case err != nil && errors.Is(b.source.explain(err), analysis.ErrRejected):
		return b.halve(ctx, parts, at)
	}
	return b.blame(parts, b.alone(ctx, parts, at))
}

// answered reports whether there is a server that answers, if badly or late.
func answered(err error) bool {
	_, refused := errors.AsType[*prometheusv1.Error](err)
	return refused || errors.Is(err, context.DeadlineExceeded) || large(err)
}

// halve asks for each half of what was refused. Of two parts that are refused
// together, those that fail alone are to blame; if none does, both. Of three
// that are answered as one and two, it is the one.
func (b *Batch) halve(ctx context.Context, parts []*part, at time.Time) bool {
	if len(parts) == 2 {
		outcomes := b.alone(ctx, parts, at)
		both := outcomes[0].well && outcomes[1].well
		return b.lonely(parts, outcomes, func(o outcome) bool { return both || !o.well })
	}
	var left, right bool
	var both sync.WaitGroup
	both.Go(func() { left = b.together(ctx, parts[:len(parts)/2], at) })
	both.Go(func() { right = b.together(ctx, parts[len(parts)/2:], at) })
	both.Wait()
	switch {
	case left || right:
		return true
	case len(parts) == 3:
		b.loners.add(parts[0].query, true, b.o.Clock.Now())
		return true
	}
	b.width.tooMany(len(parts))
	return false
}

// blame finds what to ask alone from now on: what failed, or took long, while
// another did not. If all failed, it is the server; if none did, they were too
// many, or if they were two, they do not go together.
func (b *Batch) blame(parts []*part, outcomes []outcome) bool {
	well := 0
	for _, o := range outcomes {
		if o.well {
			well++
		}
	}
	apart := well == len(parts) && len(parts) == 2
	if well == len(parts) {
		b.width.tooMany(len(parts))
	}
	return well > 0 && b.lonely(parts, outcomes, func(o outcome) bool { return apart || !o.well })
}

// lonely has those parts asked alone from now on, and reports whether there
// are any.
func (b *Batch) lonely(parts []*part, outcomes []outcome, is func(outcome) bool) bool {
	found := false
	for i, p := range parts {
		if is(outcomes[i]) {
			found = true
			b.loners.add(p.query, outcomes[i].well, b.o.Clock.Now())
		}
	}
	return found
}

// outcome is how a query that was asked alone fared: well if it was answered,
// and soon.
type outcome struct{ well, rejected bool }

// alone asks for each part, a few at a time, and for all of them within the
// time of one.
func (b *Batch) alone(ctx context.Context, parts []*part, at time.Time) []outcome {
	ctx, cancel := context.WithTimeout(ctx, b.source.timeout)
	defer cancel()
	outcomes := make([]outcome, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { outcomes[i] = b.one(ctx, p, at) })
	}
	all.Wait()
	return outcomes
}

func (b *Batch) one(ctx context.Context, p *part, at time.Time) outcome {
	select {
	case b.single <- struct{}{}:
		defer func() { <-b.single }()
	case <-ctx.Done():
		p.answer(reply{err: b.source.explain(ctx.Err())})
		return outcome{}
	}
	begun := b.o.Clock.Now()
	points, err := b.source.Query(ctx, p.query, at)
	now := b.o.Clock.Now()
	o := outcome{
		well:     (err == nil || errors.Is(err, analysis.ErrType)) && now.Sub(begun) <= b.source.timeout/brisk,
		rejected: errors.Is(err, analysis.ErrRejected),
	}
	b.loners.heard(p.query, o.well, now)
	p.answer(reply{points: points, err: err})
	return o
}

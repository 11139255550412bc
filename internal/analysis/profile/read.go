package profile

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/signal-delivery/operator/internal/analysis"
)

// window is what was measured of one track in a part of a part. What is not
// known is NaN.
type window struct {
	start, end                           time.Time
	requests, clientErrors, serverErrors float64
	p95                                  float64 // seconds
	cpu, cpuTotal                        float64 // of a pod, and of all in cores
	memory                               float64 // of the pod with the most
}

// track is what was measured of one release's pods.
type track struct {
	release, who    string
	before, during  []window
	ofCPU, ofMemory bool      // whether cpu and memory are shares of limits, not cores and bytes
	since           time.Time // when what is known begins; zero when nothing is
	unavailable     error     // why something is not known, if the source says so
	width           time.Duration
	totals          totals
}

// totals are of the whole part. What is not known is NaN.
type totals struct {
	requests, clientErrors, serverErrors, peak float64
	p50, p95, p99                              float64
	cpu, cpuShare, memory, memoryShare         float64
}

// width of the windows that a part is measured in: so many that one that
// stands out is seen among them, and so wide that each has several scrapes.
func width(part Part, interval time.Duration) time.Duration {
	const many, widest = 30, 5
	w := part.End.Sub(part.Start) / many
	w = min(max(w, 2*interval, time.Second), max(widest*interval, widest*time.Second))
	return w.Truncate(time.Second)
}

// Who is measured.
const (
	candidate = "candidate"
	stable    = "stable release"
)

// longest is how far samples go back.
const longest = 10 * time.Minute

// reader asks a source about one release.
type reader struct {
	source   analysis.Source
	ask      ask
	width    time.Duration
	interval time.Duration
}

// read measures a release's pods in a part and in the one before, if they had
// traffic in that.
func (r reader) read(ctx context.Context, who, release string, pair Pair) *track {
	idle := who == candidate && !measured[pair.Before.Phase]
	t := &track{release: release, who: who, width: r.width, totals: unknown()}
	from := pair.Start
	if !pair.Before.Start.IsZero() && !idle {
		from = pair.Before.Start
	}
	// Windows end together with the part; those before the longest memory have
	// nothing to tell, however long people were waited for.
	n := int(min(pair.End.Sub(from), longest) / r.width)
	if n < 1 {
		return t
	}
	all := make([]window, n)
	for i := range all {
		all[i] = blank(pair.End.Add(-time.Duration(n-i)*r.width), r.width)
	}
	all = r.scraped(ctx, t, all)
	if len(all) == 0 {
		return t
	}
	r.fill(ctx, t, all)
	for _, w := range all {
		switch {
		case !w.start.Before(pair.Start):
			t.during = append(t.during, w)
		case !w.end.After(pair.Start):
			t.before = append(t.before, w)
		}
	}
	if t.since.Before(pair.Start) {
		t.since = pair.Start
	}
	r.total(ctx, t, pair.End)
	return t
}

func blank(start time.Time, width time.Duration) window {
	nan := math.NaN()
	return window{start, start.Add(width), nan, nan, nan, nan, nan, nan, nan}
}

func unknown() totals {
	nan := math.NaN()
	return totals{nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan}
}

// scraped are the windows from the first in which the pods were scraped. That
// one is only known in part, unless it is the very first.
func (r reader) scraped(ctx context.Context, t *track, all []window) []window {
	up := blankColumn(len(all))
	r.column(ctx, t, "max("+r.ask.of("up")+")", all, up)
	if !slices.Contains(up, 1) {
		_, err := r.source.Query(ctx, r.ask.requests("rate", "", r.width), all[len(all)-1].end)
		t.lacks(err) // which says why
		return nil
	}
	for i, value := range up {
		switch {
		case value != 1:
			continue
		case i == 0:
			t.since = all[0].start
			return all
		}
		t.since = all[i].end
		return all[i+1:]
	}
	return nil
}

func blankColumn(n int) []float64 {
	column := make([]float64, n)
	for i := range column {
		column[i] = math.NaN()
	}
	return column
}

// column asks for the value at the end of each window.
func (r reader) column(ctx context.Context, t *track, query string, all []window, to []float64) {
	first := all[0].end
	answer, err := r.source.QueryRange(ctx, query, first, all[len(all)-1].end, r.width)
	if err != nil || len(answer) != 1 {
		t.lacks(err)
		return
	}
	for _, p := range answer[0] {
		if i := int((p.Time.Sub(first) + r.width/2) / r.width); i >= 0 && i < len(to) {
			to[i] = p.Value
		}
	}
}

// lacks keeps the first reason why something is not known.
func (t *track) lacks(err error) {
	if t.unavailable == nil {
		t.unavailable = err
	}
}

// fill measures each window. Each also looks at the scrape before it, so that
// what was counted between two windows is not lost.
func (r reader) fill(ctx context.Context, t *track, all []window) {
	span := r.width + r.interval
	queries := []string{
		r.ask.requests("rate", "", span), r.ask.requests("rate", "4", span), r.ask.requests("rate", "5", span),
		r.ask.quantile("0.95", span), r.ask.cpu("avg", span), r.ask.cpuShare(span), r.ask.cpu("sum", span),
		r.ask.memory(), r.ask.memoryShare(),
	}
	columns := r.together(len(queries), func(i int) ([]float64, error) {
		own, to := &track{}, blankColumn(len(all))
		r.column(ctx, own, queries[i], all, to)
		return to, own.unavailable
	}, t)
	t.ofCPU, t.ofMemory = anyKnown(columns[5]), anyKnown(columns[8])
	cpu, memory := columns[4], columns[7]
	if t.ofCPU {
		cpu = columns[5]
	}
	if t.ofMemory {
		memory = columns[8]
	}
	seconds := r.width.Seconds()
	for i := range all {
		w := &all[i]
		w.requests, w.clientErrors, w.serverErrors = columns[0][i]*seconds, columns[1][i]*seconds, columns[2][i]*seconds
		w.p95, w.cpu, w.cpuTotal, w.memory = columns[3][i], cpu[i], columns[6][i], memory[i]
	}
}

func anyKnown(values []float64) bool {
	for _, v := range values {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}

// together asks all at once.
func (r reader) together(n int, one func(int) ([]float64, error), t *track) [][]float64 {
	answers, problems := make([][]float64, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i], problems[i] = one(i) })
	}
	all.Wait()
	for _, err := range problems {
		t.lacks(err)
	}
	return answers
}

// total measures the whole part.
func (r reader) total(ctx context.Context, t *track, end time.Time) {
	over := end.Sub(t.since).Truncate(time.Second)
	if over < time.Second {
		return
	}
	queries := r.ask.totals(over, r.width)
	answers := r.together(len(queries), func(i int) ([]float64, error) {
		points, err := r.source.Query(ctx, queries[i], end)
		if err != nil || len(points) != 1 {
			return []float64{math.NaN()}, err
		}
		return []float64{points[0].Value}, nil
	}, t)
	for i, to := range []*float64{
		&t.totals.requests, &t.totals.clientErrors, &t.totals.serverErrors, &t.totals.peak, &t.totals.p50, &t.totals.p95, &t.totals.p99,
		&t.totals.cpu, &t.totals.cpuShare, &t.totals.memory, &t.totals.memoryShare,
	} {
		*to = answers[i][0]
	}
}

// totals are the queries about a whole part, in the order of the fields.
func (a ask) totals(over, width time.Duration) []string {
	return []string{
		a.requests("increase", "", over), a.requests("increase", "4", over), a.requests("increase", "5", over), a.peak(over, width),
		a.quantile("0.5", over), a.quantile("0.95", over), a.quantile("0.99", over),
		a.cpu("avg", over), a.cpuShare(over), highest(a.memory(), over, width), highest(a.memoryShare(), over, width),
	}
}

// how says in which way the source is unavailable.
func how(err error) string {
	if e, ok := errors.AsType[*analysis.UnavailableError](err); ok {
		return e.How
	}
	return ""
}

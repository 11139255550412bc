package conformance_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"

	"github.com/signal-delivery/operator/internal/series"
)

const (
	interval = 5 * time.Second
	ticks    = 180 // fifteen minutes
)

var (
	epoch = time.UnixMilli(1_767_225_600_000)
	stale = math.Float64frombits(value.StaleNaN)
)

func tickTime(tick int) time.Time { return epoch.Add(time.Duration(tick) * interval) }

// batch is one scrape of one target.
type batch struct {
	at      time.Time
	samples []sample
	refused bool // by Prometheus, as out of order; the store drops such samples
}

// sample is a float, or a histogram of integers as expositions have them, or
// one of floats.
type sample struct {
	labels  labels.Labels
	value   float64
	integer *histogram.Histogram
	float   *histogram.FloatHistogram
}

func (b batch) forStore() []series.Sample {
	all := make([]series.Sample, 0, len(b.samples))
	for _, s := range b.samples {
		taken := series.Sample{Labels: s.labels, Value: s.value, Histogram: s.float}
		if s.integer != nil {
			taken.Histogram = s.integer.ToFloat(nil)
		}
		all = append(all, taken)
	}
	return all
}

// target is a pod that is scraped.
type target struct {
	own      labels.Labels
	from, to int // ticks; at the latter it is gone
	down     func(tick int) bool
	format   expfmt.Format
	options  textparse.ParserOptions
	live     func(tick int) prometheus.Gatherer
	seen     []labels.Labels // at the latest scrape, in order
}

// world is every batch, in the order in which they come.
func world() ([]batch, error) {
	var all []batch
	targets := pods()
	for tick := range ticks {
		for _, p := range targets {
			if tick < p.from || tick > p.to {
				continue
			}
			samples, err := p.scrape(tick)
			if err != nil {
				return nil, err
			}
			all = append(all, batch{at: tickTime(tick), samples: samples})
		}
		all = append(all, byHand(tick)...)
	}
	return all, nil
}

// scrape does as Prometheus does: what vanished is marked as stale, all of it
// if the target does not answer, and if it is gone then "up" is too.
func (p *target) scrape(tick int) ([]sample, error) {
	up := labels.NewBuilder(p.own).Set(model.MetricNameLabel, "up").Labels()
	if tick == p.to {
		return append(p.vanished(nil), sample{labels: up, value: stale}), nil
	}
	gatherer := p.live(tick)
	if p.down != nil && p.down(tick) {
		return append(p.vanished(nil), sample{labels: up, value: 0}), nil
	}
	exposition, err := exposed(gatherer, p.format)
	if err != nil {
		return nil, err
	}
	samples, err := p.parse(exposition)
	if err != nil {
		return nil, err
	}
	return append(append(samples, p.vanished(samples)...), sample{labels: up, value: 1}), nil
}

// vanished are stale markers of what was seen before and is not now.
func (p *target) vanished(now []sample) []sample {
	var gone []sample
	for _, l := range p.seen {
		if !slices.ContainsFunc(now, func(s sample) bool { return labels.Equal(s.labels, l) }) {
			gone = append(gone, sample{labels: l, value: stale})
		}
	}
	p.seen = p.seen[:0]
	for _, s := range now {
		p.seen = append(p.seen, s.labels)
	}
	return gone
}

func exposed(g prometheus.Gatherer, format expfmt.Format) ([]byte, error) {
	families, err := g.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics: %w", err)
	}
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.GetName(), err)
		}
	}
	if closer, ok := encoder.(io.Closer); ok {
		err = closer.Close()
	}
	return text.Bytes(), err
}

func (p *target) parse(exposition []byte) ([]sample, error) {
	parser, err := textparse.New(exposition, string(p.format), labels.NewSymbolTable(), p.options)
	if err != nil {
		return nil, fmt.Errorf("read an exposition of %s: %w", p.format, err)
	}
	var all []sample
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read an exposition of %s: %w", p.format, err)
		}
		s := sample{}
		switch entry {
		case textparse.EntrySeries:
			_, _, s.value = parser.Series()
		case textparse.EntryHistogram:
			_, _, s.integer, s.float = parser.Histogram()
		default:
			continue
		}
		parser.Labels(&s.labels)
		b := labels.NewBuilder(s.labels)
		p.own.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
		s.labels = b.Labels()
		all = append(all, s)
	}
}

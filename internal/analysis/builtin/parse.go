package builtin

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"

	"github.com/signal-delivery/operator/internal/series"
)

// batch is what one exposition holds.
type batch struct {
	samples []series.Sample           // of the time of the scrape
	timed   map[int64][]series.Sample // of a time that the target gave, in Unix milliseconds
	zeros   []series.Sample           // what counters and histograms that are new began with
	present []*line                   // that are stale once they are no longer exposed
	scraped int                       // samples in the exposition
	added   int                       // of these, without those that only the scraper writes
	fresh   int                       // of these, of series that the exposition before did not have
}

// reader reads one target's expositions. It remembers the target's series, so
// that labels are put together once.
type reader struct {
	limits  Limits
	own     labels.Labels // of the target
	builder *labels.Builder
	symbols *labels.SymbolTable
	byText  map[string]*line // nil for what only the scraper writes
	byHash  map[uint64]*line
	live    []*line // of the latest exposition, unless that was of no use
	reads   uint64  // expositions
	good    uint64  // the latest that was of use
	forgot  bool    // whether series were forgotten, so that one may look new that is not
}

// parse reads an exposition. When it fails, the batch has only what was counted
// until then. A target must not be able to bring the operator down, whatever it
// answers.
func (r *reader) parse(body []byte, contentType string) (b *batch, failed *failure) {
	defer func() {
		if cause := recover(); cause != nil {
			failed = fail(ReasonMalformed, fmt.Errorf("read it: %v", cause), notAnExposition)
			r.forget()
		}
	}()
	if len(r.byText) > 2*r.limits.Samples {
		r.forget()
	}
	r.reads++
	b = &batch{timed: map[int64][]series.Sample{}}
	if len(body) == 0 {
		return b, nil
	}
	t, err := textparse.New(body, contentType, r.symbols, textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		return b, fail(ReasonContentType, err, "answers with a Content-Type that is no exposition format, such as text/plain; version=0.0.4")
	}
	return b, r.entries(t, b)
}

const notAnExposition = "answers with what is not in the exposition format that its Content-Type says"

// entries reads all there are.
func (r *reader) entries(t textparse.Parser, b *batch) *failure {
	f := family{}
	for {
		entry, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fail(ReasonMalformed, err, notAnExposition)
		}
		switch entry {
		case textparse.EntryType:
			f.set(t.Type())
		case textparse.EntrySeries, textparse.EntryHistogram:
			if failed := r.sample(t, entry, &f, b); failed != nil {
				return failed
			}
		case textparse.EntryHelp, textparse.EntryUnit, textparse.EntryComment, textparse.EntryInvalid:
		}
	}
}

// sample reads one. Of two of one series in one exposition, the first counts.
func (r *reader) sample(t textparse.Parser, entry textparse.Entry, f *family, b *batch) *failure {
	b.scraped++
	text, at, s, failed := r.value(t, entry)
	if failed != nil {
		return failed
	}
	l, failed := r.line(text, t)
	if failed != nil || l == nil {
		return failed
	}
	if b.added++; b.added > r.limits.Samples {
		return fail(ReasonSampleLimit, nil, "answers with more than %d samples", r.limits.Samples)
	}
	if at == nil && l.read == r.reads {
		return nil
	}
	if l.good == 0 || l.good != r.good {
		b.fresh++
	}
	s.Labels, l.read = l.labels, r.reads
	if at != nil {
		l.good = r.reads
		b.timed[*at] = append(b.timed[*at], s)
		return nil
	}
	if l.good == 0 && !r.forgot && f.counts(l.labels.Get(model.MetricNameLabel), s.Histogram) {
		b.zeros = append(b.zeros, zero(s))
	}
	b.samples, b.present = append(b.samples, s), append(b.present, l)
	return nil
}

// value of the current entry. NaNs lose the bits by which one of them would
// mark a series as stale.
func (r *reader) value(t textparse.Parser, entry textparse.Entry) (text []byte, at *int64, s series.Sample, failed *failure) {
	if entry == textparse.EntrySeries {
		text, at, s.Value = t.Series()
		if math.IsNaN(s.Value) {
			s.Value = math.Float64frombits(value.NormalNaN)
		}
		return text, at, s, nil
	}
	text, at, h, fh := t.Histogram()
	err := errors.New("neither an integer nor a float histogram")
	switch {
	case h != nil:
		if err = h.Validate(); err == nil {
			fh = h.ToFloat(nil)
		}
	case fh != nil:
		err = fh.Validate()
	}
	if err != nil {
		return nil, nil, s, fail(ReasonMalformed, err, "answers with a native histogram that is not consistent")
	}
	if len(fh.PositiveBuckets)+len(fh.NegativeBuckets) > r.limits.Buckets {
		return nil, nil, s, fail(ReasonBucketLimit, nil, "answers with a native histogram of more than %d buckets", r.limits.Buckets)
	}
	if math.IsNaN(fh.Sum) {
		fh.Sum = math.Float64frombits(value.NormalNaN)
	}
	s.Histogram = fh
	return text, at, s, nil
}

// family is the metric that a TYPE line spoke of.
type family struct {
	name string
	kind model.MetricType
}

func (f *family) set(name []byte, kind model.MetricType) { f.name, f.kind = string(name), kind }

// counts reports whether a series of that name began at zero: a counter, or
// what makes up a histogram, or a summary's count and sum. OpenMetrics'
// _created series are times and did not.
func (f *family) counts(name string, h *histogram.FloatHistogram) bool {
	rest, ours := strings.CutPrefix(name, strings.TrimSuffix(f.name, "_total"))
	switch {
	case !ours:
		return false
	case f.kind == model.MetricTypeCounter:
		return rest == "" || rest == "_total"
	case f.kind == model.MetricTypeHistogram:
		return h != nil || rest == "_bucket" || rest == "_sum" || rest == "_count"
	case f.kind == model.MetricTypeSummary:
		return rest == "_sum" || rest == "_count"
	}
	return false
}

// zero is what the series began with.
func zero(s series.Sample) series.Sample {
	z := series.Sample{Labels: s.Labels}
	if h := s.Histogram; h != nil {
		z.Histogram = &histogram.FloatHistogram{
			CounterResetHint: histogram.CounterReset, Schema: h.Schema, ZeroThreshold: h.ZeroThreshold, CustomValues: h.CustomValues,
		}
	}
	return z
}

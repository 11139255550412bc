package series

import (
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// perChunk is how many samples a chunk holds at most. More compress better,
// fewer are forgotten sooner.
const perChunk = 120

// chunk is a stretch of samples of one kind, compressed.
type chunk struct {
	min, max int64 // ms, inclusive
	weight   int
	data     chunkenc.Chunk
}

// run is one series: chunks that no longer change and one that grows. Queries
// share the closed ones.
type run struct {
	labels   labels.Labels
	closed   []chunk
	open     chunk
	appender chunkenc.Appender // of the open chunk
}

// last is the time of the newest sample, in ms.
func (r *run) last() int64 { return r.open.max }

// append adds a sample that is newer than all others, and returns its weight.
func (r *run) append(t int64, s Sample) int {
	h := s.Histogram
	if h == nil && stale(s) && r.holds(chunkenc.EncFloatHistogram) {
		h = &histogram.FloatHistogram{Sum: s.Value} // a marker is of its series' kind
	}
	if h == nil {
		r.appendFloat(t, s.Value)
	} else {
		r.appendHistogram(t, h.Copy()) // the encoder rearranges buckets
	}
	r.open.max = t
	r.open.weight += s.weight()
	return s.weight()
}

func (r *run) appendFloat(t int64, v float64) {
	if !r.holds(chunkenc.EncXOR) || r.open.data.NumSamples() >= perChunk {
		c := chunkenc.NewXORChunk()
		a, _ := c.Appender() // cannot fail on an empty chunk
		r.cut(t, c, a)
	}
	r.appender.Append(0, t, v)
}

// appendHistogram leaves it to the encoder to begin a chunk when counters were
// reset or the layout of buckets changed.
func (r *run) appendHistogram(t int64, h *histogram.FloatHistogram) {
	var before chunkenc.Appender
	if !r.holds(chunkenc.EncFloatHistogram) || full(r.open.data) {
		c := chunkenc.NewFloatHistogramChunk()
		a, _ := c.Appender() // cannot fail on an empty chunk
		before = r.appender
		r.cut(t, c, a)
	}
	c, recoded, a, _ := r.appender.AppendFloatHistogram(before, 0, t, h, false) // fails only when it may not begin a chunk
	if c != nil && recoded {
		r.open.data = c
	}
	if c != nil && !recoded {
		r.cut(t, c, a)
	}
	r.appender = a
}

func full(c chunkenc.Chunk) bool {
	n := c.NumSamples()
	return n >= perChunk || n >= chunkenc.MinSamplesPerHistogramChunk && len(c.Bytes()) >= chunkenc.TargetBytesPerHistogramChunk
}

func (r *run) holds(e chunkenc.Encoding) bool {
	return r.open.data != nil && r.open.data.Encoding() == e
}

// cut closes the open chunk and opens another.
func (r *run) cut(t int64, c chunkenc.Chunk, a chunkenc.Appender) {
	if r.open.data != nil {
		r.open.data.Compact()
		r.closed = append(r.closed, r.open)
	}
	r.open, r.appender = chunk{min: t, data: c}, a
}

// forget drops chunks that end before a time, and returns their weight. The
// rest is copied, because queries may hold the list.
func (r *run) forget(before int64) int {
	n, weight := 0, 0
	for n < len(r.closed) && r.closed[n].max < before {
		weight += r.closed[n].weight
		n++
	}
	if n > 0 {
		r.closed = slices.Clone(r.closed[n:])
	}
	if r.open.max < before {
		weight += r.open.weight
	}
	return weight
}

package series

import (
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// view is what a series held when it was looked at, within a time range. The
// open chunk may have grown since: only its first samples belong to the view.
type view struct {
	labels   labels.Labels
	from, to int64 // ms, inclusive
	closed   []chunk
	open     chunk
	grown    int // samples that open had
	mu       *sync.RWMutex
}

// viewOf looks at a series, and reports whether a chunk is within the range.
func viewOf(r *run, from, to int64) (v view, within bool) {
	v = view{labels: r.labels, from: from, to: to, closed: r.closed}
	for len(v.closed) > 0 && v.closed[0].max < from {
		v.closed = v.closed[1:]
	}
	for n := len(v.closed); n > 0 && v.closed[n-1].min > to; n-- {
		v.closed = v.closed[:n-1]
	}
	if r.open.max >= from && r.open.min <= to {
		v.open, v.grown = r.open, r.open.data.NumSamples()
	}
	return v, len(v.closed) > 0 || v.grown > 0
}

// Labels of the series.
func (v *view) Labels() labels.Labels { return v.labels }

// Iterator steps through the samples, using an earlier iterator if it can.
func (v *view) Iterator(used chunkenc.Iterator) chunkenc.Iterator {
	it, ok := used.(*iterator)
	if !ok {
		it = &iterator{}
	}
	*it = iterator{view: v, from: v.from, current: chunkenc.NewNopIterator(), floats: it.floats, histograms: it.histograms}
	return it
}

// iterator steps through the chunks of a view.
type iterator struct {
	view    *view
	from    int64 // ms; grows with Seek
	next    int   // chunk
	left    int   // samples of the current chunk
	ends    int64 // ms, of the current chunk
	at      chunkenc.ValueType
	current chunkenc.Iterator

	floats, histograms chunkenc.Iterator // to be used again
}

// Next steps to the next sample in the range.
func (it *iterator) Next() chunkenc.ValueType {
	for {
		for it.left > 0 && it.ends >= it.from {
			it.left--
			if it.at = it.current.Next(); it.at == chunkenc.ValNone {
				break
			}
			if t := it.current.AtT(); t > it.view.to {
				it.left, it.next = 0, len(it.view.closed)+1
			} else if t >= it.from {
				return it.at
			}
		}
		if !it.enter() {
			it.at = chunkenc.ValNone
			return it.at
		}
	}
}

// enter begins the next chunk and reports whether there is one.
func (it *iterator) enter() bool {
	n := it.next
	it.next++
	if n < len(it.view.closed) {
		c := it.view.closed[n]
		it.begin(c, c.data.NumSamples())
		return true
	}
	if n > len(it.view.closed) || it.view.grown == 0 {
		it.left = 0
		return false
	}
	it.view.mu.RLock() // the chunk may be growing; its iterator does not mind later
	defer it.view.mu.RUnlock()
	it.begin(it.view.open, it.view.grown)
	return true
}

func (it *iterator) begin(c chunk, samples int) {
	used := &it.floats
	if c.data.Encoding() != chunkenc.EncXOR {
		used = &it.histograms
	}
	*used = c.data.Iterator(*used)
	it.current, it.left, it.ends = *used, samples, c.max
}

// Seek steps to the first sample that is not before a time, unless it is there.
func (it *iterator) Seek(t int64) chunkenc.ValueType { //nolint:govet // Prometheus' interface, not io.Seeker
	if it.at != chunkenc.ValNone && it.current.AtT() >= t {
		return it.at
	}
	it.from = max(it.from, t)
	return it.Next()
}

// At is the sample, a float.
func (it *iterator) At() (int64, float64) { return it.current.At() }

// AtHistogram is of integer histograms, which are not kept.
func (it *iterator) AtHistogram(h *histogram.Histogram) (int64, *histogram.Histogram) {
	return it.current.AtHistogram(h)
}

// AtFloatHistogram is the sample, a histogram.
func (it *iterator) AtFloatHistogram(h *histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.current.AtFloatHistogram(h)
}

// AtT is the sample's time, in ms.
func (it *iterator) AtT() int64 { return it.current.AtT() }

// AtST is when a counter began: not known.
func (*iterator) AtST() int64 { return 0 }

// Err says what was wrong with a chunk.
func (it *iterator) Err() error { return it.current.Err() }

package loadtest

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/bits"
	"time"
)

// The buckets of a histogram: of 2 µs up to 128 µs, then 32 for each doubling
// up to 134 s. So a bucket is at most 1/32 of what is in it wide.
const (
	unit      = 2 * time.Microsecond
	fine      = 32                     // buckets of each doubling, a power of two
	doublings = 20                     // after the first 64 buckets
	buckets   = fine * (doublings + 2) // 704
)

// Histogram counts how long requests took. It is exact in its counts: merging
// the parts of a whole gives the histogram of the whole.
type Histogram struct {
	counts [buckets]uint32
	total  uint64
}

// index is the bucket of d. What is beyond the last counts there.
func index(d time.Duration) int {
	n := uint64(max(0, d) / unit)
	if n < 2*fine {
		return int(n)
	}
	shift := bits.Len64(n) - bits.Len64(2*fine-1)
	return min(shift*fine+int(n>>shift), buckets-1) //nolint:gosec // below 128 beside a small product
}

// upper is the end of a bucket: nothing in it took longer.
func upper(bucket int) time.Duration {
	if bucket < 2*fine {
		return time.Duration(bucket+1) * unit
	}
	shift := bucket/fine - 1
	return time.Duration(bucket%fine+fine+1) << shift * unit
}

// Add counts one request.
func (h *Histogram) Add(d time.Duration) {
	h.counts[index(d)]++
	h.total++
}

// Merge adds what another has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Count is how many requests were counted.
func (h *Histogram) Count() int64 { return int64(h.total) } //nolint:gosec // at most ten times maxRequests

// Quantile is the shortest time that so many of a thousand requests are known
// not to have exceeded: at most 1/32 or 2 µs above the true one, never below.
// Of nothing, it is nothing.
func (h *Histogram) Quantile(permille int) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := (h.total*uint64(permille) + 999) / 1000 //nolint:gosec // from 1 to 1000
	seen := uint64(0)
	for i, n := range h.counts {
		if seen += uint64(n); seen >= max(1, rank) {
			return upper(i)
		}
	}
	return upper(buckets - 1)
}

// Encode is the histogram as text: in turn how many buckets are empty, how many
// are not, and these. With maxRequests counted, that is at most 2 KiB.
func (h *Histogram) Encode() string {
	var b []byte
	for i := 0; i < buckets; {
		empty := i
		for i < buckets && h.counts[i] == 0 {
			i++
		}
		full := i
		for i < buckets && h.counts[i] != 0 {
			i++
		}
		if full == i {
			break
		}
		b = binary.AppendUvarint(b, uint64(full-empty))
		b = binary.AppendUvarint(b, uint64(i-full))
		for _, n := range h.counts[full:i] {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

var errHistogram = errors.New("is no histogram of a load test")

// DecodeHistogram is the histogram that the text stands for.
func DecodeHistogram(text string) (*Histogram, error) {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errHistogram
	}
	h, at := &Histogram{}, uint64(0)
	next := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			b, err = nil, errHistogram
			return 0
		}
		b = b[size:]
		return n
	}
	for len(b) > 0 {
		empty, full := next(), next()
		if err != nil || empty > buckets || full > buckets || at+empty+full > buckets {
			return nil, errHistogram
		}
		at += empty
		for range full {
			n := next()
			if err != nil || n > maxRequests {
				return nil, errHistogram
			}
			h.counts[at] = uint32(n)
			h.total += n
			at++
		}
	}
	return h, nil
}

package loadtest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// spread is a duration of any size, each doubling as likely.
func spread(r *rand.Rand) time.Duration {
	return time.Duration(1) << r.IntN(36) * time.Duration(100+r.IntN(100)) / 100
}

// Every duration is in a bucket that ends at or after it, and at most 1/32 or
// 2 µs later.
func TestBuckets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, d := range append([]time.Duration{0, 1, unit - 1, unit, 128*time.Microsecond - 1, 128 * time.Microsecond, 134 * time.Second}, func() (many []time.Duration) {
		for range 20000 {
			many = append(many, spread(r))
		}
		return many
	}()...) {
		end := upper(index(d))
		if end < d || end-d > max(unit, d/32) {
			t.Fatalf("%s is in the bucket that ends at %s", d, end)
		}
	}
	if index(time.Hour) != buckets-1 || index(-time.Second) != 0 {
		t.Errorf("an hour is in bucket %d, less than nothing in %d", index(time.Hour), index(-time.Second))
	}
	for i := 1; i < buckets; i++ {
		if upper(i) <= upper(i-1) || index(upper(i)-1) != i || index(upper(i-1)) != i {
			t.Fatalf("bucket %d ends at %s, the one before at %s", i, upper(i), upper(i-1))
		}
	}
}

// A quantile is never better than the true one, and hardly worse.
func TestQuantiles(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		h, all := &Histogram{}, make([]time.Duration, 1+r.IntN(3000))
		for i := range all {
			all[i] = spread(r)
			h.Add(all[i])
		}
		slices.Sort(all)
		for _, p := range []int{1, 250, 500, 900, 950, 990, 999, 1000} {
			exact := all[(len(all)*p+999)/1000-1]
			if got := h.Quantile(p); got < exact || got-exact > max(unit, exact/32) {
				t.Fatalf("seed %d: of %d, %d ‰ is %s, and not %s", seed, len(all), p, exact, got)
			}
		}
	}
	if got := (&Histogram{}).Quantile(500); got != 0 {
		t.Errorf("half of nothing took %s", got)
	}
}

// However a whole is parted, its parts come to the whole, also when each was
// written and read.
func TestPartsMergeToTheWhole(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		whole, parts := &Histogram{}, make([]*Histogram, 1+r.IntN(10))
		for i := range parts {
			parts[i] = &Histogram{}
		}
		for range r.IntN(5000) {
			d := spread(r)
			whole.Add(d)
			parts[r.IntN(len(parts))].Add(d)
		}
		merged := &Histogram{}
		for _, part := range parts {
			read, err := DecodeHistogram(part.Encode())
			if err != nil || *read != *part {
				t.Fatalf("seed %d: %v", seed, err)
			}
			merged.Merge(read)
		}
		if *merged != *whole {
			t.Fatalf("seed %d: the parts come to %d, the whole is %d", seed, merged.Count(), whole.Count())
		}
	}
}

// However the requests of a test are spread, a histogram of them fits.
func TestAFullHistogramFits(t *testing.T) {
	const room = 2 << 10
	even, odd := &Histogram{}, &Histogram{}
	for i := range buckets {
		even.counts[i] = maxRequests / buckets
		odd.counts[i] = uint32(i%2) * maxRequests / buckets * 2
	}
	steep := &Histogram{} // as many large counts as there can be
	left := uint32(maxRequests)
	for i := range buckets {
		steep.counts[i] = min(left, 128)
		left -= steep.counts[i]
	}
	for i := 0; left >= 1<<14; i++ {
		steep.counts[i] += 1 << 14
		left -= 1 << 14
	}
	for name, h := range map[string]*Histogram{"even": even, "odd": odd, "steep": steep} {
		if n := len(h.Encode()); n > room {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

func TestWhatIsNoHistogram(t *testing.T) {
	for name, text := range map[string]string{
		"not base64":     "***",
		"cut off":        "AAE",
		"too many":       "gMAHAQE", // 122880 empty buckets
		"beyond the end": "vwUCAQE", // 703 empty, 2 full
		"too much":       "AAH/////fw",
		"padded":         strings.Repeat("=", 4),
	} {
		if h, err := DecodeHistogram(text); err == nil {
			t.Errorf("%s: %d requests", name, h.Count())
		}
	}
	if h, err := DecodeHistogram(""); err != nil || h.Count() != 0 {
		t.Errorf("of nothing: %v", err)
	}
}

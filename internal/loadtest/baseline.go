package loadtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	// noticeable is by how much a percentile must be above the stable
	// release's to count, whatever the share: less is noise.
	noticeable = 2 * time.Millisecond
	// enough is how many requests must be beyond a percentile on both sides.
	enough = 10
)

// Hash tells what a test sends from what others do. Limits may change, and how
// the load is shared: what was measured can still be compared.
func Hash(spec v1alpha1.LoadTest) string {
	spec.Limits, spec.Peak, spec.TimeoutSeconds, spec.Workers = v1alpha1.LoadLimits{}, nil, 0, 0
	text, err := json.Marshal(spec)
	if err != nil {
		panic(fmt.Sprintf("loadtest: encode a test: %v", err)) // API types always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Record is what is remembered of a release's test.
func Record(spec v1alpha1.LoadTest, r Result, release string) v1alpha1.LoadRecord {
	c := r.Judged(spec)
	record := v1alpha1.LoadRecord{Release: release, Test: Hash(spec), Requests: c.Sent, Errors: c.Errors}
	for _, p := range Percentiles {
		record.LatencyMicroseconds = append(record.LatencyMicroseconds, r.Latency.Quantile(p).Microseconds())
	}
	record.PeakRatePerSecond, _ = peak(spec, r)
	return record
}

// Baseline is the stable release's record of the same test, or nil, and why.
func Baseline(spec v1alpha1.LoadTest, records []v1alpha1.LoadRecord, stable string) (*v1alpha1.LoadRecord, string) {
	if stable == "" {
		return nil, "this is the first release"
	}
	for _, r := range records {
		switch {
		case r.Release != stable:
		case r.Test != Hash(spec):
			return nil, "the stable release was tested by another test"
		case len(r.LatencyMicroseconds) == len(Percentiles):
			return &r, ""
		}
	}
	return nil, "the stable release was never tested"
}

// worse are the percentiles that are further above the baseline's than they
// may be, in words, and how many could be compared.
func worse(spec v1alpha1.LoadTest, r Result, base v1alpha1.LoadRecord) (words []string, compared int) {
	for i := range 4 {
		beyond := int64(1000 - Percentiles[i])
		if min(r.Latency.Count(), base.Requests)*beyond < enough*1000 {
			continue
		}
		compared++
		now, before := r.Latency.Quantile(Percentiles[i]), time.Duration(base.LatencyMicroseconds[i])*time.Microsecond
		most := before * time.Duration(100+spec.Limits.NoWorseThanStablePercent) / 100
		if now > most && now-before > noticeable {
			words = append(words, fmt.Sprintf("%s was %s, the stable release's %s", percentile(i), latency(now), latency(before)))
		}
	}
	return words, compared
}

package release

import (
	"strconv"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// WatermarkName is the Job that verifies who answers for one attempt: the
// candidate itself, and after the cutover whoever does at the entry.
func WatermarkName(name, hash string, attempt int32, after bool) string {
	if after {
		return LoadName(name, hash, attempt, "watermark-after")
	}
	return LoadName(name, hash, attempt, "watermark")
}

// SplitName is the Job that measures how one step of one attempt splits the
// traffic.
func SplitName(name, hash string, attempt, step int32) string {
	return LoadName(name, hash, attempt, "split-"+strconv.Itoa(int(step)))
}

// WatermarkSeconds is how long such a Job may take: twice as long as it needs,
// and a minute to start.
func WatermarkSeconds(requests int32) int32 { return 60 + requests/10 }

// SplitMeasured reports whether each step's split is to be measured, where
// there is one.
func SplitMeasured(spec *v1alpha1.SignalDeploymentSpec) bool {
	return spec.Checks.Watermark != nil && spec.Checks.Watermark.SplitRequests > 0 && spec.Traffic.Entry != nil
}

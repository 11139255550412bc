package analysis

import (
	"math/rand/v2"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// oracle says by brute force, from the whole list of samples, what Judge must.
func oracle(m v1alpha1.Metric, samples []Sample) v1alpha1.Outcome {
	longest, run, failures, decided, told := 0, 0, 0, 0, []Sample{}
	for _, s := range samples {
		if s.Outcome != verdict.Unknown {
			decided++
		}
		if s.Outcome == verdict.Unknown || s.Reason == ReasonIgnored {
			continue
		}
		told = append(told, s)
		run++
		if s.Outcome == verdict.Passed {
			run = 0
			continue
		}
		failures++
		longest = max(longest, run)
	}
	overspent := m.FailureBudget != nil && failures > int(*m.FailureBudget)
	if longest >= int(m.ConsecutiveFailures) || overspent {
		return verdict.Failed
	}
	last := samples[len(samples)-1]
	recovered := len(told) == 0 || told[len(told)-1].Outcome == verdict.Passed
	if last.Outcome == verdict.Passed && recovered && decided >= int(m.MinSamples) {
		return verdict.Passed
	}
	return verdict.Unknown
}

// A release is judged after every sample, until one decides against it. Failure
// mode 38: being inconclusive for long must not come to be a pass.
func TestJudgeAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []Sample{within, within, outside, silent, ignored}
	seen := map[v1alpha1.Outcome]int{}
	for range 5000 {
		m := v1alpha1.Metric{Name: "errors", ConsecutiveFailures: 1 + random.Int32N(4), MinSamples: 1 + random.Int32N(6)}
		if random.IntN(2) == 0 {
			m.FailureBudget = new(random.Int32N(5))
		}
		var samples []Sample
		r, tally := Record{}, v1alpha1.MetricTally{}
		for range 1 + random.IntN(20) {
			s := kinds[random.IntN(len(kinds))]
			samples = append(samples, s)
			r, tally = r.Add(s), Count(tally, s)
			got, want := Judge(m, r, tally), oracle(m, samples)
			seen[want]++
			if got.Outcome != want {
				t.Fatalf("%+v after %d samples: got %s %s, want %s", m, len(samples), got.Outcome, got.Reason, want)
			}
			if got.Outcome == verdict.Passed && s.Outcome != verdict.Passed {
				t.Fatalf("passes on a sample that is %s", s.Outcome)
			}
			if got.Outcome == verdict.Failed {
				break
			}
		}
	}
	for _, o := range []v1alpha1.Outcome{verdict.Passed, verdict.Failed, verdict.Unknown} {
		if seen[o] < 1000 {
			t.Errorf("only %d verdicts were %s: the samples do not try enough", seen[o], o)
		}
	}
}

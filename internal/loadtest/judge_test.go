package loadtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// tested is a test of 1000 requests.
func tested(change ...func(*v1alpha1.LoadTest)) v1alpha1.LoadTest {
	spec := v1alpha1.LoadTest{
		Requests: []v1alpha1.LoadRequest{{Path: "/", Weight: 1}}, Shape: v1alpha1.LoadConstant, RatePerSecond: 100,
		DurationSeconds: 10, AnswerSeconds: 5, Workers: 1, TimeoutSeconds: 600, Limits: v1alpha1.LoadLimits{ErrorPercent: "1"},
	}
	for _, c := range change {
		c(&spec)
	}
	return spec
}

// came is a result in which request n of each window took so long; less than
// nothing is an error.
func came(spec v1alpha1.LoadTest, took func(window, n int) time.Duration) Result {
	r := Result{Begin: 0, End: int64(spec.DurationSeconds) * 1000, Latency: &Histogram{}, Classes: map[string]int64{}, Edges: map[v1alpha1.LoadEdge]EdgeCounts{}, Workers: 1}
	windows := Windows(spec)
	for w := range windows {
		var c Counts
		for n := range 1000 / len(windows) {
			d := took(w, n)
			c.Sent++
			if d < 0 {
				c.Errors++
				r.Classes["503"]++
				continue
			}
			c.Timed++
			for i, most := range Limits(spec.Limits) {
				if most > 0 && d > most {
					c.Over[i]++
				}
			}
			if !windows[w].Excused {
				r.Latency.Add(d)
			}
		}
		r.Windows = append(r.Windows, c)
	}
	for range spec.Faults {
		r.Faults = append(r.Faults, 204)
	}
	return r
}

// each is a request in so many that takes slow, when the others take fast.
func each(n int, slow, fast time.Duration) func(int, int) time.Duration {
	return func(_, i int) time.Duration {
		if i%n == 0 {
			return slow
		}
		return fast
	}
}

func say(o v1alpha1.Outcome, reason, part string) verdict.Verdict {
	return verdict.Verdict{Outcome: o, Reason: reason, Message: part}
}

const ms = time.Millisecond

func TestJudge(t *testing.T) {
	baseline := []v1alpha1.LoadRecord{{Release: "v1", Test: Hash(tested()), Requests: 1000, LatencyMicroseconds: []int64{10000, 20000, 20000, 20000, 20000}}}
	for name, tc := range map[string]struct {
		spec   v1alpha1.LoadTest
		took   func(int, int) time.Duration
		change func(*Result)
		want   verdict.Verdict // its message is a part
	}{
		"all well": {tested(), each(100, 100*ms, 10*ms), nil, say(verdict.Passed, ReasonHeld, "held its limits: 1000 requests in 10s, p50 10")},
		"a percentile is as long as it may be": {
			tested(func(s *v1alpha1.LoadTest) { s.Limits.P99Milliseconds = 10 }), each(100, 100*ms, 10*ms), nil,
			say(verdict.Passed, ReasonHeld, "held"),
		},
		"a percentile is longer": {
			tested(func(s *v1alpha1.LoadTest) { s.Limits.P99Milliseconds = 99 }), each(50, 100*ms, 10*ms), nil,
			say(verdict.Failed, ReasonBroken, "p99 was 10"),
		},
		"more errors than may be": {
			tested(), each(90, -1, 10*ms), nil,
			say(verdict.Failed, ReasonBroken, "12 of 1000 requests failed (1.2 %, of at most 1 %): 503 12"),
		},
		"as many errors as may be": {tested(), each(100, -1, 10*ms), nil, say(verdict.Passed, ReasonHeld, "1 % failed")},
		"no error may be":          {tested(func(s *v1alpha1.LoadTest) { s.Limits.ErrorPercent = "0" }), each(1000, -1, 10*ms), nil, say(verdict.Failed, ReasonBroken, "1 of 1000")},
		"too few are answered": {
			tested(func(s *v1alpha1.LoadTest) { s.Limits.MinRatePerSecond, s.Limits.ErrorPercent = 95, "50" }), each(10, -1, 10*ms), nil,
			say(verdict.Failed, ReasonBroken, "90.0 requests per second were answered without an error, of at least 95"),
		},
		"the sender was slow, which proves nothing": {
			tested(func(s *v1alpha1.LoadTest) { s.Limits.P99Milliseconds = 50 }), each(50, 100*ms, 10*ms), func(r *Result) { r.Windows[0].Late = 11 },
			say(verdict.Unknown, ReasonBehind, "the sender could not keep up with the rate, through no fault of the service: 11 of 1000"),
		},
		"the sender was slow, but errors are errors": {
			tested(), each(10, -1, 10*ms), func(r *Result) { r.Windows[0].Late = 500 },
			say(verdict.Failed, ReasonBroken, "100 of 1000 requests failed"),
		},
		"it was stopped":            {tested(), each(2, ms, ms), func(r *Result) { r.Cut = true }, say(verdict.Unknown, ReasonCut, "stopped before its end")},
		"workers that sent apart":   {tested(func(s *v1alpha1.LoadTest) { s.Workers = 2 }), each(2, ms, ms), func(r *Result) { r.Workers, r.Shared = 2, 7900*ms }, say(verdict.Unknown, ReasonApart, "the 2 workers sent at the same time for only 7.9s of 10s")},
		"workers that sent at once": {tested(func(s *v1alpha1.LoadTest) { s.Workers = 2 }), each(2, ms, ms), func(r *Result) { r.Workers, r.Shared = 2, 8000*ms }, say(verdict.Passed, ReasonHeld, "held")},
		"a soak that wears out": {
			tested(func(s *v1alpha1.LoadTest) { s.Shape, s.Limits.P95Milliseconds = v1alpha1.LoadSoak, 50 }),
			func(w, i int) time.Duration {
				return each(map[bool]int{true: 10, false: 1000}[w == 3], 100*ms, 10*ms)(w, i)
			}, nil,
			say(verdict.Failed, ReasonBroken, `in the part "last quarter" 10 % of the requests took longer than 50ms, of which at most 5 % may`),
		},
		"a fault is excused": {faulted(), during(1, -1), nil, say(verdict.Passed, ReasonHeld, "0 % failed")},
		"what comes after is not": {
			faulted(), during(2, -1), nil,
			say(verdict.Failed, ReasonBroken, `in the part "after POST /faults at 2 s" 100 % of the requests failed`),
		},
		"a fault that was not switched": {
			faulted(), each(2, ms, ms), func(r *Result) { r.Faults = []int{404} },
			say(verdict.Unknown, ReasonNotSwitched, "POST /faults at 2 s was answered with 404: check spec.checks.load.test.faults[0]"),
		},
		"a fault without an answer": {faulted(), each(2, ms, ms), func(r *Result) { r.Faults = nil }, say(verdict.Unknown, ReasonNotSwitched, "was not answered")},
		"edges that are refused": {
			edged(), each(2, ms, ms), func(r *Result) {
				r.Edges[v1alpha1.EdgeMalformed], r.Edges[v1alpha1.EdgeSlowBody] = EdgeCounts{Sent: 9, Refused: 8, Closed: 1}, EdgeCounts{Sent: 9, Patient: 9}
			}, say(verdict.Passed, ReasonHeld, "held"),
		},
		"an edge that is accepted": {
			edged(), each(2, ms, ms), func(r *Result) {
				r.Edges[v1alpha1.EdgeMalformed], r.Edges[v1alpha1.EdgeSlowBody] = EdgeCounts{Sent: 9, Accepted: 9}, EdgeCounts{Sent: 9, Patient: 9}
			}, say(verdict.Failed, ReasonBroken, "neither refused nor closed 9 of 9 requests of the edge case Malformed"),
		},
		"an edge that breaks it": {
			edged(), each(2, ms, ms), func(r *Result) {
				r.Edges[v1alpha1.EdgeMalformed], r.Edges[v1alpha1.EdgeSlowBody] = EdgeCounts{Sent: 9, Refused: 9}, EdgeCounts{Sent: 9, Broken: 1}
			}, say(verdict.Failed, ReasonBroken, "answered 1 of 9 requests of the edge case SlowBody with 5xx"),
		},
		"as fast as the stable release":    {compared(), each(10, 20*ms, 10*ms), nil, say(verdict.Passed, ReasonHeld, "held")},
		"slower, but not by much":          {compared(), each(10, 23*ms, 11*ms), nil, say(verdict.Passed, ReasonHeld, "held")},
		"slower than the stable release":   {compared(), each(10, 40*ms, 10*ms), nil, say(verdict.Failed, ReasonBroken, "the stable release's 20ms, more than 20 % above")},
		"by another test, nothing is said": {compared(func(s *v1alpha1.LoadTest) { s.RatePerSecond = 99 }), each(10, time.Second, 10*ms), nil, say(verdict.Passed, ReasonHeld, "held")},
	} {
		t.Run(name, func(t *testing.T) {
			r := came(tc.spec, tc.took)
			if tc.change != nil {
				tc.change(&r)
			}
			got := Judge(tc.spec, r, baseline, "v1")[0]
			if got.Outcome != tc.want.Outcome || got.Reason != tc.want.Reason || !strings.Contains(got.Message, tc.want.Message) {
				t.Errorf("%s %s: %s", got.Outcome, got.Reason, got.Message)
			}
		})
	}
}

func faulted() v1alpha1.LoadTest {
	return tested(func(s *v1alpha1.LoadTest) {
		s.Faults = []v1alpha1.LoadFault{{AtSeconds: 2, RecoverSeconds: 3, Method: "POST", Path: "/faults"}}
	})
}

func during(window int, d time.Duration) func(int, int) time.Duration {
	return func(w, _ int) time.Duration {
		if w == window {
			return d
		}
		return ms
	}
}

func edged() v1alpha1.LoadTest {
	return tested(func(s *v1alpha1.LoadTest) {
		s.Edges = []v1alpha1.LoadEdge{v1alpha1.EdgeMalformed, v1alpha1.EdgeSlowBody}
	})
}

func compared(change ...func(*v1alpha1.LoadTest)) v1alpha1.LoadTest {
	return tested(append(change, func(s *v1alpha1.LoadTest) { s.Limits.NoWorseThanStablePercent = 20 })...)
}

// Each line of the account rests on what was measured.
func TestDetails(t *testing.T) {
	spec := tested(func(s *v1alpha1.LoadTest) {
		s.Limits = v1alpha1.LoadLimits{P95Milliseconds: 50, ErrorPercent: "1", MinRatePerSecond: 90, NoWorseThanStablePercent: 20}
		s.Peak = &v1alpha1.LoadPeak{FromRatePerSecond: 10, ToRatePerSecond: 100, StepSeconds: 5}
	})
	r := came(spec, each(200, -1, 9*ms))
	r.CPU, r.Steps = 500, []Counts{{Sent: 50, Timed: 50}, {Sent: 100, Timed: 100, Over: [5]int64{2: 6}}}
	base := Record(spec, came(spec, each(100, 12*ms, 8*ms)), "v1")
	base.PeakRatePerSecond = 30
	var got []string
	for _, v := range Judge(spec, r, []v1alpha1.LoadRecord{base}, "v1") {
		e := v.Evidence
		got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s", v.Name, v.Outcome, e.Value, e.Threshold, e.Baseline))
	}
	want := []string{
		"load|Passed|p50 9.22ms, p90 9.22ms, p95 9.22ms, p99 9.22ms, p99.9 9.22ms, 0.5 % failed||",
		"load rate|Passed|99.5/s|>= 90/s|",
		"load errors|Passed|0.5 %|<= 1 %|0 %",
		"load p50|Passed|9.22ms||8.06ms",
		"load p90|Passed|9.22ms||8.06ms",
		"load p95|Passed|9.22ms|<= 50ms|8.06ms",
		"load p99|Passed|9.22ms||8.06ms",
		"load p99.9|Passed|9.22ms||12.03ms",
		"load baseline|Passed|3 of 4 percentiles compared|<= 20 % above the stable release's|",
		"load peak|Passed|10/s||30/s",
		"load sender|Passed|0 of 1000 sent late|<= 1 %|",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhyThereIsNoBaseline(t *testing.T) {
	spec := compared()
	own := Record(spec, came(spec, each(2, ms, ms)), "v1")
	for name, tc := range map[string]struct {
		records []v1alpha1.LoadRecord
		stable  string
		want    string
	}{
		"a first release":       {nil, "", "this is the first release"},
		"never tested":          {nil, "v1", "the stable release was never tested"},
		"another's":             {[]v1alpha1.LoadRecord{own}, "v0", "the stable release was never tested"},
		"another test":          {[]v1alpha1.LoadRecord{{Release: "v1", Test: "else", LatencyMicroseconds: own.LatencyMicroseconds}}, "v1", "the stable release was tested by another test"},
		"a record without data": {[]v1alpha1.LoadRecord{{Release: "v1", Test: own.Test}}, "v1", "the stable release was never tested"},
		"there is one":          {[]v1alpha1.LoadRecord{{Release: "v0"}, own}, "v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if base, why := Baseline(spec, tc.records, tc.stable); why != tc.want || (base == nil) != (tc.want != "") {
				t.Errorf("%v, %q", base, why)
			}
		})
	}
}

// What is compared with must be like: what is sent tells, what is asked of it
// does not.
func TestHash(t *testing.T) {
	same, other := Hash(tested()), 0
	for _, change := range []func(*v1alpha1.LoadTest){
		func(s *v1alpha1.LoadTest) { s.Limits.P99Milliseconds = 7 },
		func(s *v1alpha1.LoadTest) { s.Workers = 7 },
		func(s *v1alpha1.LoadTest) { s.TimeoutSeconds = 700 },
		func(s *v1alpha1.LoadTest) { s.Peak = &v1alpha1.LoadPeak{} },
		func(s *v1alpha1.LoadTest) { s.RatePerSecond++; other++ },
		func(s *v1alpha1.LoadTest) { s.DurationSeconds++; other++ },
		func(s *v1alpha1.LoadTest) { s.Requests[0].Path = "/other"; other++ },
		func(s *v1alpha1.LoadTest) { s.Edges = []v1alpha1.LoadEdge{v1alpha1.EdgeMalformed}; other++ },
	} {
		before := other
		if got := Hash(tested(change)); (got == same) != (other == before) {
			t.Errorf("after change %d: %s beside %s", other, got, same)
		}
	}
}

package loadtest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Whatever a test measured, and however many shared it: what is merged of the
// parts, each written and read, is what one alone would have measured.
func TestResultsMergeExactly(t *testing.T) {
	spec := tested(func(s *v1alpha1.LoadTest) {
		s.Shape, s.Edges, s.Peak = v1alpha1.LoadSoak, []v1alpha1.LoadEdge{v1alpha1.EdgeSlowBody}, &v1alpha1.LoadPeak{FromRatePerSecond: 1, ToRatePerSecond: 20}
	})
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 9))
		whole := Result{Latency: &Histogram{}, Windows: make([]Counts, 4), Steps: make([]Counts, 3), Classes: map[string]int64{}, Edges: map[v1alpha1.LoadEdge]EdgeCounts{}}
		parts := make([]Result, 1+r.IntN(10))
		for i := range parts {
			parts[i] = Result{Latency: &Histogram{}, Windows: make([]Counts, 4), Steps: make([]Counts, r.IntN(4)), Classes: map[string]int64{}, Edges: map[v1alpha1.LoadEdge]EdgeCounts{}, End: 1}
		}
		for range 2000 {
			p, w, d := &parts[r.IntN(len(parts))], r.IntN(4), spread(r)
			c := Counts{Sent: 1, Timed: 1, Errors: int64(r.IntN(2)), Late: int64(r.IntN(2)), Over: [5]int64{1, 0, int64(r.IntN(2)), 0, 1}}
			kind, e := fmt.Sprint(400+r.IntN(16)), EdgeCounts{Sent: 1, Refused: int64(r.IntN(2)), Patient: int64(r.IntN(2))}
			for _, into := range []*Result{p, &whole} {
				into.Windows[w].Add(c)
				into.Latency.Add(d)
				into.Classes[kind]++
				into.Edges[v1alpha1.EdgeSlowBody] = into.Edges[v1alpha1.EdgeSlowBody].Plus(e)
			}
		}
		for i, p := range parts {
			for s := range p.Steps {
				p.Steps[s].Add(Counts{Sent: 5})
				whole.Steps[s].Add(Counts{Sent: 5})
			}
			p.CPU, whole.CPU = int64(i), whole.CPU+int64(i)
			answer := verdict.Answer{Load: p.Encode(), Verdicts: []verdict.Verdict{verdict.Pass(v1alpha1.SignalLoad, "LoadMeasured", "x")}}.Encode()
			read, ok := verdict.Read(string(answer))
			if !ok {
				t.Fatalf("seed %d: an answer of %d bytes is none", seed, len(answer))
			}
			decoded, err := Decode(read.Load, spec)
			if err != nil {
				t.Fatal(err)
			}
			parts[i] = decoded
		}
		merged := Merge(parts)
		for i := len(whole.Steps) - 1; i >= len(merged.Steps); i-- {
			whole.Steps = whole.Steps[:i] // no part came so far
		}
		if *merged.Latency != *whole.Latency {
			t.Fatalf("seed %d: the histograms differ", seed)
		}
		if diff := cmp.Diff([]any{whole.Windows, whole.Steps, whole.Classes, whole.Edges, whole.CPU}, []any{merged.Windows, merged.Steps, merged.Classes, merged.Edges, merged.CPU}); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// The fullest answer that there can be fits a termination message.
func TestTheFullestAnswerFits(t *testing.T) {
	r := Result{Begin: 1 << 41, End: 1 << 41, CPU: 1 << 30, Latency: &Histogram{}, Classes: map[string]int64{}, Edges: map[v1alpha1.LoadEdge]EdgeCounts{}}
	for i := range buckets {
		r.Latency.counts[i] = maxRequests / buckets
	}
	full := Counts{Sent: 99999, Errors: 99999, Timed: 99999, Late: 99999, Over: [5]int64{99999, 99999, 99999, 99999, 99999}}
	for range 17 {
		r.Windows = append(r.Windows, full)
	}
	for range peakSteps {
		r.Steps = append(r.Steps, full)
	}
	for i := range 40 {
		r.Classes[fmt.Sprint(400+i)] = int64(i + 1)
	}
	for _, edge := range []v1alpha1.LoadEdge{v1alpha1.EdgeConnectionChurn, v1alpha1.EdgeMalformed, v1alpha1.EdgeOversized, v1alpha1.EdgeSlowBody} {
		r.Edges[edge] = EdgeCounts{36000, 36000, 36000, 36000, 36000, 36000}
	}
	r.Faults = []int{204, 204, 204, 204, 204, 204, 204, 204}
	text := verdict.Answer{Load: r.Encode(), Verdicts: []verdict.Verdict{verdict.Pass(v1alpha1.SignalLoad, "LoadMeasured", "Worker 10 of 10 sent 600000 requests, of which 600000 failed")}}.Encode()
	if len(text) > 4096 {
		t.Errorf("%d bytes", len(text))
	}
	read, ok := verdict.Read(string(text))
	if !ok {
		t.Fatal("it is not read")
	}
	spec := tested(func(s *v1alpha1.LoadTest) {
		s.DurationSeconds, s.Peak = 3600, &v1alpha1.LoadPeak{FromRatePerSecond: 1, ToRatePerSecond: 5000}
		for i := range int32(8) {
			s.Faults = append(s.Faults, v1alpha1.LoadFault{AtSeconds: 10 + i*100, RecoverSeconds: 5, Path: "/"})
		}
	})
	got, err := Decode(read.Load, spec)
	if err != nil || len(got.Classes) != maxClasses || got.Classes[Other] == 0 {
		t.Errorf("%d kinds, %v", len(got.Classes), err)
	}
	sum := int64(0)
	for _, n := range got.Classes {
		sum += n
	}
	if sum != 820 {
		t.Errorf("%d errors of 820", sum)
	}
}

func TestWhatIsNoResult(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "{", "other windows": `{"w":[[1,0,0,1,0,0,0,0,0],[1,0,0,1,0,0,0,0,0]],"h":""}`,
		"a window that is none": `{"w":["x"],"h":""}`, "an edge that is none": `{"w":[[1]],"g":{"SlowBody":"x"}}`,
		"no histogram": `{"w":[[1,0,0,1,0,0,0,0,0]],"h":"*"}`, "an end before its begin": `{"b":2,"e":1,"w":[[1,0,0,1,0,0,0,0,0]],"h":""}`,
		"steps of no search": `{"w":[[1,0,0,1,0,0,0,0,0]],"s":[[1,0,0,1,0,0,0,0,0]],"h":""}`,
	} {
		if r, err := Decode([]byte(text), tested()); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The overlap of what workers sent is counted, not assumed.
func TestTogether(t *testing.T) {
	for want, windows := range map[string][][2]int64{
		"10s": {{0, 10_000}}, "8s": {{0, 10_000}, {2000, 12_000}}, "0s": {{0, 10_000}, {11_000, 21_000}}, "5s": {{0, 10_000}, {5000, 15_000}, {1000, 11_000}},
	} {
		var parts []Result
		for _, w := range windows {
			parts = append(parts, Result{Begin: w[0], End: w[1], Latency: &Histogram{}})
		}
		if got := Merge(parts).Shared.String(); got != want {
			t.Errorf("%v: %s", windows, got)
		}
	}
}

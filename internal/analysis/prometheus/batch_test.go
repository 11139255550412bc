package prometheus

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/signal-delivery/operator/internal/analysis"
)

// sharers ask one server together, and time passes only for them.
type sharers struct {
	*testing.T
	server *engineServer
	single *Source
	batch  *Batch
	clock  *clocktesting.FakeClock
}

func newSharers(t *testing.T, o BatchOptions, timeout time.Duration) *sharers {
	t.Helper()
	server := newEngineServer(t)
	clock := clocktesting.NewFakeClock(noon)
	o.Clock = clock
	single := sourceOf(t, server.url, timeout)
	return &sharers{T: t, server: server, single: single, batch: NewBatch(single, o), clock: clock}
}

// told is a reply that can be compared.
type told struct {
	Points []analysis.Point
	Err    string
}

func heard(points []analysis.Point, err error) told {
	return told{points, fmt.Sprint(err)}
}

var alike = []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)}

// gathered lets those who ask gather until n have come, and then lets time pass.
func (s *sharers) gathered(n int, done <-chan struct{}) {
	s.Helper()
	s.until(func() bool {
		s.batch.mu.Lock()
		defer s.batch.mu.Unlock()
		here := 0
		for _, g := range s.batch.groups {
			here += g.arrivals
		}
		return here == n && s.clock.HasWaiters()
	})
	for {
		select {
		case <-done:
			return
		default:
			if s.clock.HasWaiters() { // while the server works, none
				s.clock.Step(5 * time.Millisecond)
			}
			runtime.Gosched()
		}
	}
}

func (s *sharers) until(is func() bool) {
	s.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			s.Fatal("it never comes")
		}
	}
}

// ask asks all at once.
func (s *sharers) ask(queries ...string) []told {
	s.Helper()
	got := make([]told, len(queries))
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() { got[i] = heard(s.batch.Query(s.Context(), q, noon)) })
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	s.gathered(len(queries), done)
	return got
}

// asAlone requires of each answer to be that of the query alone.
func (s *sharers) asAlone(queries []string, got []told) {
	s.Helper()
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() {
			if diff := cmp.Diff(heard(s.single.Query(s.Context(), q, noon)), got[i], alike...); diff != "" {
				s.Errorf("%s (-alone +joined):\n%s", q, diff)
			}
		})
	}
	all.Wait()
	s.server.queries()
}

// joinables and others are what may be asked.
var (
	joinables = []string{
		"tick", "sum(rate(requests_total[1m]))", `requests_total`, `requests_total{release="a"}`, "nothing", "nan", "inf", "-inf", "1", "1/0", "0/0", "time()", "scalar(tick)", "scalar(nothing)",
		`rate(requests_total{code="500"}[30s]) / ignoring(code) rate(requests_total{code="200"}[30s])`, "topk(1, requests_total)", "sort_desc(requests_total)", "sort(requests_total)",
		"tick # ends with words )", "(tick)", "tick or vector(0)", "nothing or vector(0)", "one or two", `{__name__=~"one|two"}`, "native", "native or tick", "histogram_quantile(0.9, native)", "tick @ end()",
		"tick offset 10s", "count(requests_total) by (release)", "absent(nothing)", "absent(tick)", "max_over_time(tick[30s:5s])", `label_replace(tick, "a", "b", "", "")`, "sum_over_time(tick[10s])", "vector(NaN)", "timestamp(tick)",
		`label_replace(requests_total, "code", "", "", "")`, `rate({__name__=~"one|two"}[1m])`, "one + on() requests_total", // these are refused
		`label_replace(requests_total, "signal_operator_part", "7", "", "")`, `label_replace(one, "signal_operator_part", "1", "", "") or one`,
	}
	others = []string{"tick[1m]", `"words"`, "sum(", "", "tick) or (tick", "no_such_function(tick)", `"a" or "b"`}
)

// Whatever is asked together, under whatever limits, is answered as it is
// alone.
func TestJoinedIsAsAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pool := slices.Concat(joinables, others)
	for range 60 {
		s := newSharers(t, BatchOptions{Bytes: 100 + random.IntN(4000), Parts: 1 + random.IntN(40)}, 0)
		for range 2 { // the second time it is known what is to blame
			var queries []string
			for range 1 + random.IntN(40) {
				queries = append(queries, pool[random.IntN(len(pool))])
			}
			s.asAlone(queries, s.ask(queries...))
		}
	}
}

func TestEverythingAtOnce(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	all := slices.Concat(joinables, others)
	s.asAlone(all, s.ask(all...))
	s.asAlone(all, s.ask(all...))
	if got := s.ask(all...); len(got) != len(all) {
		t.Fatal(got)
	}
	asked := s.server.queries()
	if bad := 5; len(asked) > len(others)+bad+1 {
		t.Errorf("%d requests for %d queries: %q", len(asked), len(all), asked)
	}
}

// One request for what is asked together, each query once.
func TestOneRequest(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	queries := []string{"tick", "requests_total", "tick", "1", "tick"}
	got := s.ask(queries...)
	asked := s.server.queries()
	want := `(label_replace((tick` + "\n" + `), "signal_operator_part", "0", "", ""))` + "\nor ("
	if len(asked) != 1 || strings.Count(asked[0], "label_replace") != 3 || strings.Count(asked[0], "vector((1\n))") != 1 {
		t.Errorf("asked %q, to begin with %q in some order", asked, want)
	}
	s.asAlone(queries, got)
	if s.ask("tick"); !slices.Equal(s.server.queries(), []string{"tick"}) {
		t.Error("a single query does not go out as it is")
	}
}

// The tag is of this parser's making, so it must parse as it was meant.
func TestJoinedText(t *testing.T) {
	got := join([]*part{newPart("a # b"), newPart("2"), newPart("c")})
	want := `(label_replace((a # b
), "signal_operator_part", "0", "", ""))
or ((label_replace(vector((2
)), "signal_operator_part", "1", "", ""))
or (label_replace((c
), "signal_operator_part", "2", "", "")))`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLimitsOfARequest(t *testing.T) {
	var queries []string
	for i := range 40 {
		queries = append(queries, fmt.Sprintf("tick + %d", i))
	}
	for name, tc := range map[string]struct {
		o    BatchOptions
		want int
	}{
		"all in one":     {BatchOptions{}, 1},
		"ten parts each": {BatchOptions{Parts: 10}, 4},
		"by size":        {BatchOptions{Bytes: 1200}, 4},
		"less than one":  {BatchOptions{Bytes: 1}, 40},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSharers(t, tc.o, 0)
			got := s.ask(queries...)
			asked := s.server.queries()
			longest := 0
			for _, q := range asked {
				longest = max(longest, len(q))
			}
			if len(asked) != tc.want || tc.o.Bytes > 1 && longest > tc.o.Bytes {
				t.Errorf("%d requests of up to %d bytes", len(asked), longest)
			}
			s.asAlone(queries, got)
		})
	}
}

// Evaluated at the latest time, and the points say so; what is asked for
// another time goes out for itself.
func TestTimes(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	ats := []time.Duration{0, 60 * time.Millisecond, 30 * time.Millisecond, -time.Minute}
	got := make([]told, len(ats))
	var all sync.WaitGroup
	for i, at := range ats {
		all.Go(func() { got[i] = heard(s.batch.Query(t.Context(), fmt.Sprintf("time() + %d", i), noon.Add(at))) })
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	s.gathered(len(ats), done)
	for i, evaluated := range []time.Duration{60 * time.Millisecond, 60 * time.Millisecond, 60 * time.Millisecond, -time.Minute} {
		at := noon.Add(evaluated)
		want := told{[]analysis.Point{{Time: at, Value: float64(at.UnixMilli())/1000 + float64(i)}}, "<nil>"}
		if diff := cmp.Diff(want, got[i], alike...); diff != "" {
			t.Error(diff)
		}
	}
	if asked := s.server.queries(); len(asked) != 2 {
		t.Errorf("asked %q", asked)
	}
}

// NaN is no number like another: the pool has some.
func TestThePoolHasEverything(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	kinds := map[string]bool{}
	for _, q := range slices.Concat(joinables, others) {
		points, err := s.single.Query(t.Context(), q, noon)
		switch {
		case errors.Is(err, analysis.ErrRejected):
			kinds["refused"] = true
		case errors.Is(err, analysis.ErrType):
			kinds["not numbers"] = true
		case err != nil:
			t.Error(q, err)
		case len(points) == 0:
			kinds["nothing"] = true
		case len(points) > 1:
			kinds["several"] = true
		case math.IsNaN(points[0].Value):
			kinds["NaN"] = true
		case math.IsInf(points[0].Value, 0):
			kinds["infinite"] = true
		}
	}
	if len(kinds) != 6 {
		t.Error(kinds)
	}
}

// Whoever counts from answer to answer is not answered as of a later moment.
func TestExactly(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	got := analysis.Exactly(s.batch)
	if got.Name() != s.single.Name() {
		t.Errorf("%T", got)
	}
	if points, err := got.Query(t.Context(), "tick", noon); err != nil || len(points) != 1 || !points[0].Time.Equal(noon) {
		t.Errorf("%v %v", points, err)
	}
	if got := analysis.Exactly(s.single); got != analysis.Source(s.single) {
		t.Errorf("a source that shares nothing is another: %T", got)
	}
}

package openloop

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
)

// The requests of each second come as the shape says.
func TestShapes(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.LoadTest)
		want   map[int]int // requests by second
	}{
		"constant": {func(*v1alpha1.LoadTest) {}, map[int]int{0: 10, 1: 10, 2: 10, 3: 10, 4: 10, 5: 10}},
		"soak":     {func(s *v1alpha1.LoadTest) { s.Shape = v1alpha1.LoadSoak }, map[int]int{0: 10, 1: 10, 2: 10, 3: 10, 4: 10, 5: 10}},
		"spike":    {func(s *v1alpha1.LoadTest) { s.Shape, s.PeakRatePerSecond = v1alpha1.LoadSpike, 100 }, map[int]int{0: 10, 1: 10, 2: 100, 3: 100, 4: 10, 5: 10}},
		"ramp":     {func(s *v1alpha1.LoadTest) { s.Shape, s.PeakRatePerSecond = v1alpha1.LoadRamp, 70 }, map[int]int{0: 15, 1: 25, 2: 35, 3: 45, 4: 55, 5: 65}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var came since
				s := service(t, func(http.ResponseWriter, *http.Request) { came.note() })
				spec := steady(10, 6)
				tc.change(&spec)
				r := s.Run(t.Context(), spec)
				if diff := cmp.Diff(tc.want, came.seconds); diff != "" {
					t.Error(diff)
				}
				if c := r.Judged(spec); c.Sent != loadtest.Main(spec).Total() || c.Errors+c.Late > 0 || c.Sent != r.Latency.Count() {
					t.Errorf("%+v", c)
				}
			})
		})
	}
}

// However many share a load, each request of it is sent once, and when it is
// due.
func TestWorkersShareTheLoad(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			spec := steady(1+random.Int32N(200), 1+random.Int32N(5))
			spec.Requests[0].Path, spec.Workers = "/${sequence}", 1+random.Int32N(10)
			var mu sync.Mutex
			came, start := map[string]time.Duration{}, time.Now()
			s := service(t, func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				came[r.URL.Path] += time.Since(start) + 1
			})
			var all sync.WaitGroup
			results := make([]loadtest.Result, spec.Workers)
			for i := range results {
				worker := s
				worker.Worker, worker.Workers, worker.Start = int64(i), int64(spec.Workers), start.Add(time.Minute)
				all.Go(func() { results[i] = worker.Run(t.Context(), spec) })
			}
			all.Wait()
			schedule, want := loadtest.Main(spec), map[string]time.Duration{}
			for n := range schedule.Total() {
				want["/"+strconv.FormatInt(n, 10)] = time.Minute + schedule.Due(n) + 1
			}
			if diff := cmp.Diff(want, came); diff != "" {
				t.Fatalf("seed %d, %d/s by %d: %s", seed, spec.RatePerSecond, spec.Workers, diff)
			}
			if c := loadtest.Merge(results).Judged(spec); c.Sent != schedule.Total() || c.Errors+c.Late > 0 {
				t.Errorf("seed %d: %+v", seed, c)
			}
		})
	}
}

// A server that stalls for a second keeps a hundred requests waiting, of which
// each waited for what was left of that second. Who counts from when they got
// through sees one slow request and 299 fast ones.
func TestAStallIsNotHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var came since
		s := service(t, func(http.ResponseWriter, *http.Request) {
			if n := came.note(); n >= time.Second && n < 1009*time.Millisecond {
				time.Sleep(time.Second)
			}
		})
		s.open = 1 // so that the stall keeps the sender from sending
		spec := steady(100, 3)
		spec.Limits.P50Milliseconds, spec.Limits.P90Milliseconds = 1, 600
		l := s.load(spec, loadtest.Main(spec), loadtest.Windows(spec))
		l.run(t.Context())
		var waited []time.Duration
		for n := range 300 {
			waited = append(waited, max(0, min(time.Second-time.Duration(n-100)*10*time.Millisecond, time.Second)))
			if n < 100 {
				waited[n] = 0
			}
		}
		slices.Sort(waited)
		for _, p := range loadtest.Percentiles {
			exact := waited[(300*p+999)/1000-1]
			if got := l.latency.Quantile(p); got < exact || got > exact+exact/32+2*time.Microsecond {
				t.Errorf("%d ‰ is %s, and not %s", p, got, exact)
			}
		}
		c := l.counts[0]
		if c.Sent != 300 || c.Over[0] != 100 || c.Over[1] != 40 || c.Late != 0 {
			t.Errorf("%+v", c)
		}
	})
	synctest.Test(t, func(t *testing.T) { // what vegeta itself would say of the same
		var came since
		s := service(t, func(http.ResponseWriter, *http.Request) {
			if n := came.note(); n >= time.Second && n < 1009*time.Millisecond {
				time.Sleep(time.Second)
			}
		})
		client := &http.Client{Transport: s.transport()}
		slowed := 0
		for result := range vegeta.NewAttacker(vegeta.Client(client), vegeta.Workers(1), vegeta.MaxWorkers(1)).
			Attack(vegeta.NewStaticTargeter(vegeta.Target{Method: "GET", URL: s.URL}), vegeta.Rate{Freq: 100, Per: time.Second}, 3*time.Second, "") {
			if result.Latency > 500*time.Millisecond {
				slowed++
			}
		}
		client.CloseIdleConnections()
		if slowed != 1 {
			t.Errorf("vegeta sees %d slow requests", slowed)
		}
	})
}

// What the service keeps from being sent counts against it; the sender is not
// to blame.
func TestAServiceThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s.open = 20
		spec := steady(10, 10)
		r := s.Run(t.Context(), spec)
		c := r.Judged(spec)
		if c.Sent != 100 || c.Errors != 100 || c.Late != 0 || r.Classes[kindTimeout] < 40 || r.Classes[kindTimeout]+r.Classes[kindUnsent] != 100 {
			t.Errorf("%+v %v", c, r.Classes)
		}
		if p50 := r.Latency.Quantile(500); p50 < 5*time.Second {
			t.Errorf("half took %s", p50)
		}
	})
}

// A sender that gets no time to send is to blame itself.
func TestASenderThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t, func(http.ResponseWriter, *http.Request) {})
		spec := steady(100, 4)
		l := s.load(spec, loadtest.Main(spec), loadtest.Windows(spec))
		l.pacer = dozing{l}
		l.run(t.Context())
		if c := l.counts[0]; c.Sent != 400 || c.Late < 85 || c.Late > 95 || c.Errors != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// The search for the peak ends at the first rate that breaks the limits.
func TestThePeakIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := make(chan struct{}, 1) // of a hundred in a second
		s := service(t, func(http.ResponseWriter, *http.Request) {
			line <- struct{}{}
			time.Sleep(10 * time.Millisecond)
			<-line
		})
		spec := steady(10, 1)
		spec.Limits = v1alpha1.LoadLimits{P95Milliseconds: 100}
		spec.Peak = &v1alpha1.LoadPeak{FromRatePerSecond: 20, ToRatePerSecond: 200, StepSeconds: 5}
		r := s.Run(t.Context(), spec)
		if rates := loadtest.Steps(spec); len(r.Steps) != 6 || rates[4] != 100 || rates[5] != 120 {
			t.Errorf("%d steps of %v", len(r.Steps), rates)
		}
		if got := loadtest.Record(spec, r, "v1").PeakRatePerSecond; got != 100 {
			t.Errorf("the peak is %d", got)
		}
	})
}

// One that is stopped says so, and counts what it did not send to nobody.
func TestATestThatIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t, func(http.ResponseWriter, *http.Request) {})
		spec := steady(10, 60)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := s.Run(ctx, spec)
		if c := r.Judged(spec); !r.Cut || c.Errors < 400 || c.Late < 400 {
			t.Errorf("%+v, cut %t", c, r.Cut)
		}
		if time.Until(time.UnixMilli(r.End)) > 0 {
			t.Error("it ended in the future")
		}
	})
}

// Percentiles over a real network are never below what the server takes; how
// much the machine adds is not for a test to say.
func TestKnownLatencies(t *testing.T) {
	s := realService(t, func(_ http.ResponseWriter, r *http.Request) {
		if n := r.URL.Query().Get("n"); n[len(n)-1] == '7' { // one in ten
			time.Sleep(200 * time.Millisecond)
			return
		}
		time.Sleep(20 * time.Millisecond)
	})
	spec := steady(100, 3)
	spec.Requests[0].Path = "/?n=${sequence}"
	r := s.Run(t.Context(), spec)
	for p, want := range map[int]time.Duration{500: 20 * time.Millisecond, 950: 200 * time.Millisecond, 990: 200 * time.Millisecond} {
		if got := r.Latency.Quantile(p); got < want {
			t.Errorf("%d ‰ is %s, below %s", p, got, want)
		}
	}
	if r.CPU <= 0 || r.Judged(spec).Errors != 0 {
		t.Errorf("%+v", r)
	}
}

package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestBothSidesAreSentTheSameMarkedRequests(t *testing.T) {
	canary, toCanary := serve(t, nil)
	stable, toStable := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	spec := v1alpha1.BackgroundLoad{RatePerSecond: 20, TimeoutSeconds: 5, Requests: []v1alpha1.LoadRequest{
		{Path: "/v1/signals?limit=1", Weight: 3, Headers: []v1alpha1.HTTPHeader{{Name: "Accept", Value: "application/json"}}},
		{Path: "/v1/orders", Method: http.MethodPost, Body: "{}", Weight: 1},
	}}
	l := Load{Clock: &hasty{now: noon}, Canary: canary.URL, Stable: stable.URL, Host: "app.prod.svc", Release: "v2-prod-20300101_120000", Lasts: 10 * time.Second}
	got := l.Run(t.Context(), spec)

	for side, g := range map[string]*inbox{"canary": toCanary, "stable": toStable} {
		if diff := cmp.Diff(map[string]int{"GET /v1/signals?limit=1 ": 150, "POST /v1/orders {}": 50}, g.requests); diff != "" {
			t.Errorf("%s was sent (-want +got):\n%s", side, diff)
		}
		if diff := cmp.Diff(map[string]int{"app.prod.svc v2-prod-20300101_120000 signal-operator-load": 200}, g.marks); diff != "" {
			t.Errorf("%s saw marks (-want +got):\n%s", side, diff)
		}
	}
	want := verdict.With(verdict.Pass(v1alpha1.SignalLoad, ReasonSent,
		"Synthetic requests were sent (to the candidate: 200 sent, 200 answered 2xx; to the stable release: 200 sent, 150 answered 2xx, 50 answered 5xx), until its time was up"),
		verdict.Evidence{
			Value: "200 sent, 200 answered 2xx", Baseline: "200 sent, 150 answered 2xx, 50 answered 5xx",
			Query: "20 synthetic requests per second to each side", Window: "10s", Samples: 400,
		})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBesideAFirstReleaseThereIsNoStableSide(t *testing.T) {
	canary, to := serve(t, nil)
	v := Load{Clock: &hasty{now: noon}, Canary: canary.URL, Lasts: 3 * time.Second}.Run(t.Context(), get(7))
	if _, total := to.all(); total != 21 || v.Evidence.Baseline != "" || strings.Contains(v.Message, "stable") {
		t.Errorf("%d requests, %+v", total, v)
	}
}

// The user's own Host goes out; a mark of theirs does not, wherever it came from.
func TestHeaders(t *testing.T) {
	canary, to := serve(t, nil)
	spec := get(1)
	spec.Requests[0].Headers = []v1alpha1.HTTPHeader{
		{Name: "host", Value: "signals.example"}, {Name: "x-signal-synthetic", Value: "no"}, {Name: "User-Agent", Value: "me"}, {Name: "X-Tenant", Value: "a"},
	}
	Load{Clock: &hasty{now: noon}, Canary: canary.URL, Host: "app.prod.svc", Release: "v2", Lasts: time.Second}.Run(t.Context(), spec)
	if diff := cmp.Diff(map[string]int{"signals.example v2 signal-operator-load": 1}, to.marks); diff != "" || to.headers[0].Get("X-Tenant") != "a" {
		t.Error(diff, to.headers)
	}
}

func TestItEnds(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	looks := 0
	for name, tc := range map[string]struct {
		ctx  context.Context //nolint:containedctx // part of the case
		over func() bool
		want string // why
		sent int
	}{
		"when its time is up":      {t.Context(), func() bool { return false }, "its time was up", 100},
		"when the release is over": {t.Context(), func() bool { looks++; return looks == 4 }, "the release was over", 40},
		"when it is stopped":       {stopped, func() bool { return false }, "it was stopped", 0},
	} {
		t.Run(name, func(t *testing.T) {
			canary, to := serve(t, nil)
			v := Load{Clock: &hasty{now: noon}, Canary: canary.URL, Lasts: 10 * time.Second, Over: tc.over}.Run(tc.ctx, get(10))
			if _, total := to.all(); total != tc.sent || !strings.HasSuffix(v.Message, ", until "+tc.want) {
				t.Errorf("%d requests, not %d: %s", total, tc.sent, v.Message)
			}
		})
	}
}

// A Service that selects nothing refuses.
func TestItEndsWhenTheCanaryServiceHasGone(t *testing.T) {
	var to atomic.Int32
	var canary *httptest.Server
	closed := make(chan struct{})
	canary = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if to.Add(1) == 30 {
			go func() { canary.Close(); close(closed) }()
		}
	}))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.77:0") // where no other test takes the port over
	if err != nil {
		t.Fatal(err)
	}
	_ = canary.Listener.Close()
	canary.Listener = listener
	canary.Start()
	stable, _ := serve(t, nil)
	clock := &hasty{now: noon, pause: 200 * time.Microsecond}
	v := Load{Clock: clock, Canary: canary.URL, Stable: stable.URL, Lasts: time.Hour}.Run(t.Context(), get(20))
	<-closed
	if !strings.HasSuffix(v.Message, "until the canary Service took no more connections") || clock.Since(noon) >= time.Hour || v.Outcome != verdict.Passed {
		t.Errorf("after %s: %+v", clock.Since(noon), v)
	}
}

func TestACanaryThatIsNeverReached(t *testing.T) {
	clock := &hasty{now: noon, pause: 100 * time.Microsecond}
	v := Load{Clock: clock, Canary: "http://127.0.0.1:1", Lasts: time.Hour}.Run(t.Context(), get(20)) // nobody listens there
	if v.Outcome != verdict.Unknown || v.Reason != ReasonUnanswered || !strings.Contains(v.Message, "0 sent") {
		t.Errorf("%+v", v)
	}
	if lasted := clock.Since(noon); lasted < 30*time.Second || lasted > 10*time.Minute {
		t.Errorf("it ended after %s", lasted)
	}
}

// A canary that hangs is there: it is judged, not left.
func TestACanaryThatHangsHasNotGone(t *testing.T) {
	canary, to := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	spec := get(10)
	spec.TimeoutSeconds = 4 // long enough for a busy machine to connect all
	v := Load{Clock: &hasty{now: noon}, Canary: canary.URL, Lasts: 20 * time.Second}.Run(t.Context(), spec)
	if _, total := to.all(); total != 200 || !strings.Contains(v.Message, "200 sent, 200 not answered") || v.Reason != ReasonUnanswered {
		t.Errorf("%d requests, %+v", total, v)
	}
}

func TestWhatCannotBeSentInTimeIsLeftOutAndTold(t *testing.T) {
	t.Run("too many unanswered", func(t *testing.T) {
		var pending sync.WaitGroup
		pending.Add(maxOpen)
		canary, to := serve(t, func(http.ResponseWriter, *http.Request) { pending.Done(); pending.Wait() })
		v := Load{Clock: &hasty{now: noon}, Canary: canary.URL, Lasts: 2 * time.Second}.Run(t.Context(), get(500))
		if _, total := to.all(); total != maxOpen || v.Reason != ReasonBehind || v.Outcome != verdict.Unknown ||
			v.Evidence.Value != fmt.Sprintf("%d sent, %d answered 2xx, %d left out", maxOpen, maxOpen, 1000-maxOpen) {
			t.Errorf("%d requests, %+v", total, v)
		}
	})
	t.Run("a clock that jumped", func(t *testing.T) {
		canary, to := serve(t, nil)
		clock := &hasty{now: noon, longer: map[int]time.Duration{9: 5 * time.Second}} // at the first second
		v := Load{Clock: clock, Canary: canary.URL, Lasts: 20 * time.Second}.Run(t.Context(), get(10))
		// Due from 1.0 s to 4.9 s, it is more than a second late: 40 of 200.
		if _, total := to.all(); total != 160 || v.Evidence.Value != "160 sent, 160 answered 2xx, 40 left out" {
			t.Errorf("%d requests, %s", total, v.Evidence.Value)
		}
	})
}

// Whatever a service does, each request that was due is accounted for once.
func TestNothingGetsLost(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		rate, seconds := 1+random.Int32N(60), 1+random.IntN(4)
		misbehave := func(w http.ResponseWriter, r *http.Request) {
			switch n := len(r.Header.Get("X-Signal-Synthetic")) + int(time.Now().UnixNano()%5); n {
			case 0:
				w.WriteHeader(http.StatusTeapot)
			case 1:
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
			case 2:
				panic(http.ErrAbortHandler)
			case 3:
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
		canary, toCanary := serve(t, misbehave)
		stable, toStable := serve(t, misbehave)
		l := Load{Clock: &hasty{now: noon}, Canary: canary.URL, Stable: stable.URL, Lasts: time.Duration(seconds) * time.Second}
		v := l.Run(t.Context(), get(rate))
		_, first := toCanary.all()
		_, second := toStable.all()
		due := int(rate) * seconds
		if first != due || second != due || int(v.Evidence.Samples) != 2*due {
			t.Errorf("seed %d: of %d that were due, %d and %d came: %+v", seed, due, first, second, v.Evidence)
		}
	}
}

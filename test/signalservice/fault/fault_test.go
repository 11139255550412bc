package fault

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestErrorsAreSpreadEvenly(t *testing.T) {
	for rate, want := range map[float64]int{0: 0, 0.01: 10, 0.25: 250, 0.5: 500, 1: 1000} {
		failed := 0
		for n := range int64(1000) {
			if fails(n+1, rate) {
				failed++
			}
		}
		if failed != want {
			t.Errorf("rate %v: %d of 1000 fail, want %d", rate, failed, want)
		}
	}
}

func TestStrike(t *testing.T) {
	const latency = 30
	for name, tc := range map[string]struct {
		now   Switches
		after time.Duration
		fails bool
		least time.Duration
	}{
		"nothing":  {Switches{}, 0, false, 0},
		"all fail": {Switches{ErrorRate: 1}, 0, true, 0},
		"late":     {Switches{LatencyMilliseconds: latency}, 0, false, latency * time.Millisecond},
		"not yet":  {Switches{ErrorRate: 1, LatencyMilliseconds: longest}, time.Hour, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := New(tc.now, tc.after, nil)
			start := time.Now()
			got := f.Strike()
			if took := time.Since(start); got != tc.fails || took < tc.least || took > time.Minute/2 {
				t.Errorf("fails: %t, after %s", got, took)
			}
		})
	}
}

func TestSwitches(t *testing.T) {
	for name, tc := range map[string]struct {
		body    string
		code    int
		now     Switches
		crashes bool
	}{
		"latency":            {`{"latencyMilliseconds":5}`, 200, Switches{LatencyMilliseconds: 5}, false},
		"errors":             {`{"errorRate":0.5}`, 200, Switches{ErrorRate: 0.5}, false},
		"a dependency":       {`{"dependency":{"postgres":"down","redis":"up"}}`, 200, Switches{Dependency: map[string]string{Postgres: "down", Redis: "up"}}, false},
		"as good as new":     {`{}`, 200, Switches{}, false},
		"a crash":            {`{"crash":true}`, 200, Switches{Crash: true}, true},
		"no JSON":            {`{`, 400, Switches{ErrorRate: 1}, false},
		"too long":           {`{"latencyMilliseconds":60001}`, 400, Switches{ErrorRate: 1}, false},
		"a share above 1":    {`{"errorRate":2}`, 400, Switches{ErrorRate: 1}, false},
		"unknown dependency": {`{"dependency":{"mail":"down"}}`, 400, Switches{ErrorRate: 1}, false},
		"unknown state":      {`{"dependency":{"redis":"slow"}}`, 400, Switches{ErrorRate: 1}, false},
		"unknown switch":     {`{"speed":1}`, 400, Switches{ErrorRate: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			crashed := false
			f := New(Switches{ErrorRate: 1}, 0, func() { crashed = true })
			w := httptest.NewRecorder()
			f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/faults", strings.NewReader(tc.body)))
			if diff := cmp.Diff(tc.now, f.Now()); w.Code != tc.code || crashed != tc.crashes || diff != "" {
				t.Errorf("%d, crashed: %t, %s", w.Code, crashed, diff)
			}
			if f.Down(Postgres) != (tc.now.Dependency[Postgres] == down) || f.Down(Redis) {
				t.Errorf("postgres down: %t, redis down: %t", f.Down(Postgres), f.Down(Redis))
			}
		})
	}
}

package flaw

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		list string
		want Set
	}{
		"none":      {"", Set{}},
		"one":       {"trace", Set{Trace: true}},
		"some":      {"trace, debug,", Set{Trace: true, Debug: true}},
		"one twice": {"trace,trace", Set{Trace: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tc.list)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// The rate is what may come in one second; the one after it is too much.
func TestCrashUnderLoad(t *testing.T) {
	const rate = 5
	for name, tc := range map[string]struct {
		path     string
		requests int
		crashes  bool
	}{
		"as many as may come": {"/v1/signals", rate, false},
		"one too many":        {"/v1/signals", 3 * rate, true},
		"probes do not count": {"/readyz", 3 * rate, false},
	} {
		t.Run(name, func(t *testing.T) {
			crashed := false
			handler := crashing(rate, func() { crashed = true })(http.NotFoundHandler())
			for time.Now().Nanosecond() > int(500*time.Millisecond) { // all in one second
				time.Sleep(time.Millisecond)
			}
			for range tc.requests {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.path, nil))
			}
			if crashed != tc.crashes {
				t.Errorf("crashed: %t", crashed)
			}
		})
	}
}

package load

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Every third answer is good, every third an error of the service, every
// third the proxy's own.
func mixed() http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 3 {
		case 0:
			w.WriteHeader(http.StatusBadGateway)
		case 1:
			w.Header().Set(VersionHeader, "v1")
		case 2:
			w.Header().Set(VersionHeader, "v2")
			w.WriteHeader(http.StatusInternalServerError)
		}
		if r.Host != "app.example" {
			w.Header().Set(VersionHeader, "wrong host "+r.Host)
		}
	})
}

func TestEveryRequestIsAccountedFor(t *testing.T) {
	server := httptest.NewServer(mixed())
	defer server.Close()
	l, err := Start(t.Context(), Options{URL: server.URL, Host: "app.example", Rate: 3000, Limit: 300})
	if err != nil {
		t.Fatal(err)
	}
	for l.Snapshot().Sent < 300 {
		time.Sleep(time.Millisecond)
	}
	r := l.Stop()
	if r.Sent != 300 || r.Lost != 100 || r.Errors != 100 || r.Versions["v1"] != 100 || r.Versions["v2"] != 100 || r.ErrorsOf("v2") != 100 || r.ErrorsOf("v1") != 0 {
		t.Errorf("%+v", r)
	}
	if r.Codes[502] != 100 || r.Codes[500] != 100 || r.Codes[200] != 100 || len(r.Problems) != 1 {
		t.Errorf("codes %v, problems %v", r.Codes, r.Problems)
	}
	if r.FirstBad.IsZero() || r.LastBad.Before(r.FirstBad) || r.Max < r.P99 || r.P99 < r.P50 || r.P50 == 0 {
		t.Errorf("first %s last %s p50 %s p99 %s max %s", r.FirstBad, r.LastBad, r.P50, r.P99, r.Max)
	}
}

func TestNoAnswerIsLost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(VersionHeader, "v1")
		w.Header().Set("Content-Length", "100") // and then nothing: the answer breaks off
		w.WriteHeader(http.StatusOK)
	}))
	defer server.Close()
	l, err := Start(t.Context(), Options{URL: server.URL, Rate: 1000, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	for l.Snapshot().Sent < 5 {
		time.Sleep(time.Millisecond)
	}
	if r := l.Stop(); r.Lost != 5 {
		t.Errorf("lost %d of %d", r.Lost, r.Sent)
	}
}

func TestShare(t *testing.T) {
	start := time.Unix(1000, 0)
	r := summarize([]Answer{
		{Start: start, Version: "v1"},
		{Start: start.Add(time.Second), Version: "v2"},
		{Start: start.Add(time.Second), Version: "v1"},
		{Start: start.Add(2 * time.Second), Version: "v2"},
		{Start: start.Add(time.Second)},
	}, 5)
	if got := r.Share("v2", start.Add(time.Second), start.Add(2*time.Second)); got != 0.5 {
		t.Errorf("share %v", got)
	}
	if got := r.Share("v2", start.Add(time.Hour), start.Add(2*time.Hour)); got != 0 {
		t.Errorf("share of nothing %v", got)
	}
}

func TestLast(t *testing.T) {
	start := time.Unix(1000, 0)
	r := summarize([]Answer{
		{Start: start, Took: 3 * time.Second, Code: 200, Version: "v1"}, // sent first, answered last
		{Start: start.Add(time.Second), Took: time.Second, Code: 200, Version: "v1"},
		{Start: start.Add(5 * time.Second), Took: time.Second, Code: 200, Version: "v2"},
	}, 3)
	if got := r.Last("v1"); !got.Equal(start.Add(3 * time.Second)) {
		t.Errorf("the last answer of v1 came at %s", got)
	}
	if got := r.Last("v3"); !got.IsZero() {
		t.Errorf("there was no answer of v3, and its last came at %s", got)
	}
}

func TestBetween(t *testing.T) {
	start := time.Unix(1000, 0)
	r := summarize([]Answer{
		{Start: start, Version: "v1", Code: 200},
		{Start: start.Add(time.Second), Version: "v1", Code: 200},
		{Start: start.Add(1500 * time.Millisecond), Version: "v2", Code: 500},
		{Start: start.Add(1700 * time.Millisecond), Err: "refused"},
		{Start: start.Add(2 * time.Second), Version: "v2", Code: 200},
	}, 5)
	got := r.Between(start.Add(time.Second), start.Add(2*time.Second))
	want := Result{
		Sent: 3, Lost: 1, Errors: 1, Codes: map[int]int{200: 1, 500: 1, 0: 1}, Versions: map[string]int{"v1": 1, "v2": 1},
		FirstBad: start.Add(1500 * time.Millisecond), LastBad: start.Add(1500 * time.Millisecond), Problems: []string{"refused"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Result{})); diff != "" {
		t.Error(diff)
	}
}

func TestTimeline(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) Answer {
		return Answer{Start: start.Add(time.Duration(ms) * time.Millisecond), Version: "v1"}
	}
	got := summarize([]Answer{at(3000), at(300), at(999), at(1000)}, 4).Timeline() // answers come in any order
	var sent []int
	for i, second := range got {
		if want := start.Add(time.Duration(i) * time.Second); !second.Start.Equal(want) {
			t.Errorf("second %d starts at %s, want %s", i, second.Start, want)
		}
		sent = append(sent, second.Sent)
	}
	if diff := cmp.Diff([]int{2, 1, 0, 1}, sent); diff != "" {
		t.Error(diff)
	}
	if none := (Result{}).Timeline(); none != nil {
		t.Errorf("of nothing: %v", none)
	}
}

func TestOnlyThisMachine(t *testing.T) {
	for url, ok := range map[string]bool{
		"http://127.0.0.1:1/": true, "http://[::1]:1/": true, "http://198.19.0.80": true, "http://198.18.0.1": true,
		"http://10.0.0.1": false, "http://192.168.1.1": false, "http://198.20.0.1": false, "http://example.com": false, "::": false,
	} {
		if err := local(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

package prometheus

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// eight are queries that are answered well.
var eight = []string{"tick", "one", "two", "inf", "nan", "nothing", "time()", "requests_total"}

func isJoined(query string) bool { return strings.Contains(query, tag) }

// Whatever a server says to a joined query, each is answered as if alone; and
// whoever is to blame does so once.
func TestWhateverAJoinedQueryIsAnswered(t *testing.T) {
	const bad = "rate(tick[30s]) + 1"
	fails := func(h http.HandlerFunc) func(string) http.HandlerFunc {
		return func(query string) http.HandlerFunc {
			if strings.Contains(query, bad) {
				return h
			}
			return nil
		}
	}
	joins := func(h http.HandlerFunc) func(string) http.HandlerFunc {
		return func(query string) http.HandlerFunc {
			if isJoined(query) {
				return h
			}
			return nil
		}
	}
	all := func(h http.HandlerFunc) func(string) http.HandlerFunc {
		return func(string) http.HandlerFunc { return h }
	}
	for name, tc := range map[string]struct {
		answers       func(query string) http.HandlerFunc // nil for what is answered well
		first, second int                                 // requests, the first time and the second
	}{
		"all is well":                  {func(string) http.HandlerFunc { return nil }, 1, 1},
		"one is refused":               {fails(problem(422, "execution", "found duplicate series")), 1 + 2 + 2 + 2, 2},
		"one is not parsed":            {fails(problem(400, "bad_data", "unknown function")), 1 + 2 + 2 + 2, 2},
		"one takes too long":           {fails(silence), 1 + 9, 2},
		"one breaks the server":        {fails(answer(500, "panic")), 1 + 9, 2},
		"one answers with too much":    {fails(flood), 1 + 9, 2},
		"joined ones break the server": {joins(answer(500, "panic")), 1 + 9, 2 + 9},
		"joined ones are refused":      {joins(problem(400, "bad_data", "too many tokens")), 8 + 9, 9},
		"a proxy refuses joined ones":  {joins(answer(413, "")), 1 + 9, 2 + 9},
		"joined ones lose their tags":  {joins(result("vector", `[{"metric":{},"value":[1893499200,"1"]}]`)), 1 + 9, 2 + 9},
		"tags of no part":              {joins(result("vector", `[{"metric":{"signal_operator_part":"9"},"value":[1893499200,"1"]}]`)), 1 + 9, 2 + 9},
		"joined ones are a scalar":     {joins(result("scalar", `[1893499200,"1"]`)), 1 + 9, 2 + 9},
		"joined ones have no result":   {joins(answer(200, `{"status":"success"}`)), 1 + 9, 2 + 9},
		"the server is down":           {all(problem(503, "timeout", "query timed out")), 1 + 9, 1 + 9},
		"the server is silent":         {all(silence), 1 + 9, 1 + 9},
		"it is another server":         {all(answer(404, "404 page not found")), 1 + 9, 1 + 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSharers(t, BatchOptions{}, time.Second)
			s.server.intercept(func(w http.ResponseWriter, r *http.Request, query string) bool {
				h := tc.answers(query)
				if h != nil {
					h(w, r)
				}
				return h != nil
			})
			queries := append(slices.Clone(eight), bad)
			for _, want := range []int{tc.first, tc.second} {
				got := s.ask(queries...)
				if asked := s.server.queries(); len(asked) != want {
					t.Errorf("%d requests, not %d", len(asked), want)
				}
				s.asAlone(queries, got)
			}
		})
	}
}

// A server that cannot be reached is not asked again for each part.
func TestNobodyIsThere(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	s.server.intercept(func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			err = c.Close()
		}
		if err != nil {
			t.Error(err)
		}
		return true
	})
	got := s.ask(eight...)
	if asked := s.server.queries(); len(asked) != 1 {
		t.Errorf("asked %d times", len(asked))
	}
	for _, g := range got {
		if !strings.HasPrefix(g.Err, "cannot be reached: ") {
			t.Error(g.Err)
		}
	}
}

// What was to blame is tried again after a while, if it is answered well by
// then, and after twice that if it fails again. The window in a query grows,
// and it is still the same.
func TestTriedAgain(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	broken := true
	s.server.intercept(func(w http.ResponseWriter, r *http.Request, query string) bool {
		if broken && strings.Contains(query, "bad") {
			problem(422, "execution", "too many samples")(w, r)
			return true
		}
		return false
	})
	window := 0
	alone := func() bool {
		window++
		s.ask("tick", "one", fmt.Sprintf("rate(bad[%ds])", 59+window))
		return len(s.server.queries()) == 2
	}
	s.ask("tick", "one", "rate(bad[59s])")
	s.server.queries()
	for _, step := range []struct {
		after        time.Duration
		broken, want bool
	}{
		{0, true, true}, {2 * time.Minute, true, true}, // it still fails
		{0, false, true}, {0, false, false}, // it is well, and its minute is over
	} {
		s.clock.Step(step.after)
		if broken = step.broken; alone() != step.want {
			t.Errorf("after %s, broken %t: asked alone %t", step.after, step.broken, !step.want)
		}
	}
	broken = true
	alone()
	broken = false
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {90 * time.Second, true}, {time.Minute, false}} {
		s.clock.Step(step.after)
		if alone() != step.want {
			t.Errorf("the second time, after %s: asked alone %t", step.after, !step.want)
		}
	}
}

// As many parts as the server answers briskly, and more again once it does.
func TestWidth(t *testing.T) {
	w := &width{most: 64, now: 64}
	for i, step := range []struct {
		parts int
		took  time.Duration
		want  int
	}{
		{64, time.Second, 32},
		{32, time.Second, 16},
		{16, 300 * time.Millisecond, 16},
		{10, 10 * time.Millisecond, 16},
		{16, 10 * time.Millisecond, 32},
		{32, 10 * time.Millisecond, 64},
		{64, 10 * time.Millisecond, 64},
		{3, time.Second, 2},
		{2, time.Hour, 2},
	} {
		if w.took(step.parts, step.took); w.parts() != step.want {
			t.Errorf("step %d: %d parts, not %d", i, w.parts(), step.want)
		}
	}
	if w.tooMany(2); w.parts() != 2 {
		t.Errorf("%d parts", w.parts())
	}
}

// However many queries fail, few are remembered.
func TestLonersAreBounded(t *testing.T) {
	l := newLoners()
	for i := range 2 * maxLoners {
		l.add(fmt.Sprint("metric_", i), false, noon)
	}
	if len(l.all) > maxLoners || !l.has(fmt.Sprint("metric_", 2*maxLoners-1), noon) {
		t.Errorf("%d are remembered", len(l.all))
	}
	l.add("old", false, noon.Add(-3*time.Hour))
	for i := range maxLoners {
		l.add(fmt.Sprint("other_", i), false, noon)
	}
	if l.has("old", noon) || len(l.all) > maxLoners {
		t.Errorf("%d are remembered", len(l.all))
	}
}

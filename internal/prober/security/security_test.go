package security

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/weak"
)

// hasty is a clock that goes by itself: whoever waits for it need not.
type hasty struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hasty) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hasty) Since(t time.Time) time.Duration { return h.Now().Sub(t) }

func (h *hasty) After(d time.Duration) <-chan time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
	done := make(chan time.Time, 1)
	done <- h.now
	return done
}

// nowhere takes no connection.
const nowhere = "127.0.0.1:1"

func security(candidate, stable string) Security {
	return Security{
		Clock: &hasty{now: time.Now()}, Canary: Side{Address: candidate}, Stable: Side{Address: stable}, Host: "signals.prod.svc", Release: "v2-prod",
		Users: catalogue.Users{A: weak.UserA, B: weak.UserB}, PodIP: "127.0.0.1", Holding: 4 * time.Second,
	}
}

// quick leaves out what waits for the service.
func quick(s *v1alpha1.SecuritySpec) { s.Disable = []int32{56} }

func absolute(s *v1alpha1.SecuritySpec) { quick(s); s.Compare = v1alpha1.CompareAbsolute }

// last is the verdict that decides, with the names of those before it.
func last(all []verdict.Verdict) (verdict.Verdict, []string) {
	var names []string
	for _, v := range all[:len(all)-1] {
		names = append(names, v.Name)
	}
	return all[len(all)-1], names
}

// both is two weaknesses at once.
func both(a, b string) weak.Flaw {
	all := weak.Flaws()
	return weak.Flaw{Wrap: func(next http.Handler) http.Handler { return all[a].Wrap(all[b].Wrap(next)) }}
}

func TestWhatCountsAgainstACandidate(t *testing.T) {
	flaws, none := weak.Flaws(), weak.Flaw{}
	serve := func(flaw weak.Flaw) func(*testing.T) string {
		return func(t *testing.T) string { t.Helper(); return weak.Serve(t, flaw) }
	}
	away := func(*testing.T) string { return "" }
	silent := func(*testing.T) string { return nowhere }
	for name, tc := range map[string]struct {
		candidate, stable func(*testing.T) string
		change            func(*v1alpha1.SecuritySpec)
		outcome           v1alpha1.Outcome
		reason            string
		names             []string
		says              []string
	}{
		"nothing":                     {serve(none), serve(none), quick, verdict.Passed, ReasonHeld, nil, []string{"55 security checks found nothing, 2 do not apply"}},
		"nothing, of a first release": {serve(none), away, quick, verdict.Passed, ReasonHeld, nil, []string{"55 security checks found nothing"}},
		"what the stable release does not have": {
			serve(flaws["11 everyone"]), serve(none), quick, verdict.Failed, ReasonFound,
			[]string{"security-11"},
			[]string{"found what the stable release does not have: 11 (everyone is let in): / lets everyone in, /v1/signals lets everyone in; name the origins"},
		},
		"what the stable release has as well":      {serve(flaws["11 everyone"]), serve(flaws["11 everyone"]), quick, verdict.Passed, ReasonHeld, nil, []string{"what 11 found the stable release has as well"}},
		"the same, held against nothing":           {serve(flaws["11 everyone"]), serve(flaws["11 everyone"]), absolute, verdict.Failed, ReasonFound, []string{"security-11"}, []string{"found what must not be: 11"}},
		"more than the stable release has":         {serve(both("32 repository", "32 settings")), serve(flaws["32 repository"]), quick, verdict.Failed, ReasonFound, []string{"security-32"}, []string{"32 (files of developers can be read): /.env can be read; leave"}},
		"less than the stable release has":         {serve(flaws["32 repository"]), serve(both("32 repository", "32 settings")), quick, verdict.Passed, ReasonHeld, nil, []string{"what 32 found the stable release has as well"}},
		"other than the stable release has":        {serve(flaws["32 settings"]), serve(flaws["32 repository"]), quick, verdict.Failed, ReasonFound, []string{"security-32"}, []string{"/.env can be read"}},
		"two things":                               {serve(both("11 everyone", "32 settings")), serve(none), quick, verdict.Failed, ReasonFound, []string{"security-11", "security-32"}, []string{"11 (everyone", "; 32 (files", "In all 11, 32"}},
		"something, of a first release":            {serve(flaws["16 none"]), away, quick, verdict.Failed, ReasonFound, []string{"security-16"}, []string{"there is no stable release to compare with"}},
		"something, but the stable one is silent":  {serve(flaws["16 none"]), silent, quick, verdict.Unknown, ReasonNoAnswer, nil, []string{"The stable release cannot be checked: no connection was accepted"}},
		"nothing, and the stable one is not asked": {serve(none), silent, quick, verdict.Passed, ReasonHeld, nil, nil},
		"a silent candidate":                       {silent, serve(none), quick, verdict.Unknown, ReasonNoAnswer, nil, []string{"The candidate cannot be checked: no connection was accepted"}},
		"something that is disabled":               {serve(flaws["16 none"]), away, func(s *v1alpha1.SecuritySpec) { s.Disable = []int32{16, 56} }, verdict.Passed, ReasonHeld, nil, []string{"54 security checks"}},
		"something that is public":                 {serve(flaws["34 metrics"]), away, func(s *v1alpha1.SecuritySpec) { quick(s); s.PublicPaths = []v1alpha1.ProbedPath{"/metrics"} }, verdict.Passed, ReasonHeld, nil, nil},
		"everyone may come":                        {serve(flaws["11 everyone"]), away, func(s *v1alpha1.SecuritySpec) { quick(s); s.AllowedOrigins = []v1alpha1.AllowedOrigin{"*"} }, verdict.Passed, ReasonHeld, nil, nil},
		"a page that redirects":                    {serve(flaws["55 redirects"]), away, func(s *v1alpha1.SecuritySpec) { quick(s); s.BrowserPaths = []v1alpha1.ProbedPath{"/v1/signals"} }, verdict.Passed, ReasonHeld, nil, nil},
		"a call to the Job":                        {serve(flaws["39 fetches"]), serve(none), quick, verdict.Failed, ReasonFound, []string{"security-39"}, []string{"/v1/signals called an address that was given to it"}},
		"no check is left": {serve(none), away, func(s *v1alpha1.SecuritySpec) {
			for id := int32(1); id <= 57; id++ {
				s.Disable = append(s.Disable, id)
			}
		}, verdict.Unknown, ReasonNoneApply, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, names := last(security(tc.candidate(t), tc.stable(t)).Run(t.Context(), weak.Spec(tc.change)))
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Kind != v1alpha1.SignalSecurity || v.Evidence == nil {
				t.Errorf("%+v", v)
			}
			if diff := cmp.Diff(tc.names, names); diff != "" {
				t.Error(diff)
			}
			for _, text := range tc.says {
				if !strings.Contains(v.Message, text) {
					t.Errorf("%q is not in %q", text, v.Message)
				}
			}
		})
	}
}

// inbox counts what arrives, and when.
type inbox struct {
	mu    sync.Mutex
	clock *hasty
	times []time.Time
	verbs map[string]int
	marks map[string]int
}

func (i *inbox) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.times = append(i.times, i.clock.Now())
		i.verbs[r.Method]++
		i.marks[r.UserAgent()+" "+r.Header.Get("X-Signal-Synthetic")]++
		i.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func watched(t *testing.T) (Security, *inbox) {
	t.Helper()
	clock := &hasty{now: time.Now()}
	in := &inbox{clock: clock, verbs: map[string]int{}, marks: map[string]int{}}
	s := security(weak.Serve(t, weak.Flaw{Wrap: in.wrap}), "")
	s.Clock = clock
	return s, in
}

// The rate is a cap: no second has more requests than are allowed, by the
// clock that the sender goes by.
func TestTheRateIsACap(t *testing.T) {
	s, in := watched(t)
	s.Run(t.Context(), weak.Spec(quick, func(spec *v1alpha1.SecuritySpec) { spec.RatePerSecond = 5 }))
	for i := 5; i < len(in.times); i++ {
		if in.times[i].Sub(in.times[i-5]) < time.Second {
			t.Fatalf("requests %d to %d came within a second", i-5, i)
		}
	}
	if len(in.times) < 200 {
		t.Errorf("%d requests", len(in.times))
	}
}

// Nothing that writes or deletes is sent, and a body to no path but those for
// it; every request says what it is.
func TestRequestsAreHarmlessAndMarked(t *testing.T) {
	s, in := watched(t)
	s.Run(t.Context(), weak.Spec(quick, func(spec *v1alpha1.SecuritySpec) { spec.WritePaths, spec.Users = nil, nil }))
	verbs := map[string]bool{}
	for verb, n := range in.verbs {
		if verb == http.MethodPost && n == 3 { // GraphQL is asked by POST
			continue
		}
		verbs[verb] = true
	}
	if diff := cmp.Diff(map[string]bool{"GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true, "SIGNALPROBE": true}, verbs); diff != "" {
		t.Error(diff, in.verbs)
	}
	for mark := range in.marks {
		if mark != "signal-operator-security v2-prod" && mark != " " { // the end of a request that was sent as the body of another
			t.Errorf("a request came as %q", mark)
		}
	}
}

// When the budget is used up, what is left cannot be told: nothing more is sent,
// and nothing passes.
func TestTheBudgetIsKept(t *testing.T) {
	for _, budget := range []int32{1, 2, 50, 200} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			s, in := watched(t)
			v, _ := last(s.Run(t.Context(), weak.Spec(quick, func(spec *v1alpha1.SecuritySpec) { spec.RequestBudget = budget })))
			if v.Outcome != verdict.Unknown || !strings.Contains(v.Message, "the requestBudget is used up") {
				t.Errorf("%+v", v)
			}
			if len(in.times) > int(budget) {
				t.Errorf("%d requests, of %d", len(in.times), budget)
			}
		})
	}
}

// What is announced is enough.
func TestTheAnnouncedBudgetIsEnough(t *testing.T) {
	spec := weak.Spec()
	spec.RequestBudget = int32(Requests(spec))
	v, _ := last(security(weak.Serve(t, weak.Flaw{}), "").Run(t.Context(), spec))
	if v.Outcome != verdict.Passed {
		t.Errorf("with %d requests: %+v", spec.RequestBudget, v)
	}
}

// No request leaves for another host, wherever answers point.
func TestNoRequestGoesWhereAnAnswerPoints(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	t.Cleanup(other.Close)
	pointing := weak.Flaw{Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<"+other.URL+">; rel=preload")
			http.Redirect(w, r, other.URL+"/somewhere", http.StatusTemporaryRedirect)
		})
	}}
	all := security(weak.Serve(t, pointing), weak.Serve(t, pointing)).Run(t.Context(), weak.Spec(quick))
	if elsewhere != 0 || len(all) == 0 {
		t.Errorf("%d requests went elsewhere", elsewhere)
	}
}

func TestAStoppedCheckDecidesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v, _ := last(security(weak.Serve(t, weak.Flaw{}), "").Run(ctx, weak.Spec()))
	if v.Outcome != verdict.Unknown || !strings.Contains(v.Message, "the time was up") {
		t.Errorf("%+v", v)
	}
}

package critical

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestWhichPathARequestIsFor(t *testing.T) {
	for name, tc := range map[string]struct {
		request, critical string
		want              bool
	}{
		"the same":                          {"/v1/orders", "/v1/orders", true},
		"the same, with a query":            {"/v1/orders?limit=1", "/v1/orders", true},
		"the root":                          {"/", "/", true},
		"another":                           {"/v1/order", "/v1/orders", false},
		"one below":                         {"/v1/orders/1", "/v1/orders", false},
		"one above":                         {"/v1", "/v1/orders", false},
		"with a slash at its end":           {"/v1/orders/", "/v1/orders", false},
		"in capitals":                       {"/V1/orders", "/v1/orders", false},
		"a pattern":                         {"/v1/orders/1", "/v1/orders/{id}", true},
		"a pattern of nothing":              {"/v1/orders/", "/v1/orders/{id}", false},
		"a pattern of two":                  {"/v1/orders/1/2", "/v1/orders/{id}", false},
		"a captured value":                  {"/v1/orders/${id}", "/v1/orders/{id}", true},
		"a part of a captured value":        {"/v1/orders/o-${id}/items", "/v1/orders/{order}/items", true},
		"a captured value could be this":    {"/v1/orders/${id}", "/v1/orders/1", false},
		"a captured value in the query":     {"/v1/orders?id=${id}", "/v1/orders", true},
		"what looks like a captured value":  {"/v1/$${id}", "/v1/${id}", true},
		"what looks like one, of a pattern": {"/v1/$${id}", "/v1/{id}", true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isFor(tc.request, tc.critical); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestWhatIsToldOfCriticalPaths(t *testing.T) {
	requests := func(paths ...string) *v1alpha1.HTTPCheck {
		check := &v1alpha1.HTTPCheck{}
		for _, p := range paths {
			check.Requests = append(check.Requests, v1alpha1.HTTPRequest{Path: p})
		}
		return check
	}
	checks := v1alpha1.ChecksSpec{
		Smoke: []v1alpha1.SmokeCheck{
			{Name: "read", HTTP: requests("/v1/signals", "/v1/signals?limit=1", "/v1/signals")},
			{Name: "write", HTTP: requests("/v1/orders", "/v1/orders/${id}", "/v1/signals")},
			{Name: "health", GRPC: &v1alpha1.GRPCCheck{}},
			{Name: "own", Job: &v1alpha1.JobCheck{}},
		},
		CriticalPaths: []v1alpha1.CriticalPath{
			{Name: "signals", Path: "/v1/signals"}, {Name: "one order", Path: "/v1/orders/{id}"}, {Name: "login", Path: "/login"},
		},
	}
	passed := verdict.Pass(v1alpha1.SignalSmoke, "CheckPassed", "good")
	failed := verdict.Fail(v1alpha1.SignalSmoke, "CheckFailed", "bad")
	running := verdict.Wait(v1alpha1.SignalSmoke, "CheckRunning", "not yet")
	signals := verdict.Evidence{Value: "GET /v1/signals, GET /v1/signals?limit=1", Threshold: "/v1/signals", Source: `check "read", "write"`}
	order := verdict.Evidence{Value: "GET /v1/orders/${id}", Threshold: "/v1/orders/{id}", Source: `check "write"`}
	uncovered := verdict.With(verdict.Named(verdict.Wait(v1alpha1.SignalSmoke, ReasonUncovered, `Critical path "login" (/login): no smoke check asks for it: add a request to one`), "login"),
		verdict.Evidence{Value: "no request", Threshold: "/login", Source: "spec.checks.smoke"})
	told := func(v verdict.Verdict, name string, e verdict.Evidence) verdict.Verdict {
		return verdict.With(verdict.Named(v, name), e)
	}
	for name, tc := range map[string]struct {
		said []verdict.Verdict
		want []verdict.Verdict
	}{
		"all passed": {[]verdict.Verdict{passed, passed, passed, passed}, []verdict.Verdict{
			told(verdict.Pass(v1alpha1.SignalSmoke, ReasonCovered, `Critical path "signals" (/v1/signals): check "read", "write" asked for it, and passed`), "signals", signals),
			told(verdict.Pass(v1alpha1.SignalSmoke, ReasonCovered, `Critical path "one order" (/v1/orders/{id}): check "write" asked for it, and passed`), "one order", order),
			uncovered,
		}},
		"one failed while another runs": {[]verdict.Verdict{running, failed, passed, passed}, []verdict.Verdict{
			told(verdict.Fail(v1alpha1.SignalSmoke, ReasonBroken, `Critical path "signals" (/v1/signals): check "read", "write", which asks for it, failed`), "signals", signals),
			told(verdict.Fail(v1alpha1.SignalSmoke, ReasonBroken, `Critical path "one order" (/v1/orders/{id}): check "write", which asks for it, failed`), "one order", order),
			uncovered,
		}},
		"one runs": {[]verdict.Verdict{passed, running, passed, passed}, []verdict.Verdict{
			told(verdict.Wait(v1alpha1.SignalSmoke, ReasonUnanswered, `Critical path "signals" (/v1/signals): check "read", "write", which asks for it, has not ended`), "signals", signals),
			told(verdict.Wait(v1alpha1.SignalSmoke, ReasonUnanswered, `Critical path "one order" (/v1/orders/{id}): check "write", which asks for it, has not ended`), "one order", order),
			uncovered,
		}},
		"nothing was heard": {nil, []verdict.Verdict{
			told(verdict.Wait(v1alpha1.SignalSmoke, ReasonUnanswered, `Critical path "signals" (/v1/signals): check "read", "write", which asks for it, has not ended`), "signals", signals),
			told(verdict.Wait(v1alpha1.SignalSmoke, ReasonUnanswered, `Critical path "one order" (/v1/orders/{id}): check "write", which asks for it, has not ended`), "one order", order),
			uncovered,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range tc.said {
				tc.said[i] = verdict.Named(tc.said[i], checks.Smoke[i].Name)
			}
			if diff := cmp.Diff(tc.want, Tell(checks, tc.said)); diff != "" {
				t.Error(diff)
			}
		})
	}
	after := []verdict.Verdict{verdict.Named(failed, "write.after-cutover")}
	if got := Heard(checks, after); len(got) != 2 || got[0].Name != "signals" || got[1].Name != "one order" || got[0].Outcome != verdict.Failed {
		t.Errorf("after the cutover: %+v", got)
	}
	if got := Heard(checks, nil); got != nil {
		t.Errorf("nothing is heard: %+v", got)
	}
	if got := Tell(v1alpha1.ChecksSpec{Smoke: checks.Smoke}, nil); len(got) > 0 {
		t.Errorf("none were named: %+v", got)
	}
}

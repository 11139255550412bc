package slo

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// scrapedPods are the pods that were looked at from the beginning.
const scrapedPods = `
up{$old} 1x300
up{$new} 1x300
`

// What a release has spent, by an account that is asked for the first time at
// some second after the release took traffic at 60 s.
func TestSpent(t *testing.T) {
	grpc := available(func(s *v1alpha1.SLO) { s.Operation.GRPCMethod = "signals.v1.Signals/Publish" })
	posts := available(func(s *v1alpha1.SLO) {
		s.Operation.Matchers = `method="POST",tenant!="test"`
		s.Availability = &v1alpha1.SLOAvailability{Counter: "orders_total", Failed: `result="error"`}
	})
	wholeSecond := fast(func(s *v1alpha1.SLO) { s.Latency.ThresholdSeconds.StrVal = "2" })
	for name, tc := range map[string]struct {
		slo   v1alpha1.SLO
		every time.Duration
		lines string
		at    int
		want  string
	}{
		"every request succeeds": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new,code="200"} 0+10x300`, 120, "0 of 600, 100/s"},
		"what came before the traffic does not count": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new,code="200"} 0+10x300
			http_requests_total{$new,code="500"} 0+10x60 600x240`, 120, "0 of 600, 105/s"},
		"some fail": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new,code="200"} 0+9x300
			http_requests_total{$new,code="503"} 0+1x300`, 120, "60 of 600, 100/s"},
		"the first that fail appear as a series of their own": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new,code="200"} 0+10x300
			http_requests_total{$new,code="500"} _x99 7x300`, 120, "7 of 607, 100/s"},
		"all that stable answers badly is not the candidate's": {available(), 0, `
			http_requests_total{$old,code="500"} 0+90x300
			http_requests_total{$new,code="200"} 0+10x300`, 120, "0 of 600, 100/s"},
		"a pod that is gone has spent what it spent": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new2,code="500"} 0+1x80 stale
			http_requests_total{$new,code="200"} 0+9x300`, 120, "20 of 560, 99/s"},
		"a pod that comes": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new,code="200"} 0+10x300
			http_requests_total{$new2,code="500"} _x99 10+1x300`, 120, "31 of 631, 101/s"},
		"a pod that begins anew": {available(), 0, `
			http_requests_total{$old,code="200"} 0+90x300
			http_requests_total{$new,code="500"} 0+1x90 0+1x200`, 120, "29 of 29, 90.4/s"},
		"a route of several": {available(route("/v1/signals")), 0, `
			http_requests_total{$old,code="200",route="/v1/signals"} 0+50x300
			http_requests_total{$new,code="500",route="/"} 0+9x300
			http_requests_total{$new,code="200",route="/v1/signals"} 0+4x300
			http_requests_total{$new,code="500",route="/v1/signals"} 0+1x300`, 120, "60 of 300, 55/s"},
		"a gRPC method": {grpc, 0, `
			grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="List",grpc_code="Internal"} 0+9x300
			grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="Publish",grpc_code="NotFound"} 0+4x300
			grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="Publish",grpc_code="Unavailable"} 0+1x300`, 120, "60 of 300, 5/s"},
		"matchers, and metrics of one's own": {posts, 0, `
			orders_total{$new,method="POST",result="ok"} 0+4x300
			orders_total{$new,method="POST",result="error"} 0+1x300
			orders_total{$new,method="POST",result="error",tenant="test"} 0+8x300
			orders_total{$new,method="GET",result="error"} 0+9x300`, 120, "60 of 300, 5/s"},
		"a classic histogram": {fast(), 0, `
			http_request_duration_seconds_count{$old} 0+90x300
			http_request_duration_seconds_bucket{$old,le="0.3"} 0+1x300
			http_request_duration_seconds_count{$new} 0+10x300
			http_request_duration_seconds_bucket{$new,le="0.3"} 0+8x300
			http_request_duration_seconds_bucket{$new,le="+Inf"} 0+10x300`, 120, "120 of 600, 100/s"},
		"a bound that is written 2.0": {wholeSecond, 0, `
			http_request_duration_seconds_count{$new} 0+10x300
			http_request_duration_seconds_bucket{$new,le="2.0"} 0+8x300`, 120, "120 of 600, 10/s"},
		"a bound that is written 2": {wholeSecond, 0, `
			http_request_duration_seconds_count{$new} 0+10x300
			http_request_duration_seconds_bucket{$new,le="2"} 0+8x300`, 120, "120 of 600, 10/s"},
		"a native histogram": {fast(func(s *v1alpha1.SLO) { s.Latency.ThresholdSeconds.StrVal = "0.5" }), 0, `
			http_request_duration_seconds{$old} {{schema:0 count:0 sum:0}}+{{schema:0 count:90 sum:9 offset:-2 buckets:[90]}}x300
			http_request_duration_seconds{$new} {{schema:0 count:0 sum:0}}+{{schema:0 count:10 sum:9 offset:-2 buckets:[8 0 2]}}x300`, 120, "120 of 600, 100/s"},
		"a native histogram of which all is fast": {fast(func(s *v1alpha1.SLO) { s.Latency.ThresholdSeconds.StrVal = "0.5" }), 0, `
			http_request_duration_seconds{$new} {{schema:0 count:0 sum:0}}+{{schema:0 count:10 sum:1 offset:-2 buckets:[10]}}x300`, 120, "0 of 600, 10/s"},
		"scraped every 30 s": {available(), 30 * time.Second, `
			http_requests_total{$old,code="200"} 0+2700x20
			http_requests_total{$new,code="200"} 0+300x20
			http_requests_total{$new,code="500"} _x2 30+30x20`, 125, "60 of 660, 101/s"},
	} {
		t.Run(name, func(t *testing.T) {
			store := serve(t, max(tc.every, time.Second), scrapedPods+tc.lines)
			account := Open(second(60), nil)
			account = account.Add(Take(asking(t, store, second(tc.at)), tc.slo, app, account, second(tc.at)))
			if diff := cmp.Diff(tc.want, said(account)); diff != "" {
				t.Errorf("%s\n%+v", diff, account.Latest)
			}
		})
	}
}

// However often it is asked, and wherever windows end, the account comes to the
// same.
func TestWindowsFollowEachOther(t *testing.T) {
	store := serve(t, time.Second, `
		up{$new} 1x2000
		http_requests_total{$new,code="200"} 0+9x2000
		http_requests_total{$new,code="500"} _x500 5+1x1500`)
	for _, every := range []int{1, 7, 60, 119, 121, 600} {
		account, closed := Open(second(60), nil), 0
		for at := 61; at <= 1900; at += every {
			was := account.Since
			account = account.Add(Take(asking(t, store, second(at)), available(), app, account, second(at)))
			if account.Since != was {
				closed++
			}
		}
		last := int(account.Latest.Time.Sub(start) / time.Second)
		if want := float64(last - 500 + 5); account.Failed != want-1 && account.Failed != want {
			t.Errorf("every %d s: %v failed by second %d, want %v", every, account.Failed, last, want)
		}
		if want := float64(9*(last-60)) + account.Failed; account.Total != want || closed < 3 {
			t.Errorf("every %d s: %v in total by second %d, want %v; %d windows", every, account.Total, last, want, closed)
		}
	}
}

// An operator that was away has not seen how it came to what it finds: that is
// not counted again on top of what is remembered.
func TestARestartCountsNothingTwice(t *testing.T) {
	store := serve(t, time.Second, `
		up{$old} _x400 1x200
		up{$new} _x400 1x200
		http_requests_total{$old,code="200"} _x400 36000+90x200
		http_requests_total{$new,code="200"} _x400 3600+9x200
		http_requests_total{$new,code="500"} _x400 400+1x200`)
	was := v1alpha1.BudgetRecord{Failed: 340, Total: 3400}
	was.Time.Time = second(395)
	account := Open(second(60), &was)
	account = account.Add(Take(asking(t, store, second(430)), available(), app, account, second(430)))
	if account.Failed < 340+28 || account.Failed > 340+32 || account.Total < 3400+280 || account.Total > 3400+320 {
		t.Errorf("got %s", said(account))
	}
	if account.Rate < 99 || account.Rate > 101 {
		t.Errorf("30 s of samples say that there are %v requests per second, not 100", account.Rate)
	}
}

func TestWhatCannotBeTold(t *testing.T) {
	for name, tc := range map[string]struct {
		slo            v1alpha1.SLO
		lines          string
		reason, answer string
	}{
		"nothing": {available(), ``, ReasonNoData, "no request of the operation is known; check metric, labels and matchers, and that the release gets traffic"},
		"another route": {available(route("/a")), `
			http_requests_total{$new,code="200",route="/b"} 0+1x300`, ReasonNoData, "no request of the operation is known; check metric, labels and matchers, and that the release gets traffic"},
		"only the stable release": {available(), `
			http_requests_total{$old,code="500"} 0+1x300`, ReasonNoData, "no request of the operation is known; check metric, labels and matchers, and that the release gets traffic"},
		"no bucket with that bound": {fast(), `
			http_request_duration_seconds_count{$new} 0+10x300
			http_request_duration_seconds_bucket{$new,le="0.25"} 0+8x300`, "NoBucket", "the histogram has no bucket of which thresholdSeconds is the bound"},
	} {
		t.Run(name, func(t *testing.T) {
			account := Open(second(60), nil)
			sample := Take(asking(t, serve(t, time.Second, scrapedPods+tc.lines), second(120)), tc.slo, app, account, second(120))
			if sample.Reason != tc.reason || sample.Problem != tc.answer {
				t.Errorf("%s: %s", sample.Reason, sample.Problem)
			}
		})
	}
}

// The query in the evidence answers with the share that was consumed.
func TestTheShareCanBeAskedFor(t *testing.T) {
	store := serve(t, time.Second, scrapedPods+`
		http_requests_total{$old,code="200"} 0+90x300
		http_requests_total{$new,code="200"} 0+9x300
		http_requests_total{$new,code="503"} 0+1x300`)
	s := available()
	account := Open(second(60), nil)
	account = account.Add(Take(asking(t, store, second(120)), s, app, account, second(120)))
	sp, _ := Spend(s, account)
	if got := asking(t, store, second(120))(account.Latest.Query); got.Value == nil || brief(*got.Value) != brief(sp.Consumed) {
		t.Errorf("%s answers with %v, not %v", account.Latest.Query, got.Value, sp.Consumed)
	}
	if n := len(account.Latest.Query); n > maxQuery/2 {
		t.Errorf("the query takes %d of %d bytes of evidence", n, maxQuery)
	}
}

// A rate that is known well is not asked for at each sample, and one of few
// requests is.
func TestTheRateIsAskedForNowAndThen(t *testing.T) {
	lines := `
		up{$new} 1x300
		http_requests_total{$new,code="200"} 0+%dx300`
	for perSecond, want := range map[int]int{100: 3, 1: 31} {
		store := serve(t, time.Second, fmt.Sprintf(lines, perSecond))
		account, asked := Open(second(60), nil), 0
		for at := 120; at <= 150; at++ {
			account = account.Add(Take(asking(t, store, second(at)), available(), app, account, second(at)))
			if account.Latest.Rate != nil {
				asked++
			}
			if brief(account.Rate) != fmt.Sprint(perSecond) || account.Latest.Query == "" {
				t.Fatalf("%s, asked %q", said(account), account.Latest.Query)
			}
		}
		if asked != want {
			t.Errorf("at %d requests per second it was asked %d times, want %d", perSecond, asked, want)
		}
	}
}

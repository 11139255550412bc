package slo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert/builtin"
	"github.com/signal-delivery/operator/internal/series"
)

// course writes down a counter that is scraped each minute: for so many
// minutes it grows by so much, and then it goes on.
func course(name string, parts ...[2]int) string {
	text, value := name+" 0", 0
	for _, p := range parts {
		text += fmt.Sprintf(" %d+%dx%d", value+p[1], p[1], p[0]-1)
		value += p[0] * p[1]
	}
	return text + "\n"
}

// native is the same of a native histogram, of which some requests take 0.7 s
// and all others 0.2 s.
func native(name string, minutes, all, slow int) string {
	return fmt.Sprintf("%s {{schema:0 count:0 sum:0}}+{{schema:0 count:%d sum:9 offset:-2 buckets:[%d 0 %d]}}x%d\n", name, all, all-slow, slow, minutes)
}

// Whose requests they are, and how they went.
const (
	good = `http_requests_total{$old,code="200"}`
	bad  = `http_requests_total{$old,code="500"}`
	up   = `up{$old} 1x5000` + "\n"
)

// evaluate plays the rules of an objective on series that are scraped each
// minute, every so many minutes, and says which alerts fire in the end, and the
// values of the recorded series that do not depend on the window.
func evaluate(t *testing.T, slo v1alpha1.SLO, lines string, minutes, every int) []string {
	t.Helper()
	store := serve(t, time.Minute, up+lines)
	source := builtin.New(builtin.Options{
		Name: "prometheus",
		Query: func(ctx context.Context, query string, at time.Time) (promql.Vector, error) {
			value, err := engine.Query(ctx, store, query, at)
			if err != nil {
				return nil, err
			}
			return value.(promql.Vector), nil //nolint:forcetypeassert // the rules have no other
		},
		Record: func(at time.Time, made promql.Vector) error {
			batch := make([]series.Sample, 0, len(made))
			for _, s := range made {
				batch = append(batch, series.Sample{Labels: s.Metric, Value: s.F, Histogram: s.H})
			}
			return store.Append(at, batch)
		},
	})
	if err := source.Load(Groups("prod", "app", []v1alpha1.SLO{slo})); err != nil {
		t.Fatal(err)
	}
	for minute := 0; minute <= minutes; minute += every {
		if err := source.Evaluate(t.Context(), start.Add(time.Duration(minute)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	live, err := source.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var says []string
	for _, rule := range live[0].Rules {
		if !rule.Healthy {
			t.Fatalf("%s: %s", rule.Query, rule.LastError)
		}
		for _, firing := range rule.Firing {
			if firing.Labels["slo"] != slo.Name || firing.Labels["operation"] != Operation(slo) || firing.Labels["namespace"] != "prod" || firing.Labels["delivery_signal_dev_name"] != "app" {
				t.Errorf("%s has labels %v", rule.Name, firing.Labels)
			}
			says = append(says, rule.Name+" "+firing.Labels["severity"]+": "+firing.Annotations["summary"])
		}
	}
	return says
}

const (
	soon = "SLOBudgetBurnsWithinDays critical: "
	week = "SLOBudgetBurnsWithinAWeek critical: "
	late = "SLOBudgetBurnsTooFast warning: "
)

// The tiers of the SRE workbook: 14.4 times for an hour, 6 times for six hours,
// once for three days; each ends soon after the burn does.
func TestAlerts(t *testing.T) {
	posts := available(func(s *v1alpha1.SLO) {
		s.Operation.Matchers = `method="POST"`
		s.Availability = &v1alpha1.SLOAvailability{Counter: "orders_total", Failed: `result="error"`}
	})
	grpc := available(func(s *v1alpha1.SLO) { s.Operation.GRPCMethod = "signals.v1.Signals/Publish" })
	native700 := fast(func(s *v1alpha1.SLO) { s.Latency.ThresholdSeconds = intstr.FromString("0.5") })
	day := available(func(s *v1alpha1.SLO) { s.WindowDays = 1 })
	spends := func(what, operation, window, in string) string {
		return "prod/app " + what + " of its requests to " + operation + ", which spends the error budget of " + window + " in " + in
	}
	for name, tc := range map[string]struct {
		slo            v1alpha1.SLO
		lines          string
		minutes, every int
		want           []string
	}{
		"all is well":                {available(), course(good, [2]int{120, 1000}) + course(bad, [2]int{120, 1}), 120, 5, nil},
		"two in a thousand, an hour": {available(), course(good, [2]int{120, 998}) + course(bad, [2]int{120, 2}), 120, 5, []string{late + spends("fails 0.2%", "all", "30d", "30d")}},
		"no requests at all":         {available(), course(good, [2]int{120, 0}), 120, 5, nil},
		"no series at all":           {available(), "", 120, 5, nil},
		"fast burn": {available(), course(good, [2]int{400, 1000}, [2]int{60, 980}) + course(bad, [2]int{400, 0}, [2]int{60, 20}), 460, 5, []string{
			soon + spends("fails 2%", "all", "30d", "2d2h"), late + spends("fails 0.2609%", "all", "30d", "30d"),
		}},
		"fast burn of ten minutes, not an hour's worth": {available(), course(good, [2]int{400, 1000}, [2]int{10, 980}) + course(bad, [2]int{400, 0}, [2]int{10, 20}), 410, 5, nil},
		"total outage of ten minutes": {available(), course(good, [2]int{400, 1000}, [2]int{10, 0}) + course(bad, [2]int{400, 0}, [2]int{10, 1000}), 410, 5, []string{
			soon + "x", week + "x", late + "x",
		}},
		"fast burn that ended ten minutes ago": {available(), course(good, [2]int{4000, 1000}, [2]int{60, 980}, [2]int{10, 1000}) + course(bad, [2]int{4000, 0}, [2]int{60, 20}, [2]int{10, 0}), 4070, 5, nil},
		"medium burn": {available(), course(good, [2]int{800, 1000}, [2]int{360, 993}) + course(bad, [2]int{800, 0}, [2]int{360, 7}), 1160, 5, []string{
			week + "x", late + "x",
		}},
		"slow burn of three days": {available(), course(good, [2]int{4320, 9988}) + course(bad, [2]int{4320, 12}), 4320, 5, []string{late + "x"}},
		"too slow":                {available(), course(good, [2]int{4320, 9992}) + course(bad, [2]int{4320, 8}), 4320, 5, nil},
		"an operation of others burns": {available(route("/a")), course(`http_requests_total{$old,route="/b",code="500"}`, [2]int{120, 100}) +
			course(`http_requests_total{$old,route="/a",code="200"}`, [2]int{120, 100}), 120, 5, nil},
		"a route burns": {available(route("/a")), course(`http_requests_total{$old,route="/b",code="200"}`, [2]int{120, 10000}) +
			course(`http_requests_total{$old,route="/a",code="500"}`, [2]int{120, 100}), 120, 5, []string{soon + "x", week + "x", late + "x"}},
		"a gRPC method burns": {grpc, course(`grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="Publish",grpc_code="OK"}`, [2]int{120, 97}) +
			course(`grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="Publish",grpc_code="Internal"}`, [2]int{120, 3}), 120, 5, []string{soon + "x", week + "x", late + "x"}},
		"callers of a gRPC method are to blame": {grpc, course(`grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="Publish",grpc_code="OK"}`, [2]int{120, 97}) +
			course(`grpc_server_handled_total{$new,grpc_service="signals.v1.Signals",grpc_method="Publish",grpc_code="InvalidArgument"}`, [2]int{120, 3}), 120, 5, nil},
		"matchers, and metrics of one's own": {posts, course(`orders_total{$old,method="POST",result="ok"}`, [2]int{120, 97}) +
			course(`orders_total{$old,method="POST",result="error"}`, [2]int{120, 3}), 120, 5, []string{soon + "x", week + "x", late + "x"}},
		"a classic histogram is slow": {fast(), course(`http_request_duration_seconds_count{$old}`, [2]int{120, 100}) +
			course(`http_request_duration_seconds_bucket{$old,le="0.3"}`, [2]int{120, 80}), 120, 5, []string{soon + "x", week + "x", late + "x"}},
		"a classic histogram is fast": {fast(), course(`http_request_duration_seconds_count{$old}`, [2]int{120, 1000}) +
			course(`http_request_duration_seconds_bucket{$old,le="0.3"}`, [2]int{120, 995}), 120, 5, nil},
		"a native histogram is slow":            {native700, native(`http_request_duration_seconds{$old}`, 120, 100, 20), 120, 5, []string{soon + "x", week + "x", late + "x"}},
		"a native histogram is fast":            {native700, native(`http_request_duration_seconds{$old}`, 120, 1000, 5), 120, 5, nil},
		"a window of a day, fast burn":          {day, course(good, [2]int{60, 1000}, [2]int{3, 970}) + course(bad, [2]int{60, 0}, [2]int{3, 30}), 63, 1, []string{soon + "x", week + "x", late + "x"}},
		"an objective that cannot burn so fast": {available(func(s *v1alpha1.SLO) { s.Objective = intstr.FromInt32(90) }), course(good, [2]int{400, 1}) + course(bad, [2]int{400, 3}), 400, 5, []string{week + "x", late + "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := evaluate(t, tc.slo, tc.lines, tc.minutes, tc.every)
			for i, want := range tc.want {
				if alert, open := strings.CutSuffix(want, "x"); open && i < len(got) && strings.HasPrefix(got[i], alert) {
					got[i] = want
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Windows are those of the workbook's table 5-8, by the objective's window.
func TestWindows(t *testing.T) {
	for days, want := range map[int32]string{
		30: "1h0m0s/5m0s 6h0m0s/30m0s 72h0m0s/6h0m0s",
		28: "56m0s/4m40s 5h36m0s/28m0s 67h12m0s/5h36m0s",
		7:  "14m0s/2m0s 1h24m0s/7m0s 16h48m0s/1h24m0s",
		1:  "2m0s/2m0s 12m0s/2m0s 2h24m0s/12m0s",
		90: "3h0m0s/15m0s 18h0m0s/1h30m0s 216h0m0s/18h0m0s",
	} {
		var got []string
		for _, tier := range tiers {
			long, short := tier.scaled(time.Duration(days) * 24 * time.Hour)
			got = append(got, long.String()+"/"+short.String())
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%d days: %s", days, diff)
		}
	}
}

// What is published must be something that Prometheus loads.
func TestPrometheusLoadsThem(t *testing.T) {
	odd := available(route(`/a"b\c`), func(s *v1alpha1.SLO) { s.Name = "odd"; s.Operation.Matchers = `method=~"GET|P.*"` })
	grpc := fast(func(s *v1alpha1.SLO) { s.Name, s.Operation.GRPCMethod, s.WindowDays = "grpc", "a.B/C", 7 })
	groups := Groups("prod", "app", []v1alpha1.SLO{available(), fast(), odd, grpc})
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
		text, err := yaml.Marshal(monitoringv1.PrometheusRuleSpec{Groups: []monitoringv1.RuleGroup{g}})
		if err != nil {
			t.Fatal(err)
		}
		if _, errs := rulefmt.Parse(text, false, model.UTF8Validation, language, nil); len(errs) > 0 {
			t.Errorf("%v\n%s", errs, text)
		}
		for _, r := range g.Rules {
			if r.Alert != "" && r.Annotations["runbook_url"] != "https://github.com/signal-delivery/operator/blob/main/docs/slo.md#an-alert-fires" {
				t.Errorf("%s sends people to %s", r.Alert, r.Annotations["runbook_url"])
			}
		}
	}
	want := []string{"prod/app/signal-slo-api", "prod/app/signal-slo-fast", "prod/app/signal-slo-odd", "prod/app/signal-slo-grpc"}
	if !slices.Equal(names, want) {
		t.Errorf("groups %v", names)
	}
}

package builtin

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/internal/alert"
)

func held(d monitoringv1.Duration) func(*monitoringv1.Rule) {
	return func(r *monitoringv1.Rule) { r.For = &d }
}

func kept(hold monitoringv1.Duration, keep monitoringv1.NonEmptyDuration) func(*monitoringv1.Rule) {
	return func(r *monitoringv1.Rule) { r.For, r.KeepFiringFor = &hold, &keep }
}

// What an expression answers, second by second, and what becomes of it.
func TestAlertsBeginAndEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		rule          func(*monitoringv1.Rule)
		group         func(*alert.Group)
		answers, want string
	}{
		"at once":                    {nil, nil, "..1.1", "..F.F"},
		"whatever the value":         {nil, nil, "0", "F"},
		"after for":                  {held("3s"), nil, ".111111.1", "....FFF.."},
		"never long enough":          {held("3s"), nil, "111.111.", "........"},
		"kept for a while":           {kept("0s", "3s"), nil, "1......", "FFFF..."},
		"kept, and back":             {kept("0s", "3s"), nil, "1..1....", "FFFFFFF."},
		"kept, and held":             {kept("2s", "2s"), nil, "111..1....", "..FFFFFF.."},
		"pending is not kept":        {kept("3s", "3s"), nil, "11......", "........"},
		"back after it was kept":     {kept("2s", "1s"), nil, "111..111", "..FF...F"},
		"an error in between":        {held("3s"), nil, "1!!1!.", ".!!Ff."},
		"an error changes nothing":   {nil, nil, "1!.", "Ff."},
		"more alerts than the limit": {held("2s"), func(g *alert.Group) { g.Limit = new(1) }, "11=111", "..!..F"},
		"as many as the limit":       {nil, func(g *alert.Group) { g.Limit = new(2) }, "=", "F"},
		"the same labels twice":      {func(r *monitoringv1.Rule) { r.Labels["pod"] = "all" }, nil, "1=1", "FfF"},
		"every other second":         {held("2s"), func(g *alert.Group) { g.Interval = new(monitoringv1.Duration("2s")) }, "1.1.11", "..FFFF"},
		"as the second before saw":   {nil, func(g *alert.Group) { g.QueryOffset = new(monitoringv1.Duration("1s")) }, "..1..", "...F."},
	} {
		t.Run(name, func(t *testing.T) {
			s, script := play(t, map[string]string{"x": tc.answers})
			load(t, s, alerting(tc.rule, tc.group))
			from := 0
			if tc.group != nil && strings.Contains(name, "before") {
				from = 1
			}
			if got := strings.Repeat(".", from) + course(t, s, from, len(tc.answers)); got != tc.want {
				t.Errorf("got  %s\nwant %s, asked %v", got, tc.want, script.asked)
			}
		})
	}
}

func TestWhatAnAlertSays(t *testing.T) {
	s, _ := play(t, map[string]string{"x": "3=2", "y": "..!"})
	load(t, s, []alert.Group{{
		Name: "g", Labels: map[string]string{"severity": "warning", "team": "signal"},
		Rules: []monitoringv1.Rule{{
			Alert: "A", Expr: intstr.FromString("x"),
			Labels:      map[string]string{"severity": "critical", "who": "{{ $labels.pod }}", "alertname": "B", "nobody": "{{ $labels.nobody }}"},
			Annotations: map[string]string{"summary": "{{ $labels.pod }} has {{ $value }}", "plain": "as it is"},
		}, {Alert: "Y", Expr: intstr.FromString("y")}},
	}})
	labels := map[string]string{"severity": "critical", "team": "signal", "who": "{{ $labels.pod }}", "alertname": "B", "nobody": "{{ $labels.nobody }}"}
	says := func(pod, value string, since int) alert.Firing {
		return alert.Firing{
			Labels:      map[string]string{"alertname": "A", "pod": pod, "severity": "critical", "team": "signal", "who": pod},
			Annotations: map[string]string{"summary": pod + " has " + value, "plain": "as it is"},
			Value:       value, Since: noon.Add(time.Duration(since) * time.Second),
		}
	}
	other := alert.LiveRule{Name: "Y", Query: "y", Labels: map[string]string{"severity": "warning", "team": "signal"}, Healthy: true}
	broken := other
	broken.Healthy, broken.LastError = false, "refused"
	for second, want := range [][]alert.LiveRule{
		{{Name: "A", Query: "x", Labels: labels, Healthy: true, Firing: []alert.Firing{says("a", "3", 0)}}, other},
		{{Name: "A", Query: "x", Labels: labels, Healthy: true, Firing: []alert.Firing{says("a", "1", 0), says("b", "1", 1)}}, other},
		{{Name: "A", Query: "x", Labels: labels, Healthy: true, Firing: []alert.Firing{says("a", "2", 0)}}, broken},
	} {
		if diff := cmp.Diff([]alert.LiveGroup{{Name: "g", Rules: want}}, at(t, s, second)); diff != "" {
			t.Errorf("at %ds: %s", second, diff)
		}
	}
}

func TestThereIsALimitOfItsOwn(t *testing.T) {
	for name, tc := range map[string]struct {
		own  int
		of   *int
		want string
	}{
		"none of the group's":  {1, nil, "!"},
		"lower than the group": {1, new(2), "!"},
		"higher":               {2, new(1), "!"},
		"high enough":          {2, new(2), "F"},
		"a group without":      {2, new(0), "F"},
		"by default":           {0, nil, "F"},
	} {
		t.Run(name, func(t *testing.T) {
			script := &script{t: t, start: noon, answers: map[string]string{"x": "=", scrapedQuery: "1"}}
			s := New(Options{Name: "built-in", Query: script.query, MaxAlerts: tc.own})
			load(t, s, alerting(nil, func(g *alert.Group) { g.Limit = tc.of }))
			if got := course(t, s, 0, 1); got != tc.want {
				t.Errorf("got %s", got)
			}
		})
	}
	if s := New(Options{}); s.o.MaxAlerts != 500 {
		t.Errorf("%d alerts", s.o.MaxAlerts)
	}
}

func TestLimitsSaySo(t *testing.T) {
	s, _ := play(t, map[string]string{"x": "="})
	load(t, s, alerting(nil, func(g *alert.Group) { g.Limit = new(1) }))
	if got := at(t, s, 0)[0].Rules[0].LastError; got != "there are 2 alerts, and 1 is the limit" {
		t.Errorf("got %q", got)
	}
}

// A rule that stays as it is keeps its alerts; one that changes begins anew.
func TestLoadingKeepsWhatStays(t *testing.T) {
	named := func(name string) func(*alert.Group) { return func(g *alert.Group) { g.Name = name } }
	second := func(g *alert.Group) {
		g.Rules = append([]monitoringv1.Rule{{Alert: "B", Expr: intstr.FromString("y")}}, g.Rules...)
	}
	for name, tc := range map[string]struct {
		change []alert.Group
		rule   int
		fires  bool
	}{
		"the same":          {alerting(held("2s"), nil), 0, true},
		"one more":          {alerting(held("2s"), second), 1, true},
		"another for":       {alerting(held("1500ms"), nil), 0, false},
		"another name":      {alerting(held("2s"), named("h")), 0, false},
		"other labels":      {alerting(held("2s"), func(g *alert.Group) { g.Labels = map[string]string{"a": "b"} }), 0, false},
		"another limit":     {alerting(held("2s"), func(g *alert.Group) { g.Limit = new(7) }), 0, false},
		"another interval":  {alerting(held("2s"), func(g *alert.Group) { g.Interval = new(monitoringv1.Duration("1s")) }), 0, true},
		"twice in the same": {alerting(held("2s"), func(g *alert.Group) { g.Rules = append(g.Rules, g.Rules[0]) }), 0, true},
		"the other of two":  {alerting(held("2s"), func(g *alert.Group) { g.Rules = append(g.Rules, g.Rules[0]) }), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := play(t, map[string]string{"x": "111", "y": "..."})
			load(t, s, alerting(held("2s"), nil))
			at(t, s, 0)
			load(t, s, tc.change)
			at(t, s, 1)
			if fires := len(at(t, s, 2)[0].Rules[tc.rule].Firing) > 0; fires != tc.fires {
				t.Errorf("fires: %t", fires)
			}
		})
	}
}

// What is pending is told apart from what fires, with since when it is.
func TestWhatIsPendingIsTold(t *testing.T) {
	s, _ := play(t, map[string]string{"x": "111"})
	load(t, s, alerting(held("2s"), nil))
	for second, want := range []string{"1 pending", "1 pending", "1 firing"} {
		r := at(t, s, second)[0].Rules[0]
		all, got := r.Firing, "firing"
		if len(r.Pending) > 0 {
			all, got = r.Pending, "pending"
		}
		if got = fmt.Sprint(len(r.Firing)+len(r.Pending), " ", got); got != want || !all[0].Since.Equal(noon) {
			t.Errorf("after %d s there is %s, since %s", second, got, all[0].Since)
		}
	}
}

// Nothing is evaluated, and nothing is quiet, until something was scraped.
func TestNothingScrapedIsNoSilence(t *testing.T) {
	s, script := play(t, map[string]string{"x": "1111", scrapedQuery: ".!1"})
	if live, err := s.Rules(t.Context()); len(live) > 0 || err != nil {
		t.Errorf("nothing is loaded: %v, %v", live, err)
	}
	load(t, s, alerting(nil, nil))
	if live, _ := s.Rules(t.Context()); live[0].Rules[0].Healthy {
		t.Error("nothing was evaluated")
	}
	if got := course(t, s, 0, 4); got != "!!FF" {
		t.Errorf("got %s", got)
	}
	if got := strings.Count(strings.Join(script.asked, ";"), scrapedQuery); got != 3 {
		t.Errorf("asked %d times whether anything was scraped", got)
	}
	if s.Name() != "built-in" {
		t.Errorf("is called %s", s.Name())
	}
}

func TestTimeDoesNotGoBack(t *testing.T) {
	s, _ := play(t, map[string]string{"x": "111"})
	load(t, s, alerting(nil, nil))
	at(t, s, 1)
	at(t, s, 1)
	err := s.Evaluate(t.Context(), noon)
	if err == nil || err.Error() != "evaluate rules of built-in: it is earlier than at the last evaluation" {
		t.Errorf("got %v", err)
	}
}

// An evaluation that was called off says nothing of the rules.
func TestCalledOff(t *testing.T) {
	s, _ := play(t, map[string]string{"x": "1!!", "y": "111"})
	load(t, s, alerting(nil, func(g *alert.Group) {
		g.Rules = append(g.Rules, monitoringv1.Rule{Alert: "B", Expr: intstr.FromString("y")})
	}))
	before := at(t, s, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Evaluate(ctx, noon.Add(time.Second))
	if err == nil || err.Error() != "evaluate rules of built-in: context canceled" {
		t.Errorf("got %v", err)
	}
	after, _ := s.Rules(t.Context())
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeLoaded(t *testing.T) {
	long := monitoringv1.Duration("long")
	for name, tc := range map[string]struct {
		rule  func(*monitoringv1.Rule)
		group func(*alert.Group)
		want  string
	}{
		"interval":        {nil, func(g *alert.Group) { g.Interval = &long }, `load group "g": interval: not a valid duration string: "long"`},
		"offset":          {nil, func(g *alert.Group) { g.QueryOffset = &long }, `load group "g": query_offset: not a valid duration string: "long"`},
		"for":             {held("long"), nil, `load group "g": rule "A": for: not a valid duration string: "long"`},
		"keep_firing_for": {kept("", "long"), nil, `load group "g": rule "A": keep_firing_for: not a valid duration string: "long"`},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := play(t, map[string]string{"x": "1"})
			load(t, s, alerting(nil, nil))
			if err := s.Load(alerting(tc.rule, tc.group)); err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if got := course(t, s, 0, 1); got != "F" {
				t.Errorf("what was loaded goes on: %s", got)
			}
		})
	}
}

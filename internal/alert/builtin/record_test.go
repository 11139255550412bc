package builtin

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/internal/alert"
)

func recording() []alert.Group {
	return []alert.Group{{Name: "g", Labels: map[string]string{"team": "signal"}, Rules: []monitoringv1.Rule{
		{Alert: "Before", Expr: intstr.FromString("y")},
		{Record: "job:x", Expr: intstr.FromString("x"), Labels: map[string]string{"kind": "slo"}},
		{Alert: "After", Expr: intstr.FromString("y")},
	}}}
}

// A recorded series that is no more is marked as stale, once.
func TestRecordingRules(t *testing.T) {
	s, script := play(t, map[string]string{"x": "3=!.1", "y": "....."})
	load(t, s, recording())
	for second := range 5 {
		if rules := at(t, s, second)[0].Rules; len(rules) != 2 || rules[0].Name != "Before" || rules[1].Name != "After" {
			t.Errorf("at %ds: %+v", second, rules)
		}
	}
	a, b := `{__name__="job:x", kind="slo", pod="a", team="signal"}`, `{__name__="job:x", kind="slo", pod="b", team="signal"}`
	want := []string{a + " => 3 @[1893499200000]", a + " => 1 @[1893499201000]", b + " => 1 @[1893499201000]"}
	if diff := cmp.Diff(want, script.made[:3]); diff != "" {
		t.Error(diff)
	}
	stale := map[string]bool{script.made[3]: true, script.made[4]: true}
	if diff := cmp.Diff(map[string]bool{a + " => NaN @[1893499203000]": true, b + " => NaN @[1893499203000]": true}, stale); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{a + " => 1 @[1893499204000]"}, script.made[5:]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{scrapedQuery, "y", "x", "y"}, []string{script.asked[0], script.asked[2], script.asked[3], script.asked[4]}); diff != "" {
		t.Error(diff)
	}
}

func TestRecordingAtAnOffset(t *testing.T) {
	s, script := play(t, map[string]string{"x": "3.", "y": ".."})
	groups := recording()
	groups[0].QueryOffset = new(monitoringv1.Duration("1s"))
	load(t, s, groups)
	at(t, s, 1)
	if diff := cmp.Diff([]string{`{__name__="job:x", kind="slo", pod="a", team="signal"} => 3 @[1893499200000]`}, script.made); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeRecorded(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*alert.Group)
		made   int
	}{
		"more than the limit": {func(g *alert.Group) { g.Limit = new(1) }, 0},
		"the same twice":      {func(g *alert.Group) { g.Labels = map[string]string{"pod": "all"} }, 0},
		"as many as may be":   {func(g *alert.Group) { g.Limit = new(2) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, script := play(t, map[string]string{"x": "=", "y": "."})
			groups := recording()
			tc.change(&groups[0])
			load(t, s, groups)
			if at(t, s, 0); len(script.made) != tc.made {
				t.Errorf("made %v", script.made)
			}
		})
	}
}

func TestNowhereToRecord(t *testing.T) {
	s, script := play(t, map[string]string{"x": "3", "y": "."})
	script.refuses = true
	load(t, s, recording())
	if err := s.Evaluate(t.Context(), noon); err == nil || err.Error() != `record job:x of group "g": refused` {
		t.Errorf("got %v", err)
	}
	s = New(Options{Name: "built-in", Query: script.query})
	load(t, s, recording())
	script.asked = nil
	at(t, s, 0)
	for _, query := range script.asked {
		if query == "x" {
			t.Error("what cannot be recorded is not asked for")
		}
	}
}

func TestStockIsTakenNowAndThen(t *testing.T) {
	s, script := play(t, map[string]string{"x": "..............", "y": ".............."})
	script.stock = promql.Vector{{Metric: labels.FromStrings("metric", "x", "delivery_signal_dev_release", "new")}}
	taken := func() int {
		n := 0
		for _, query := range script.asked {
			if query == alert.StockQuery(alerting(nil, nil)) || query == alert.StockQuery(recording()) {
				n++
			}
		}
		return n
	}
	load(t, s, alerting(nil, nil))
	if s.Stock() != nil {
		t.Error("it was not taken")
	}
	for second, want := range []int{1, 1, 1, 1, 1, 2, 2} {
		if at(t, s, second); taken() != want {
			t.Errorf("at %ds: taken %d times", second, taken())
		}
	}
	load(t, s, alerting(nil, nil))
	if at(t, s, 7); taken() != 2 {
		t.Error("the same rules need no other stock")
	}
	load(t, s, recording())
	if at(t, s, 8); taken() != 3 {
		t.Error("other rules need other stock")
	}
	if diff := cmp.Diff(alert.Stock{"x": {"new"}}, s.Stock()); diff != "" {
		t.Error(diff)
	}
}

package alert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func alerting(exprs ...string) []Group {
	g := Group{Name: "g"}
	for _, expr := range exprs {
		g.Rules = append(g.Rules, monitoringv1.Rule{Alert: "A", Expr: intstr.FromString(expr)})
	}
	return []Group{g}
}

func TestStockQuery(t *testing.T) {
	one := func(names, scope string) string {
		return `group by (metric, resource, delivery_signal_dev_release) (label_replace({__name__=~"` + names + `"` + scope + `}, "metric", "$1", "__name__", "(.+)"))`
	}
	for name, tc := range map[string]struct {
		groups []Group
		want   string
	}{
		"no rules":                   {nil, ""},
		"no metric":                  {alerting("vector(1) > 0"), ""},
		"only what is sparse":        {alerting("ALERTS > 0"), ""},
		"recording rules alone":      {[]Group{{Rules: []monitoringv1.Rule{{Record: "r", Expr: intstr.FromString("a")}}}}, ""},
		"each once, in order":        {alerting("b > 1", "a / b > 1"), one("a|b", "")},
		"whose they are":             {alerting(`a{namespace="n",code="500"} > 1`), one("a", `,namespace="n"`)},
		"of one and of another":      {alerting(`b{namespace="n"} > 1`, `a{namespace="m"} > 1`), one("a", `,namespace="m"`) + " or " + one("b", `,namespace="n"`)},
		"what cannot be read is out": {alerting("a >", "b > 1"), one("b", "")},
	} {
		t.Run(name, func(t *testing.T) {
			got := StockQuery(tc.groups)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if got != "" && parsed(got) == nil {
				t.Errorf("it is no PromQL: %s", got)
			}
		})
	}
}

func TestStockOf(t *testing.T) {
	got := StockOf([]labels.Labels{
		labels.FromStrings("metric", "a", "delivery_signal_dev_release", "new"),
		labels.FromStrings("metric", "a", "delivery_signal_dev_release", "old"),
		labels.FromStrings("metric", "l", "resource", "cpu", "delivery_signal_dev_release", "new"),
		labels.FromStrings("metric", "l", "resource", "memory", "delivery_signal_dev_release", "new"),
		labels.FromStrings("metric", "k"),
	})
	want := Stock{
		"a": {"new", "old"}, "k": {""},
		"l": {"new"}, `l{resource="cpu"}`: {"new"}, `l{resource="memory"}`: {"new"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Stock{}, StockOf(nil)); diff != "" {
		t.Errorf("of nothing: %s", diff)
	}
}

package alert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestWhatFiresBeforeTheStart(t *testing.T) {
	critical := map[string]string{"severity": "critical"}
	rule := func(labels map[string]string, firing ...map[string]string) LiveRule {
		r := LiveRule{Name: "Broken", Query: "up == 0", Labels: labels, Healthy: true}
		for _, f := range firing {
			r.Firing = append(r.Firing, Firing{Labels: f})
		}
		return r
	}
	call := []Call{{Name: "Broken", Severity: "critical"}}
	for name, tc := range map[string]struct {
		group string
		rule  LiveRule
		want  []Call
	}{
		"nothing":                         {"mine", rule(critical), nil},
		"my own rule":                     {"mine", rule(critical, map[string]string{}), call},
		"about the stable release":        {"mine", rule(critical, map[string]string{"namespace": "prod", "delivery_signal_dev_name": "app", "delivery_signal_dev_release": "v1"}), call},
		"my own rule, elsewhere":          {"mine", rule(critical, map[string]string{"namespace": "test"}), nil},
		"of my group's name, not my rule": {"mine", LiveRule{Name: "Broken", Query: "up == 1", Labels: critical, Firing: []Firing{{}}}, nil},
		"about another one":               {"mine", rule(critical, map[string]string{"delivery_signal_dev_name": "cart"}), nil},
		"someone's rule, my namespace":    {"theirs", rule(critical, map[string]string{"namespace": "prod"}), call},
		"someone's rule, someone else":    {"theirs", rule(critical, map[string]string{"namespace": "test"}), nil},
		"someone's rule, of nobody":       {"theirs", rule(critical, map[string]string{}), nil},
		"the alert has its own words":     {"mine", rule(critical, map[string]string{"alertname": "Worse", "severity": "page"}), []Call{{Name: "Worse", Severity: "page"}}},
		"no severity":                     {"mine", rule(nil, map[string]string{}), []Call{{Name: "Broken"}}},
	} {
		t.Run(name, func(t *testing.T) {
			mine := Group{Name: "mine", Rules: []monitoringv1.Rule{{Alert: "Broken", Expr: intstr.FromString("up == 0")}, {Record: "up:sum", Expr: intstr.FromString("sum(up)")}}}
			got := Calling([]Group{mine}, []LiveGroup{{Name: tc.group, Rules: []LiveRule{tc.rule}}}, Subject{Namespace: "prod", Name: "app", Release: "v2"})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

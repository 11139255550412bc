package alert

import (
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

func TestHowLongAnAlertTakesToFire(t *testing.T) {
	rule := func(holds monitoringv1.Duration, severity string) monitoringv1.Rule {
		r := monitoringv1.Rule{Alert: "A", For: &holds}
		if severity != "" {
			r.Labels = map[string]string{"severity": severity}
		}
		return r
	}
	for name, tc := range map[string]struct {
		groups []Group
		want   time.Duration
	}{
		"no rules":                   {nil, 0},
		"at once":                    {[]Group{{Rules: []monitoringv1.Rule{{Alert: "A", Labels: map[string]string{"severity": "critical"}}}}}, 0},
		"the longest":                {[]Group{{Rules: []monitoringv1.Rule{rule("30s", "critical"), rule("2m", "critical"), rule("1m", "critical")}}}, 2 * time.Minute},
		"in another group":           {[]Group{{Rules: []monitoringv1.Rule{rule("30s", "critical")}}, {Rules: []monitoringv1.Rule{rule("1m", "page")}}}, time.Minute},
		"of another severity":        {[]Group{{Rules: []monitoringv1.Rule{rule("30s", "critical"), rule("1h", "warning")}}}, 30 * time.Second},
		"of no severity":             {[]Group{{Rules: []monitoringv1.Rule{rule("1h", "")}}}, 0},
		"of the group's severity":    {[]Group{{Labels: map[string]string{"severity": "critical"}, Rules: []monitoringv1.Rule{rule("1h", "")}}}, time.Hour},
		"of its own all the same":    {[]Group{{Labels: map[string]string{"severity": "critical"}, Rules: []monitoringv1.Rule{rule("1h", "info")}}}, 0},
		"what is no duration at all": {[]Group{{Rules: []monitoringv1.Rule{rule("soon", "critical")}}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Longest(tc.groups, []string{"critical", "page"}); got != tc.want {
				t.Errorf("takes %s, want %s", got, tc.want)
			}
		})
	}
}

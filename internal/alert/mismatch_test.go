package alert

import (
	"fmt"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func selector(pairs ...string) *metav1.LabelSelector {
	s := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		s.MatchLabels[pairs[i]] = pairs[i+1]
	}
	return s
}

func selecting(namespace, name string, rules, namespaces *metav1.LabelSelector) monitoringv1.Prometheus {
	p := monitoringv1.Prometheus{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	p.Spec.RuleSelector, p.Spec.RuleNamespaceSelector = rules, namespaces
	return p
}

func TestMismatch(t *testing.T) {
	rule := &monitoringv1.PrometheusRule{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app", Labels: map[string]string{"release": "kps", "team": "a"}}}
	everything, everywhere := selector(), selector()
	for name, tc := range map[string]struct {
		prometheuses []monitoringv1.Prometheus
		want         string // empty: one selects it
	}{
		"there is none":                    {nil, "there is no Prometheus object that could select PrometheusRule prod/app: make sure that the server loads rules from such objects"},
		"selects everything everywhere":    {[]monitoringv1.Prometheus{selecting("monitoring", "k8s", everything, everywhere)}, ""},
		"selects everything beside itself": {[]monitoringv1.Prometheus{selecting("prod", "k8s", everything, nil)}, ""},
		"by a label that it has":           {[]monitoringv1.Prometheus{selecting("prod", "k8s", selector("release", "kps"), nil)}, ""},
		"by another value": {
			[]monitoringv1.Prometheus{selecting("prod", "k8s", selector("release", "other"), nil)},
			"Prometheus prod/k8s selects rules by spec.ruleSelector, and PrometheusRule prod/app has release=kps, where release=other is asked for: start the operator with such --prometheus-rule-labels",
		},
		"by a label that it lacks": {
			[]monitoringv1.Prometheus{selecting("prod", "k8s", selector("prometheus", "k8s"), nil)},
			"Prometheus prod/k8s selects rules by spec.ruleSelector, and PrometheusRule prod/app has no label prometheus, where prometheus=k8s is asked for: start the operator with such --prometheus-rule-labels",
		},
		"no rules at all":            {[]monitoringv1.Prometheus{selecting("prod", "k8s", nil, nil)}, "Prometheus prod/k8s selects no rules: its spec.ruleSelector is absent"},
		"of its own namespace alone": {[]monitoringv1.Prometheus{selecting("monitoring", "k8s", everything, nil)}, "Prometheus monitoring/k8s selects rules of its own namespace alone: its spec.ruleNamespaceSelector is absent, and does not reach prod"},
		"of other namespaces": {
			[]monitoringv1.Prometheus{selecting("monitoring", "k8s", everything, selector("watched", "yes"))},
			"Prometheus monitoring/k8s selects namespaces by spec.ruleNamespaceSelector: make sure that the labels of namespace prod meet watched=yes",
		},
		"of other namespaces, by name": {
			[]monitoringv1.Prometheus{selecting("monitoring", "k8s", everything, selector("kubernetes.io/metadata.name", "dev"))},
			"Prometheus monitoring/k8s selects namespaces by spec.ruleNamespaceSelector, and namespace prod has kubernetes.io/metadata.name=prod, where kubernetes.io/metadata.name=dev is asked for",
		},
		"of other namespaces perhaps, and surely other rules": {
			[]monitoringv1.Prometheus{selecting("monitoring", "k8s", selector("release", "other"), selector("watched", "yes"))},
			"Prometheus monitoring/k8s selects rules by spec.ruleSelector, and PrometheusRule prod/app has release=kps, where release=other is asked for",
		},
		"by the namespace's name": {[]monitoringv1.Prometheus{selecting("monitoring", "k8s", everything, selector("kubernetes.io/metadata.name", "prod"))}, ""},
		"by a selector that is not valid": {
			[]monitoringv1.Prometheus{selecting("prod", "k8s", &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}}}, nil)},
			"cannot be matched, for the selector is not valid",
		},
		"one of two is enough": {[]monitoringv1.Prometheus{selecting("a", "a", nil, nil), selecting("prod", "k8s", everything, nil)}, ""},
		"two, in order": {
			[]monitoringv1.Prometheus{selecting("b", "b", everything, nil), selecting("a", "a", everything, nil)},
			"Prometheus a/a selects rules of its own namespace alone: its spec.ruleNamespaceSelector is absent, and does not reach prod; Prometheus b/b selects",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Mismatch(tc.prometheuses, rule)
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("says\n%q, not\n%q", got, tc.want)
			}
		})
	}
}

// However many there are, and in whatever order they are listed, the message
// is short and the same.
func TestMismatchIsBounded(t *testing.T) {
	rule := &monitoringv1.PrometheusRule{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app"}}
	var some, reversed []monitoringv1.Prometheus
	for i := range 20 {
		some = append(some, selecting("m", fmt.Sprint("p", i), nil, selector()))
		reversed = append(reversed, selecting("m", fmt.Sprint("p", 19-i), nil, selector()))
	}
	got := Mismatch(some, rule)
	if n := strings.Count(got, "Prometheus m/"); n != 3 || !strings.HasSuffix(got, "; nor does any of 17 more") {
		t.Errorf("names %d: %s", n, got)
	}
	if again := Mismatch(reversed, rule); again != got {
		t.Errorf("says %q one time and %q another", got, again)
	}
}

package alert

import (
	"fmt"
	"slices"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// maxNamed bounds how many Prometheus objects are named in a message.
const maxNamed = 3

// Mismatch says why none of the Prometheus objects selects the published rule,
// and what would help; it is empty when one does. The labels are those of the
// rule's namespace.
func Mismatch(prometheuses []monitoringv1.Prometheus, namespaceLabels map[string]string, rule *monitoringv1.PrometheusRule) string {
	if len(prometheuses) == 0 {
		return fmt.Sprintf("there is no Prometheus object that could select PrometheusRule %s/%s: make sure that the server loads rules from such objects", rule.Namespace, rule.Name)
	}
	whys := make([]string, 0, len(prometheuses))
	for i := range prometheuses {
		p := &prometheuses[i]
		why := unselects(p, namespaceLabels, rule)
		if why == "" {
			return ""
		}
		whys = append(whys, fmt.Sprintf("Prometheus %s/%s %s", p.Namespace, p.Name, why))
	}
	slices.Sort(whys)
	more := ""
	if len(whys) > maxNamed {
		more = fmt.Sprintf("; nor does any of %d more", len(whys)-maxNamed)
		whys = whys[:maxNamed]
	}
	return strings.Join(whys, "; ") + more
}

// unselects says why one Prometheus does not select the rule, or nothing.
func unselects(p *monitoringv1.Prometheus, namespaceLabels map[string]string, rule *monitoringv1.PrometheusRule) string {
	if why := outside(p, namespaceLabels, rule.Namespace); why != "" {
		return why
	}
	if p.Spec.RuleSelector == nil {
		return "selects no rules: its spec.ruleSelector is absent"
	}
	why := unmatched(p.Spec.RuleSelector, rule.Labels)
	if why == "" {
		return ""
	}
	return fmt.Sprintf("selects rules by spec.ruleSelector, and PrometheusRule %s/%s %s: start the operator with such --prometheus-rule-labels", rule.Namespace, rule.Name, why)
}

// outside says why a Prometheus does not look into the rule's namespace.
func outside(p *monitoringv1.Prometheus, namespaceLabels map[string]string, namespace string) string {
	if p.Spec.RuleNamespaceSelector == nil {
		if p.Namespace == namespace {
			return ""
		}
		return fmt.Sprintf("selects rules of its own namespace alone: its spec.ruleNamespaceSelector is absent, and does not reach %s", namespace)
	}
	why := unmatched(p.Spec.RuleNamespaceSelector, namespaceLabels)
	if why == "" {
		return ""
	}
	return fmt.Sprintf("selects namespaces by spec.ruleNamespaceSelector, and namespace %s %s: label it so", namespace, why)
}

// unmatched says which requirement of a selector the labels do not meet: the
// first, in the order of their names.
func unmatched(selector *metav1.LabelSelector, has map[string]string) string {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return "cannot be matched, for the selector is not valid"
	}
	requirements, _ := parsed.Requirements()
	for _, r := range requirements {
		if r.Matches(labels.Set(has)) {
			continue
		}
		if value, present := has[r.Key()]; present {
			return fmt.Sprintf("has %s=%s, where %s is asked for", r.Key(), value, r.String())
		}
		return fmt.Sprintf("has no label %s, where %s is asked for", r.Key(), r.String())
	}
	return ""
}

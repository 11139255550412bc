package alert

import (
	"fmt"
	"slices"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// maxNamed bounds how many Prometheus objects are named in a message.
const maxNamed = 3

// Mismatch says why none of the Prometheus objects selects the published rule,
// and what would help; it is empty when one does. Of the rule's namespace it
// knows the name alone, which is a label, too: the operator may not read
// namespaces, and says what to make sure of.
func Mismatch(prometheuses []monitoringv1.Prometheus, rule *monitoringv1.PrometheusRule) string {
	if len(prometheuses) == 0 {
		return fmt.Sprintf("there is no Prometheus object that could select PrometheusRule %s/%s: make sure that the server loads rules from such objects", rule.Namespace, rule.Name)
	}
	whys := make([]string, 0, len(prometheuses))
	for i := range prometheuses {
		p := &prometheuses[i]
		why := unselects(p, rule)
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

// unselects says why one Prometheus does not select the rule, or may not, or
// nothing. What is sure comes first.
func unselects(p *monitoringv1.Prometheus, rule *monitoringv1.PrometheusRule) string {
	sure, maybe := outside(p, rule.Namespace)
	if sure != "" {
		return sure
	}
	if p.Spec.RuleSelector == nil {
		return "selects no rules: its spec.ruleSelector is absent"
	}
	if why, _ := unmatched(p.Spec.RuleSelector, rule.Labels); why != "" {
		return fmt.Sprintf("selects rules by spec.ruleSelector, and PrometheusRule %s/%s %s: start the operator with such --prometheus-rule-labels", rule.Namespace, rule.Name, why)
	}
	return maybe
}

// outside says why a Prometheus does not look into the rule's namespace, or
// why it may not.
func outside(p *monitoringv1.Prometheus, namespace string) (sure, maybe string) {
	if p.Spec.RuleNamespaceSelector == nil {
		if p.Namespace == namespace {
			return "", ""
		}
		return fmt.Sprintf("selects rules of its own namespace alone: its spec.ruleNamespaceSelector is absent, and does not reach %s", namespace), ""
	}
	why, asked := unmatched(p.Spec.RuleNamespaceSelector, map[string]string{corev1.LabelMetadataName: namespace})
	switch {
	case why == "":
		return "", ""
	case asked == nil || asked.Key() == corev1.LabelMetadataName:
		return fmt.Sprintf("selects namespaces by spec.ruleNamespaceSelector, and namespace %s %s", namespace, why), ""
	}
	return "", fmt.Sprintf("selects namespaces by spec.ruleNamespaceSelector: make sure that the labels of namespace %s meet %s", namespace, asked.String())
}

// unmatched says which requirement of a selector the labels do not meet: the
// first, in the order of their names. It is nil where the selector is not valid.
func unmatched(selector *metav1.LabelSelector, has map[string]string) (why string, asked *labels.Requirement) {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return "cannot be matched, for the selector is not valid", nil
	}
	requirements, _ := parsed.Requirements()
	for i := range requirements {
		r := &requirements[i]
		if r.Matches(labels.Set(has)) {
			continue
		}
		if value, present := has[r.Key()]; present {
			return fmt.Sprintf("has %s=%s, where %s is asked for", r.Key(), value, r.String()), r
		}
		return fmt.Sprintf("has no label %s, where %s is asked for", r.Key(), r.String()), r
	}
	return "", nil
}

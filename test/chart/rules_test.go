package chart_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// kept are the rules about the operator as config/prometheus has them.
func kept(t *testing.T) monitoringv1.PrometheusRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "config", "prometheus", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rule monitoringv1.PrometheusRule
	if err := yaml.UnmarshalStrict(text, &rule); err != nil {
		t.Fatal(err)
	}
	return rule
}

// sameRules compares the chart's rules with those of config/prometheus.
func sameRules(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	var got monitoringv1.PrometheusRule
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept(t).Spec, got.Spec); diff != "" {
		t.Errorf("rules (-config +chart):\n%s", diff)
	}
	if got.Labels["release"] != "kube-prometheus-stack" {
		t.Errorf("labels %v", got.Labels)
	}
}

// TestRulesAboutTheOperator holds them to metrics that there are, and to
// runbooks that are written.
func TestRulesAboutTheOperator(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join(root, "controllers", "signaldeployment_scorecard.go"))
	if err != nil {
		t.Fatal(err)
	}
	metric, rules := regexp.MustCompile(`signal_[a-z_]+`), 0
	for _, group := range kept(t).Spec.Groups {
		for _, rule := range group.Rules {
			rules++
			expr := rule.Expr.String()
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(expr); err != nil {
				t.Errorf("%s: %v", rule.Alert, err)
			}
			for _, name := range metric.FindAllString(expr, -1) {
				if !strings.Contains(string(source), `"`+name+`"`) {
					t.Errorf("%s asks for %s, which the operator does not have", rule.Alert, name)
				}
			}
			runbook, err := os.ReadFile(filepath.Join(root, "docs", "runbooks", "operator", rule.Alert+".md"))
			if err != nil {
				t.Error(err)
			}
			for _, part := range []string{"# " + rule.Alert + "\n", "\n## Look\n", "\n## Do\n"} {
				if !strings.Contains(string(runbook), part) {
					t.Errorf("the runbook of %s has no %q", rule.Alert, part)
				}
			}
			if url := rule.Annotations["runbook_url"]; !strings.HasSuffix(url, "/docs/runbooks/operator/"+rule.Alert+".md") {
				t.Errorf("%s leads to %s", rule.Alert, url)
			}
		}
	}
	if rules == 0 {
		t.Error("there are no rules")
	}
}

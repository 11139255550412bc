package alert

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var rulesKey = v1alpha1.ConfigMapKey{Name: "rules", Key: "rules.yaml"}

func appWith(spec v1alpha1.AlertsSpec) *v1alpha1.SignalDeployment {
	return &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app", UID: "app"},
		Spec:       v1alpha1.SignalDeploymentSpec{Alerts: spec},
	}
}

// file is a rule file with one group of one rule.
func file(rule string) string {
	return "groups:\n- name: g\n  rules:\n  - " + strings.ReplaceAll(rule, "; ", "\n    ") + "\n"
}

func TestParseKeepsEverything(t *testing.T) {
	spec := v1alpha1.AlertsSpec{
		Groups: []v1alpha1.AlertRuleGroup{{Name: "availability", Interval: "15s", Rules: []v1alpha1.AlertRule{
			{Alert: "HighErrors", Expr: `errors{namespace="${namespace}",app="${name}"} > 0.01`, For: "1m", Labels: map[string]string{"severity": "critical"}, Annotations: map[string]string{"summary": "{{ $value }} of ${name}"}},
			{Alert: "Down", Expr: "up == 0"},
		}}},
		RulesFrom: []v1alpha1.ConfigMapKey{rulesKey},
	}
	files := map[v1alpha1.ConfigMapKey]string{rulesKey: `
groups:
- name: latency
  interval: 30s
  limit: 5
  query_offset: 1m
  labels: {team: signal}
  rules:
  - record: job:latency:p95
    expr: histogram_quantile(0.95, rate(latency_bucket{namespace="${namespace}"}[5m]))
    labels: {kind: slo}
  - alert: Slow
    expr: job:latency:p95 > 1
    for: 5m
    keep_firing_for: 10m
    labels: {severity: warning}
`}
	got, err := Parse(appWith(spec), files)
	if err != nil {
		t.Fatal(err)
	}
	want := []Group{
		{Name: "prod/app/availability", Interval: new(monitoringv1.Duration("15s")), Rules: []monitoringv1.Rule{
			{Alert: "HighErrors", Expr: intstr.FromString(`errors{namespace="prod",app="app"} > 0.01`), For: new(monitoringv1.Duration("1m")), Labels: map[string]string{"severity": "critical"}, Annotations: map[string]string{"summary": "{{ $value }} of ${name}"}},
			{Alert: "Down", Expr: intstr.FromString("up == 0")},
		}},
		{Name: "prod/app/latency", Interval: new(monitoringv1.Duration("30s")), Limit: new(5), QueryOffset: new(monitoringv1.Duration("1m")), Labels: map[string]string{"team": "signal"}, Rules: []monitoringv1.Rule{
			{Record: "job:latency:p95", Expr: intstr.FromString(`histogram_quantile(0.95, rate(latency_bucket{namespace="prod"}[5m]))`), Labels: map[string]string{"kind": "slo"}},
			{Alert: "Slow", Expr: intstr.FromString("job:latency:p95 > 1"), For: new(monitoringv1.Duration("5m")), KeepFiringFor: new(monitoringv1.NonEmptyDuration("10m")), Labels: map[string]string{"severity": "warning"}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if original := spec.Groups[0].Rules[0].Expr; !strings.Contains(original, "${name}") {
		t.Errorf("the spec was changed: %s", original)
	}
}

func TestNoAlertsAtAll(t *testing.T) {
	if got, err := Parse(appWith(v1alpha1.AlertsSpec{}), nil); len(got) > 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBadInlineRules(t *testing.T) {
	const at = `spec.alerts.groups[0] "availability", rule 2 "HighErrors": `
	for name, tc := range map[string]struct {
		rule v1alpha1.AlertRule
		want string
	}{
		"no PromQL":                {v1alpha1.AlertRule{Expr: "errors > 0.01 >"}, at + "expr 1:16: parse error: unexpected end of input"},
		"behind a variable":        {v1alpha1.AlertRule{Expr: `x{n="${namespace}"} ?`}, at + "expr 1:21: parse error: unexpected character: '?'"},
		"an unknown variable":      {v1alpha1.AlertRule{Expr: `x{r="${release}"}`}, at + "expr: ${release} is not known in a rule: there are ${namespace} and ${name}"},
		"an unended variable":      {v1alpha1.AlertRule{Expr: `x == "${name`}, at + `expr: ${name is not known in a rule: there are ${namespace} and ${name}`},
		"a range vector":           {v1alpha1.AlertRule{Expr: "x[1m]"}, at + "expr: must answer with an instant vector, but is a range vector"},
		"a string":                 {v1alpha1.AlertRule{Expr: `"x"`}, at + "expr: must answer with an instant vector, but is a string"},
		"a scalar":                 {v1alpha1.AlertRule{Expr: "1"}, ""},
		"a bad duration":           {v1alpha1.AlertRule{Expr: "x", For: "1m1h"}, at + `for: not a valid duration string: "1m1h"`},
		"a label of Prometheus":    {v1alpha1.AlertRule{Expr: "x", Labels: map[string]string{"__name__": "x"}}, at + `label "__name__": cannot have this name`},
		"a label that is no UTF-8": {v1alpha1.AlertRule{Expr: "x", Labels: map[string]string{"a": "\xff"}}, at + `label "a": has a value that is not UTF-8`},
		"an annotation of no name": {v1alpha1.AlertRule{Expr: "x", Annotations: map[string]string{"": "x"}}, at + `annotation "": cannot have this name`},
		"good":                     {v1alpha1.AlertRule{Expr: "x > 1", For: "1h30m", Labels: map[string]string{"severity": "critical"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.rule.Alert = "HighErrors"
			spec := v1alpha1.AlertsSpec{Groups: []v1alpha1.AlertRuleGroup{{Name: "availability", Rules: []v1alpha1.AlertRule{{Alert: "Down", Expr: "up == 0"}, tc.rule}}}}
			if _, err := Parse(appWith(spec), nil); text(err) != tc.want {
				t.Errorf("got  %q\nwant %q", text(err), tc.want)
			}
		})
	}
}

// A name may not be part of an identifier, where it would change its meaning.
func TestANameThatDoesNotParse(t *testing.T) {
	sd := appWith(v1alpha1.AlertsSpec{Groups: []v1alpha1.AlertRuleGroup{{Name: "g", Rules: []v1alpha1.AlertRule{{Alert: "A", Expr: "${name}_errors"}}}}})
	sd.Name = "1app"
	if _, err := Parse(sd, nil); err == nil {
		t.Error("1app_errors is no metric")
	}
}

func TestBadFiles(t *testing.T) {
	const (
		at   = `spec.alerts.rulesFrom[0] (ConfigMap "rules", key "rules.yaml")`
		rule = at + ` groups[0] "g", rule 1 `
	)
	for name, tc := range map[string]struct{ text, want string }{
		"good":                  {file("alert: A; expr: up == 0"), ""},
		"a number":              {file("alert: A; expr: 1"), ""},
		"not YAML":              {"groups: [", at + ": is not a Prometheus rule file: error converting YAML to JSON: yaml: line 1: did not find expected node content"},
		"an unknown field":      {file("alert: A; expr: up; fro: 1m"), at + `: is not a Prometheus rule file: error unmarshaling JSON: while decoding JSON: json: unknown field "fro"`},
		"a field twice":         {file("alert: A; expr: up; expr: down"), at + ": is not a Prometheus rule file: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key \"expr\" already set in map"},
		"empty":                 {"", at + ": has no groups"},
		"without groups":        {"groups: []", at + ": has no groups"},
		"a group without name":  {"groups:\n- rules: []", at + " groups[0]: needs a name"},
		"a group twice":         {"groups:\n- name: g\n- name: h\n- name: g", at + ` groups[2] "g": a group of this name is in ` + at + ` groups[0] "g" already`},
		"a group of the spec":   {"groups:\n- name: inline", at + ` groups[0] "inline": a group of this name is in spec.alerts.groups[0] "inline" already`},
		"a bad interval":        {"groups:\n- name: g\n  interval: soon", at + ` groups[0] "g": interval: not a valid duration string: "soon"`},
		"a bad offset":          {"groups:\n- name: g\n  query_offset: soon", at + ` groups[0] "g": query_offset: not a valid duration string: "soon"`},
		"a bad group label":     {"groups:\n- name: g\n  labels: {__name__: x}", at + ` groups[0] "g": label "__name__": cannot have this name`},
		"neither kind of rule":  {file("expr: up"), rule + `"": needs exactly one of alert and record`},
		"both kinds of rule":    {file("alert: A; record: r; expr: up"), rule + `"A": needs exactly one of alert and record`},
		"no expression":         {file("alert: A"), rule + `"A": expr: must be given`},
		"an empty expression":   {file(`alert: A; expr: ""`), rule + `"A": expr: must be given`},
		"no PromQL":             {file("alert: A; expr: up =="), rule + `"A": expr 1:6: parse error: unexpected end of input`},
		"a bad keep_firing_for": {file("alert: A; expr: up; keep_firing_for: soon"), rule + `"A": keep_firing_for: not a valid duration string: "soon"`},
		"a record, no metric":   {file(`record: "a{}"; expr: up`), rule + `"a{}": record: is not the name of a metric`},
		"a record that waits":   {file("record: r; expr: up; for: 1m"), rule + `"r": a recording rule has no for, keep_firing_for or annotations`},
		"a record that is kept": {file("record: r; expr: up; keep_firing_for: 1m"), rule + `"r": a recording rule has no for, keep_firing_for or annotations`},
		"an annotated record":   {file("record: r; expr: up; annotations: {a: b}"), rule + `"r": a recording rule has no for, keep_firing_for or annotations`},
		"a record's label":      {file("record: r; expr: up; labels: {__name__: b}"), rule + `"r": label "__name__": cannot have this name`},
		"as long as it may be":  {file("alert: A; expr: up == 0") + strings.Repeat("#", maxFiles-len(file("alert: A; expr: up == 0"))), ""},
		"too long":              {file("alert: A; expr: up == 0") + strings.Repeat("#", maxFiles), at + ": makes the rule files longer than 512 KiB together"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := v1alpha1.AlertsSpec{
				Groups:    []v1alpha1.AlertRuleGroup{{Name: "inline", Rules: []v1alpha1.AlertRule{{Alert: "A", Expr: "up"}}}},
				RulesFrom: []v1alpha1.ConfigMapKey{rulesKey},
			}
			_, err := Parse(appWith(spec), map[v1alpha1.ConfigMapKey]string{rulesKey: tc.text})
			if text(err) != tc.want {
				t.Errorf("got  %q\nwant %q", text(err), tc.want)
			}
		})
	}
}

func TestMissingFiles(t *testing.T) {
	other := v1alpha1.ConfigMapKey{Name: "rules", Key: "other.yaml"}
	files := map[v1alpha1.ConfigMapKey]string{rulesKey: file("alert: A; expr: up == 0")}
	_, err := Parse(appWith(v1alpha1.AlertsSpec{RulesFrom: []v1alpha1.ConfigMapKey{rulesKey, other}}), files)
	if want := `spec.alerts.rulesFrom[1]: there is no ConfigMap "rules" with a key "other.yaml"`; text(err) != want {
		t.Errorf("got  %q\nwant %q", text(err), want)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

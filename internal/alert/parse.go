// Package alert knows the alert rules of a service: whether they can be
// understood, how they are published, and what firing ones say of a release.
// It evaluates none: a metric server does.
package alert

import (
	"fmt"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Group is a rule group as it is published: its name is unique in the metric
// server, and its expressions have their variables filled in.
type Group = monitoringv1.RuleGroup

// maxFile is how long a rule file may be, in bytes.
const maxFile = 512 << 10

// Parse reads the inline groups and the rule files, by the ConfigMap key that
// holds each. The error is the first problem: it names the field or the file,
// the group, the rule and the position. In expressions, ${namespace} and
// ${name} are filled in; a rule outlives releases, so there is no ${release}.
func Parse(sd *v1alpha1.SignalDeployment, files map[v1alpha1.ConfigMapKey]string) ([]Group, error) {
	p := parsing{sd: sd, from: map[string]string{}}
	for i, group := range sd.Spec.Alerts.Groups {
		if err := p.add(fmt.Sprintf("spec.alerts.groups[%d]", i), inline(group)); err != nil {
			return nil, err
		}
	}
	for i, key := range sd.Spec.Alerts.RulesFrom {
		where := fmt.Sprintf("spec.alerts.rulesFrom[%d]", i)
		text, has := files[key]
		if !has {
			return nil, fmt.Errorf("%s: there is no ConfigMap %q with a key %q", where, key.Name, key.Key)
		}
		if err := p.addFile(fmt.Sprintf("%s (ConfigMap %q, key %q)", where, key.Name, key.Key), text); err != nil {
			return nil, err
		}
	}
	return p.groups, nil
}

// parsing is what has been read so far.
type parsing struct {
	sd     *v1alpha1.SignalDeployment
	groups []Group
	from   map[string]string // where each group came from, by name
}

func (p *parsing) addFile(where, text string) error {
	if len(text) > maxFile {
		return fmt.Errorf("%s: has %d bytes, more than the %d that are read", where, len(text), maxFile)
	}
	var file struct {
		Groups []Group `json:"groups"`
	}
	if err := yaml.UnmarshalStrict([]byte(text), &file); err != nil {
		return fmt.Errorf("%s: is not a Prometheus rule file: %w", where, err)
	}
	for i, group := range file.Groups {
		if err := p.add(fmt.Sprintf("%s: groups[%d]", where, i), group); err != nil {
			return err
		}
	}
	return nil
}

// add checks a group and gives it the name that it is published under.
func (p *parsing) add(where string, group Group) error {
	where = fmt.Sprintf("%s (group %q)", where, group.Name)
	if group.Name == "" {
		return fmt.Errorf("%s: needs a name", where)
	}
	if first, twice := p.from[group.Name]; twice {
		return fmt.Errorf("%s: a group of this name is in %s already", where, first)
	}
	p.from[group.Name] = where
	if err := p.checkDuration("interval", (*string)(group.Interval)); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for i := range group.Rules {
		if err := p.fill(&group.Rules[i]); err != nil {
			return fmt.Errorf("%s, rule %d %q: %w", where, i, nameOf(group.Rules[i]), err)
		}
	}
	group.Name = groupName(p.sd, group.Name)
	p.groups = append(p.groups, group)
	return nil
}

// groupName is unique in the metric server.
func groupName(sd *v1alpha1.SignalDeployment, group string) string {
	return sd.Namespace + "/" + sd.Name + "/" + group
}

// fill checks a rule and fills in its variables.
func (p *parsing) fill(rule *monitoringv1.Rule) error {
	if (rule.Alert == "") == (rule.Record == "") {
		return fmt.Errorf("needs exactly one of alert and record")
	}
	text := strings.NewReplacer("${namespace}", p.sd.Namespace, "${name}", p.sd.Name).Replace(rule.Expr.String())
	if at := strings.Index(text, "${"); at >= 0 {
		return fmt.Errorf("expr: %s is not known in a rule: there are ${namespace} and ${name}", strings.SplitAfterN(text[at:], "}", 2)[0])
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return fmt.Errorf("expr: %w", err)
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return fmt.Errorf("expr: must answer with an instant vector, but is a %s", parser.DocumentedType(t))
	}
	rule.Expr = intstr.FromString(text)
	if err := p.checkDuration("for", (*string)(rule.For)); err != nil {
		return err
	}
	return p.checkDuration("keep_firing_for", (*string)(rule.KeepFiringFor))
}

func (p *parsing) checkDuration(field string, text *string) error {
	if text == nil || *text == "" {
		return nil
	}
	if _, err := model.ParseDuration(*text); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}

// inline is a group of the spec as a rule file would have it.
func inline(group v1alpha1.AlertRuleGroup) Group {
	out := Group{Name: group.Name, Interval: duration(group.Interval)}
	for _, rule := range group.Rules {
		out.Rules = append(out.Rules, monitoringv1.Rule{
			Alert: rule.Alert, Expr: intstr.FromString(rule.Expr), For: duration(rule.For),
			Labels: rule.Labels, Annotations: rule.Annotations,
		})
	}
	return out
}

func duration(text string) *monitoringv1.Duration {
	if text == "" {
		return nil
	}
	d := monitoringv1.Duration(text)
	return &d
}

func nameOf(rule monitoringv1.Rule) string {
	if rule.Alert != "" {
		return rule.Alert
	}
	return rule.Record
}

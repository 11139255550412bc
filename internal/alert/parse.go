// Package alert knows the alert rules of a service: whether they can be
// understood, how they are published, and what firing ones say of a release.
// It evaluates none: a metric server does.
package alert

import (
	"errors"
	"fmt"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Group is a rule group as it is published: its name is unique in the metric
// server, and its expressions have their variables filled in.
type Group = monitoringv1.RuleGroup

// maxFiles is how long the rule files may be together, in bytes: they are
// published in one object, and objects are limited to little more.
const maxFiles = 512 << 10

// Parse reads the inline groups and the rule files, by the ConfigMap key that
// holds each. The error is the first problem: it names the field or the file,
// the group, the rule (from 1) and the position. In expressions, ${namespace}
// and ${name} are filled in; a rule outlives releases, so there is no
// ${release}. Templates in labels and annotations are not looked at.
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
	bytes  int               // of files
}

func (p *parsing) addFile(where, text string) error {
	p.bytes += len(text)
	if p.bytes > maxFiles {
		return fmt.Errorf("%s: makes the rule files longer than %d KiB together", where, maxFiles>>10)
	}
	var file struct {
		Groups []Group `json:"groups"`
	}
	if err := yaml.UnmarshalStrict([]byte(text), &file); err != nil {
		return fmt.Errorf("%s: is not a Prometheus rule file: %w", where, err)
	}
	if len(file.Groups) == 0 {
		return fmt.Errorf("%s: has no groups", where)
	}
	for i, group := range file.Groups {
		if err := p.add(fmt.Sprintf("%s groups[%d]", where, i), group); err != nil {
			return err
		}
	}
	return nil
}

// add checks a group and gives it the name that it is published under.
func (p *parsing) add(where string, group Group) error {
	if group.Name == "" {
		return fmt.Errorf("%s: needs a name", where)
	}
	where = fmt.Sprintf("%s %q", where, group.Name)
	if group.Name == LibraryGroup {
		return fmt.Errorf("%s: is the name of the default rules: choose another", where)
	}
	if first, twice := p.from[group.Name]; twice {
		return fmt.Errorf("%s: a group of this name is in %s already", where, first)
	}
	p.from[group.Name] = where
	if err := checkGroup(group); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for i := range group.Rules {
		if err := p.fill(&group.Rules[i]); err != nil {
			return fmt.Errorf("%s, rule %d %q: %w", where, i+1, nameOf(group.Rules[i]), err)
		}
	}
	group.Name = GroupName(p.sd, group.Name)
	p.groups = append(p.groups, group)
	return nil
}

// LibraryGroup is the group of the default rules, which no other may be
// called.
const LibraryGroup = "signal-library"

// GroupName is the name that a group is published under, unique in the metric
// server.
func GroupName(sd *v1alpha1.SignalDeployment, group string) string {
	return sd.Namespace + "/" + sd.Name + "/" + group
}

// OfLibrary reports whether a published group is that of the default rules.
func OfLibrary(group Group) bool { return strings.HasSuffix(group.Name, "/"+LibraryGroup) }

// fill checks a rule and fills in its variables.
func (p *parsing) fill(rule *monitoringv1.Rule) error {
	if err := checkRule(*rule); err != nil {
		return err
	}
	text := rule.Expr.String()
	if text == "" || text == "0" && rule.Expr.Type == intstr.Int {
		return errors.New("expr: must be given")
	}
	filled, err := expand(text, p.sd.Namespace, p.sd.Name)
	rule.Expr = intstr.FromString(filled)
	return err
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
	return new(monitoringv1.Duration(text))
}

func nameOf(rule monitoringv1.Rule) string {
	if rule.Alert != "" {
		return rule.Alert
	}
	return rule.Record
}

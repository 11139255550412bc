package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/promql/parser"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on alerts.
const (
	ReasonFiring      = "AlertFiring"           // fires for the candidate
	ReasonQuiet       = "Quiet"                 // does not fire for the candidate
	ReasonFiredBefore = "FiredBefore"           // fired before the release started, and still does
	ReasonLoaded      = "RulesLoaded"           // every rule is evaluated
	ReasonNotLoaded   = "RulesNotLoaded"        // a rule is not evaluated
	ReasonUnhealthy   = "RuleEvaluationFailing" // a rule's evaluation fails
	ReasonUnavailable = "ServerUnavailable"     // the server gives no answer
)

// maxFiring bounds what is remembered of alerts that fire.
const maxFiring = 64

// Subject is the release that is watched.
type Subject struct {
	Namespace, Name string
	Release, Stable string   // hashes of the candidate and of the stable release
	Source          string   // the metric server that was asked
	RollbackOn      []string // severities that turn a release back
	FiredBefore     []string // keys of alerts that fired before the release started
}

// Reading is what the rules say of the subject.
type Reading struct {
	Verdicts []verdict.Verdict // one for each rule of a severity that turns a release back
	Loaded   verdict.Verdict   // whether every rule is evaluated
	Firing   []string          // keys of the alerts that fire for the subject, sorted
}

// Unreachable is the reading of a server that gives no answer.
func Unreachable(source string) Reading {
	v := verdict.With(
		verdict.Wait(v1alpha1.SignalAlert, ReasonUnavailable, "Metric server %s does not answer; the operator goes on asking", source),
		verdict.Evidence{Source: source},
	)
	return Reading{Verdicts: []verdict.Verdict{v}, Loaded: v}
}

// Judge holds what is evaluated against what was asked for.
func Judge(groups []Group, live []LiveGroup, s Subject) Reading {
	r := Reading{Loaded: verdict.With(verdict.Pass(v1alpha1.SignalAlert, ReasonLoaded, "Metric server %s evaluates every rule", s.Source), verdict.Evidence{Source: s.Source})}
	for _, group := range groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				r.hear(group.Name, rule, find(live, group.Name, rule), s)
			}
		}
	}
	slices.Sort(r.Firing)
	r.Firing = slices.Compact(r.Firing)
	r.Firing = r.Firing[:min(len(r.Firing), maxFiring)]
	return r
}

// hear takes in what one rule says.
func (r *Reading) hear(group string, rule monitoringv1.Rule, live *LiveRule, s Subject) {
	grave := slices.Contains(s.RollbackOn, rule.Labels["severity"])
	var v verdict.Verdict
	switch {
	case live == nil:
		v = verdict.Wait(v1alpha1.SignalAlert, ReasonNotLoaded, "Metric server %s does not evaluate rule %q of group %q: check the labels by which it selects rules", s.Source, rule.Alert, group)
		r.doubt(v)
	case !live.Healthy:
		v = verdict.Wait(v1alpha1.SignalAlert, ReasonUnhealthy, "Metric server %s cannot evaluate rule %q of group %q: %s", s.Source, rule.Alert, group, verdict.Clip(live.LastError, 512))
		r.doubt(v)
	default:
		v = r.listen(rule, live, s)
	}
	if grave {
		v.Name = rule.Alert
		r.Verdicts = append(r.Verdicts, v)
	}
}

// doubt keeps the first reason not to believe in the silence of the rules.
func (r *Reading) doubt(v verdict.Verdict) {
	if r.Loaded.Outcome == verdict.Passed {
		r.Loaded = v
	}
}

// listen says whether an evaluated rule fires for the candidate.
func (r *Reading) listen(rule monitoringv1.Rule, live *LiveRule, s Subject) verdict.Verdict {
	says := verdict.With(verdict.Pass(v1alpha1.SignalAlert, ReasonQuiet, "Alert %s does not fire for the candidate", rule.Alert),
		verdict.Evidence{Query: verdict.Clip(live.Query, 4096), Source: s.Source})
	for _, alert := range live.Firing {
		if !s.concerns(alert.Labels) {
			continue
		}
		key := keyOf(alert.Labels)
		r.Firing = append(r.Firing, key)
		evidence := verdict.Evidence{
			Value: verdict.Clip(alert.Value, 256), Query: verdict.Clip(live.Query, 4096), Source: s.Source, Time: metav1.NewTime(alert.Since),
		}
		if !slices.Contains(s.FiredBefore, key) {
			return verdict.With(verdict.Fail(v1alpha1.SignalAlert, ReasonFiring, "Alert %s fires for the candidate%s", key, summary(alert)), evidence)
		}
		says = verdict.With(verdict.Pass(v1alpha1.SignalAlert, ReasonFiredBefore, "Alert %s fired before the release started, and is not blamed on it", key), evidence)
	}
	return says
}

// concerns reports whether an alert with these labels is the candidate's: it
// is, unless they name another release, another SignalDeployment or another
// namespace.
func (s Subject) concerns(labels map[string]string) bool {
	for label, own := range map[string]string{"namespace": s.Namespace, "delivery_signal_dev_name": s.Name, "delivery_signal_dev_release": s.Release} {
		if value, named := labels[label]; named && value != own {
			return false
		}
	}
	return s.Stable == "" || labels["release"] != s.Stable
}

// find is the evaluated rule that was asked for: of that group and name, with
// an expression that means the same.
func find(live []LiveGroup, group string, rule monitoringv1.Rule) *LiveRule {
	for _, g := range live {
		if g.Name != group {
			continue
		}
		for i, r := range g.Rules {
			if r.Name == rule.Alert && canonical(r.Query) == canonical(rule.Expr.String()) {
				return &g.Rules[i]
			}
		}
	}
	return nil
}

// canonical is how Prometheus prints an expression.
func canonical(query string) string {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return query
	}
	return expr.String()
}

// keyOf names an alert by its labels, in order: Name{a="b"}.
func keyOf(labels map[string]string) string {
	var parts []string
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if label != "alertname" {
			parts = append(parts, fmt.Sprintf("%s=%q", label, labels[label]))
		}
	}
	return verdict.Clip(labels["alertname"]+"{"+strings.Join(parts, ",")+"}", 512)
}

func summary(alert Firing) string {
	for _, annotation := range []string{"summary", "description", "message"} {
		if text := alert.Annotations[annotation]; text != "" {
			return ": " + verdict.Clip(text, 512)
		}
	}
	return ""
}

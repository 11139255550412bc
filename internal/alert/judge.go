package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on alerts.
const (
	ReasonFiring       = "AlertFiring"           // fires for the candidate
	ReasonQuiet        = "Quiet"                 // does not fire for the candidate
	ReasonFiredBefore  = "FiredBefore"           // fired before the release started, and still does
	ReasonNoRules      = "NoRules"               // there are no alert rules
	ReasonLoaded       = "RulesLoaded"           // every rule is evaluated
	ReasonNotLoaded    = "RulesNotLoaded"        // a rule is not known to the server
	ReasonNotEvaluated = "RuleNotEvaluated"      // a rule is known, and was never evaluated
	ReasonUnhealthy    = "RuleEvaluationFailing" // a rule's evaluation fails
	ReasonUnavailable  = "ServerUnavailable"     // the server gives no answer
	ReasonMissing      = "MetricsMissing"        // a rule, or a part of it, is not applicable: the server lacks its metrics
	ReasonUnheard      = "NotHeardYet"           // a rule is quiet, and the server has not listened for long enough
	ReasonPending      = "AlertPending"          // would fire by now, may be, had the server listened all the time
)

// severityLabel decides, with rollbackOn, whether a rule turns a release back.
const severityLabel = "severity"

// unselected is what to look at when nothing more is known.
const unselected = "check that it selects the PrometheusRule, by its labels and namespace, and has loaded it"

// maxFiring bounds what is remembered of alerts that fire.
const maxFiring = 64

// Bounds on texts in messages and evidence, in bytes.
const (
	maxWords     = 512
	maxQuery     = 4096
	maxThreshold = 256
)

// Reading is what the rules say of the subject.
type Reading struct {
	Verdicts []verdict.Verdict // one for each rule of a severity that turns a release back
	Loaded   verdict.Verdict   // whether every rule is evaluated
	Absent   []verdict.Verdict // one for each rule that is not applicable, or only in part: Unknown, to be shown, not to be waited for
	Firing   []string          // keys of at most 64 alerts that fire for the subject, sorted; of more, those that turn a release back come first
	Before   []string          // keys of those that fire, or are to, and are none of its doing; sorted
}

// Gaps is one verdict on all rules that are not applicable, if there are any.
func (r Reading) Gaps() []verdict.Verdict {
	if len(r.Absent) == 0 {
		return nil
	}
	names := make([]string, 0, len(r.Absent))
	for _, v := range r.Absent {
		names = append(names, v.Name)
	}
	v := verdict.Wait(v1alpha1.SignalAlert, ReasonMissing, "Of the alert rules, these are not applicable, or only in part, for want of metrics: %s", strings.Join(names, ", "))
	return []verdict.Verdict{verdict.With(v, verdict.Evidence{Source: r.Absent[0].Evidence.Source})}
}

// Unreachable is the reading of a server that gives no answer.
func Unreachable(source string) Reading {
	v := verdict.With(
		verdict.Wait(v1alpha1.SignalAlert, ReasonUnavailable, "Metric server %s does not say which alerts fire; the operator goes on asking", source),
		verdict.Evidence{Source: source},
	)
	return Reading{Verdicts: []verdict.Verdict{v}, Loaded: v}
}

// Judge holds what is evaluated against what was asked for.
func Judge(groups []Group, live []LiveGroup, s Subject) Reading {
	l := listening{subject: s, live: live}
	for _, group := range groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				l.hear(group, rule)
			}
		}
	}
	if len(l.silent) > 0 {
		l.verdicts = append(l.verdicts, l.silence())
	}
	return Reading{Verdicts: l.verdicts, Absent: l.absent, Loaded: l.loaded(), Firing: remembered(l.grave, l.other), Before: remembered(l.before, nil)}
}

// listening is what has been heard so far.
type listening struct {
	subject      Subject
	live         []LiveGroup
	rules        int
	doubt        *verdict.Verdict  // the first reason not to believe in silence
	verdicts     []verdict.Verdict // of rules that turn a release back
	absent       []verdict.Verdict // of rules that are not applicable
	names        []string          // of those that are not in any part
	silent       []string          // default rules that are quiet, though they would turn a release back
	grave, other []string          // keys of what fires, by whether it turns a release back
	before       []string          // keys of what is none of the release's doing
}

// hear takes in what one rule says.
func (l *listening) hear(group Group, rule monitoringv1.Rule) {
	l.rules++
	live := find(l.live, group, rule, l.subject.Namespace)
	v, keys := listen(group, rule, live, l.subject)
	l.excuse(live)
	if l.subject.Deaf != "" && v.Outcome != verdict.Failed {
		if l.subject.Barren && OfLibrary(group) {
			l.other = append(l.other, keys...)
			l.lacks(rule, *v.Evidence, true, "Rule %q is not applicable: metric server %s %s", rule.Alert, l.subject.Source, l.subject.Deaf)
			return
		}
		v = l.deaf(v)
	}
	if v.Outcome == verdict.Unknown && l.doubt == nil {
		l.doubt = &v
	}
	if v.Reason == ReasonQuiet && l.mute(group, rule, *v.Evidence) {
		return
	}
	if !slices.Contains(l.subject.RollbackOn, severityOf(group, rule)) {
		l.other = append(l.other, keys...)
		return
	}
	l.grave = append(l.grave, keys...)
	if v.Reason == ReasonQuiet && OfLibrary(group) {
		l.silent = append(l.silent, rule.Alert)
		return
	}
	l.verdicts = append(l.verdicts, v)
}

// excuse notes what is none of the release's doing, be it only pending: when
// it fires later, it still is not.
func (l *listening) excuse(live *LiveRule) {
	if live == nil {
		return
	}
	for _, a := range mine(live.Firing, l.subject) {
		if l.subject.before(a) {
			l.before = append(l.before, a.key)
		}
	}
	for _, a := range mine(live.Pending, l.subject) {
		if l.subject.before(a) {
			l.before, l.other = append(l.before, a.key), append(l.other, a.key)
		}
	}
}

// deaf is a verdict on a rule of which nothing can be said.
func (l *listening) deaf(v verdict.Verdict) verdict.Verdict {
	unheard := verdict.Wait(v1alpha1.SignalAlert, ReasonUnheard, "Metric server %s %s: that rule %q is quiet says nothing", l.subject.Source, l.subject.Deaf, v.Name)
	return verdict.With(verdict.Named(unheard, v.Name), *v.Evidence)
}

// silence is one verdict on all default rules that are quiet: nobody has to
// read of each that it is.
func (l *listening) silence() verdict.Verdict {
	v := verdict.Pass(v1alpha1.SignalAlert, ReasonQuiet, "Of the default alert rules, none fires for the candidate: %s", strings.Join(l.silent, ", "))
	return verdict.With(v, verdict.Evidence{Source: l.subject.Source})
}

// mute notes that a quiet rule is not applicable, for want of metrics, and
// reports whether its silence says nothing. That of a rule of the library
// does not: nobody asked for it. The user's own stay as they are.
func (l *listening) mute(group Group, rule monitoringv1.Rule, rests verdict.Evidence) bool {
	if l.subject.Stock == nil {
		return false
	}
	applies := l.subject.Stock.Applies(rule.Expr.String(), l.subject.Release)
	if len(applies.Missing) == 0 {
		return false
	}
	how := "in part"
	if applies.None {
		how = "at all"
	}
	l.lacks(rule, rests, applies.None, "Rule %q is not applicable %s: metric server %s has no %s of this release", rule.Alert, how, l.subject.Source, strings.Join(applies.Missing, ", "))
	return applies.None && OfLibrary(group)
}

// lacks notes that a rule is not applicable, in every part or not.
func (l *listening) lacks(rule monitoringv1.Rule, rests verdict.Evidence, all bool, format string, args ...any) {
	if all {
		l.names = append(l.names, rule.Alert)
	}
	v := verdict.Wait(v1alpha1.SignalAlert, ReasonMissing, format, args...)
	l.absent = append(l.absent, verdict.With(verdict.Named(v, rule.Alert), rests))
}

// loaded says whether every rule is evaluated, and which say nothing.
func (l *listening) loaded() verdict.Verdict {
	if l.doubt != nil {
		return *l.doubt
	}
	unsaid := ""
	if len(l.names) > 0 {
		unsaid = "; not applicable, for want of metrics: " + strings.Join(l.names, ", ")
	}
	v := verdict.Pass(v1alpha1.SignalAlert, ReasonLoaded, "Metric server %s evaluates every alert rule%s", l.subject.Source, unsaid)
	if l.rules == 0 {
		v = verdict.Pass(v1alpha1.SignalAlert, ReasonNoRules, "There are no alert rules")
	}
	return verdict.With(v, verdict.Evidence{Source: l.subject.Source})
}

// severityOf is the rule's severity, else its group's.
func severityOf(group Group, rule monitoringv1.Rule) string {
	if severity, own := rule.Labels[severityLabel]; own {
		return severity
	}
	return group.Labels[severityLabel]
}

// listen says whether a rule fires for the subject, and with which keys.
func listen(group Group, rule monitoringv1.Rule, live *LiveRule, s Subject) (verdict.Verdict, []string) {
	evidence := verdict.Evidence{Query: verdict.Clip(rule.Expr.String(), maxQuery), Threshold: verdict.Clip(threshold(rule.Expr.String()), maxThreshold), Source: s.Source}
	doubt := func(reason, format string, args ...any) (verdict.Verdict, []string) {
		return verdict.With(verdict.Named(verdict.Wait(v1alpha1.SignalAlert, reason, format, args...), rule.Alert), evidence), nil
	}
	switch {
	case live == nil:
		return doubt(ReasonNotLoaded, "Metric server %s does not know rule %q of group %q as it was asked for: %s", s.Source, rule.Alert, group.Name, cmp.Or(s.Mismatch, unselected))
	case live.Healthy:
		v, keys := heard(rule.Alert, mine(live.Firing, s), s, evidence)
		if late, is := pending(mine(live.Pending, s), s); is && v.Outcome != verdict.Failed {
			v = verdict.With(late, evidence)
		}
		return verdict.Named(v, rule.Alert), keys
	case live.LastError == "":
		return doubt(ReasonNotEvaluated, "Metric server %s has not evaluated rule %q of group %q yet", s.Source, rule.Alert, group.Name)
	}
	return doubt(ReasonUnhealthy, "Metric server %s cannot evaluate rule %q of group %q: %s", s.Source, rule.Alert, group.Name, verdict.Clip(live.LastError, maxWords))
}

// heard is what a rule's alerts say: the first, in order, that the release is
// to blame for, else that those which fire did so before.
func heard(rule string, firing []keyed, s Subject, evidence verdict.Evidence) (v verdict.Verdict, keys []string) {
	v = verdict.With(verdict.Pass(v1alpha1.SignalAlert, ReasonQuiet, "Alert %s does not fire for the candidate", rule), evidence)
	for _, alert := range firing {
		keys = append(keys, alert.key)
		if v.Outcome == verdict.Failed {
			continue
		}
		seen := evidence
		seen.Value, seen.Time = verdict.Clip(alert.Value, maxThreshold), metav1.NewTime(alert.Since)
		switch {
		case !s.before(alert):
			v = verdict.With(verdict.Fail(v1alpha1.SignalAlert, ReasonFiring, "Alert %s fires for the candidate%s%s", alert.key, value(alert.Firing), summary(alert.Firing)), seen)
		case v.Reason == ReasonQuiet:
			v = verdict.With(verdict.Pass(v1alpha1.SignalAlert, ReasonFiredBefore, "Alert %s fired before the release started, and is not blamed on it", alert.key), seen)
		}
	}
	return v, keys
}

// relearning is how long a server that listens anew takes to see again what
// held all the time: the windows of expressions have to fill.
const relearning = time.Minute

// pending says that an alert might fire by now, had its server listened all
// the time: its "for" has begun anew.
func pending(alerts []keyed, s Subject) (verdict.Verdict, bool) {
	for _, a := range alerts {
		if !s.Anew.IsZero() && a.Since.Before(s.Anew.Add(relearning)) && !s.before(a) {
			return verdict.Wait(v1alpha1.SignalAlert, ReasonPending, "Alert %s is pending for the candidate, and may have been since before metric server %s began to listen anew", a.key, s.Source), true
		}
	}
	return verdict.Verdict{}, false
}

func value(alert Firing) string {
	if alert.Value == "" {
		return ""
	}
	return fmt.Sprintf(" with value %s", verdict.Clip(alert.Value, maxThreshold))
}

func summary(alert Firing) string {
	for _, annotation := range []string{"summary", "description", "message"} {
		if text := alert.Annotations[annotation]; text != "" {
			return ": " + verdict.Clip(text, maxWords)
		}
	}
	return ""
}

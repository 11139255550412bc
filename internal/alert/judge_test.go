package alert

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

const kind = v1alpha1.SignalAlert

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

var watched = Subject{Namespace: "prod", Name: "app", Release: "new", Stable: "old", Source: "main", RollbackOn: []string{"critical", "page"}}

// asked is a group of one rule, and loaded what a server makes of it.
func asked(severity string) []Group {
	return []Group{{Name: "prod/app/g", Rules: []monitoringv1.Rule{{Alert: "HighErrors", Expr: intstr.FromString("errors > 0.01"), Labels: map[string]string{"severity": severity}}}}}
}

func loaded(change func(*LiveRule), firing ...Firing) []LiveGroup {
	rule := LiveRule{Name: "HighErrors", Query: "errors > 0.01", Labels: map[string]string{"severity": "critical"}, Healthy: true, Firing: firing}
	if change != nil {
		change(&rule)
	}
	return []LiveGroup{{Name: "other", Rules: []LiveRule{{Name: "HighErrors", Query: "errors > 0.01", Healthy: true}}}, {Name: "prod/app/g", Rules: []LiveRule{{Name: "Other"}, rule}}}
}

// firing is an alert with these labels, in pairs.
func firing(pairs ...string) Firing {
	f := Firing{Labels: map[string]string{"alertname": "HighErrors"}, Value: "0.31", Since: noon}
	for i := 0; i < len(pairs); i += 2 {
		f.Labels[pairs[i]] = pairs[i+1]
	}
	return f
}

var (
	rests = verdict.Evidence{Threshold: "> 0.01", Query: "errors > 0.01", Source: "main"}
	saw   = verdict.Evidence{Value: "0.31", Threshold: "> 0.01", Query: "errors > 0.01", Source: "main", Time: metav1.NewTime(noon)}
	whole = verdict.With(verdict.Pass(kind, ReasonLoaded, "Metric server main evaluates every alert rule"), verdict.Evidence{Source: "main"})
)

func said(v verdict.Verdict, e verdict.Evidence) verdict.Verdict {
	return verdict.With(verdict.Named(v, "HighErrors"), e)
}

func TestJudge(t *testing.T) {
	summary := firing("pod", "a", "severity", "critical")
	summary.Annotations = map[string]string{"description": "long", "summary": "31 % of requests fail"}
	quiet := said(verdict.Pass(kind, ReasonQuiet, "Alert HighErrors does not fire for the candidate"), rests)
	missing := said(verdict.Wait(kind, ReasonNotLoaded, `Metric server main does not know rule "HighErrors" of group "prod/app/g" as it was asked for: check that it selects the PrometheusRule, by its labels and namespace, and has loaded it`), rests)
	unhealthy := said(verdict.Wait(kind, ReasonUnhealthy, `Metric server main cannot evaluate rule "HighErrors" of group "prod/app/g": many-to-many`), rests)
	early := said(verdict.Wait(kind, ReasonNotEvaluated, `Metric server main has not evaluated rule "HighErrors" of group "prod/app/g" yet`), rests)

	for name, tc := range map[string]struct {
		groups []Group
		live   []LiveGroup
		before []string
		want   Reading
	}{
		"no rules": {want: Reading{Loaded: verdict.With(verdict.Pass(kind, ReasonNoRules, "There are no alert rules"), verdict.Evidence{Source: "main"})}},
		"only recording rules": {
			groups: []Group{{Name: "g", Rules: []monitoringv1.Rule{{Record: "r", Expr: intstr.FromString("up")}}}},
			want:   Reading{Loaded: verdict.With(verdict.Pass(kind, ReasonNoRules, "There are no alert rules"), verdict.Evidence{Source: "main"})},
		},
		"quiet": {groups: asked("critical"), live: loaded(nil), want: Reading{Verdicts: []verdict.Verdict{quiet}, Loaded: whole}},
		"fires": {groups: asked("critical"), live: loaded(nil, summary), want: Reading{
			Verdicts: []verdict.Verdict{said(verdict.Fail(kind, ReasonFiring, `Alert HighErrors{pod="a",severity="critical"} fires for the candidate with value 0.31: 31 %% of requests fail`), saw)},
			Loaded:   whole, Firing: []string{`HighErrors{pod="a",severity="critical"}`},
		}},
		"fires without labels": {groups: asked("critical"), live: loaded(nil, firing()), want: Reading{
			Verdicts: []verdict.Verdict{said(verdict.Fail(kind, ReasonFiring, `Alert HighErrors fires for the candidate with value 0.31`), saw)},
			Loaded:   whole, Firing: []string{`HighErrors`},
		}},
		"one severity of the several": {groups: asked("page"), live: loaded(func(r *LiveRule) { r.Labels["severity"] = "page" }, firing()), want: Reading{
			Verdicts: []verdict.Verdict{said(verdict.Fail(kind, ReasonFiring, `Alert HighErrors fires for the candidate with value 0.31`), saw)},
			Loaded:   whole, Firing: []string{`HighErrors`},
		}},
		"fires, but turns nothing back": {groups: asked("warning"), live: loaded(func(r *LiveRule) { r.Labels["severity"] = "warning" }, firing()), want: Reading{Loaded: whole, Firing: []string{`HighErrors`}}},
		"fires for the stable release":  {groups: asked("critical"), live: loaded(nil, firing("release", "old")), want: Reading{Verdicts: []verdict.Verdict{quiet}, Loaded: whole}},
		"fired before": {groups: asked("critical"), live: loaded(nil, firing("pod", "b"), firing("pod", "a")), before: []string{`HighErrors{pod="a"}`, `HighErrors{pod="b"}`}, want: Reading{
			Verdicts: []verdict.Verdict{said(verdict.Pass(kind, ReasonFiredBefore, `Alert HighErrors{pod="a"} fired before the release started, and is not blamed on it`), saw)},
			Loaded:   whole, Firing: []string{`HighErrors{pod="a"}`, `HighErrors{pod="b"}`}, Before: []string{`HighErrors{pod="a"}`, `HighErrors{pod="b"}`},
		}},
		"another fires as well": {groups: asked("critical"), live: loaded(nil, firing("pod", "c"), firing("pod", "b"), firing("pod", "a")), before: []string{`HighErrors{pod="a"}`}, want: Reading{
			Verdicts: []verdict.Verdict{said(verdict.Fail(kind, ReasonFiring, `Alert HighErrors{pod="b"} fires for the candidate with value 0.31`), saw)},
			Loaded:   whole, Firing: []string{`HighErrors{pod="a"}`, `HighErrors{pod="b"}`, `HighErrors{pod="c"}`}, Before: []string{`HighErrors{pod="a"}`},
		}},
		"nothing is loaded":          {groups: asked("critical"), want: Reading{Verdicts: []verdict.Verdict{missing}, Loaded: missing}},
		"not loaded, without effect": {groups: asked("warning"), want: Reading{Loaded: missing}},
		"another expression":         {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Query = "errors > 0.5" }, firing()), want: Reading{Verdicts: []verdict.Verdict{missing}, Loaded: missing}},
		"another name":               {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Name = "Errors" }, firing()), want: Reading{Verdicts: []verdict.Verdict{missing}, Loaded: missing}},
		"another severity":           {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Labels["severity"] = "warning" }, firing()), want: Reading{Verdicts: []verdict.Verdict{missing}, Loaded: missing}},
		"more labels":                {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Labels["cluster"] = "eu" }), want: Reading{Verdicts: []verdict.Verdict{quiet}, Loaded: whole}},
		"printed in another way":     {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Query = "errors>1e-2" }), want: Reading{Verdicts: []verdict.Verdict{quiet}, Loaded: whole}},
		"cannot be evaluated":        {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Healthy, r.LastError = false, "many-to-many" }, firing()), want: Reading{Verdicts: []verdict.Verdict{unhealthy}, Loaded: unhealthy}},
		"not evaluated yet":          {groups: asked("critical"), live: loaded(func(r *LiveRule) { r.Healthy = false }), want: Reading{Verdicts: []verdict.Verdict{early}, Loaded: early}},
	} {
		t.Run(name, func(t *testing.T) {
			s := watched
			s.FiredBefore = tc.before
			if diff := cmp.Diff(tc.want, Judge(tc.groups, tc.live, s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whom an alert is about, by its labels.
func TestWhoseAlert(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Subject)
		labels []string
		mine   bool
	}{
		"names nobody":                        {labels: []string{"job", "x"}, mine: true},
		"names the candidate":                 {labels: []string{"delivery_signal_dev_release", "new", "release", "new"}, mine: true},
		"names the stable release":            {labels: []string{"delivery_signal_dev_release", "old"}},
		"names a release of long ago":         {labels: []string{"delivery_signal_dev_release", "older"}},
		"says release, and means stable":      {labels: []string{"release", "old"}},
		"says release, and means Helm's":      {labels: []string{"release", "kube-prometheus"}, mine: true},
		"names the namespace":                 {labels: []string{"namespace", "prod"}, mine: true},
		"names another namespace":             {labels: []string{"namespace", "dev"}},
		"names the SignalDeployment":          {labels: []string{"delivery_signal_dev_name", "app"}, mine: true},
		"names another SignalDeployment":      {labels: []string{"delivery_signal_dev_name", "web"}},
		"names a release before there is one": {change: func(s *Subject) { s.Release = "" }, labels: []string{"delivery_signal_dev_release", "old"}},
		"an empty release without a stable":   {change: func(s *Subject) { s.Stable = "" }, labels: []string{"release", ""}, mine: true},
		"the candidate is the stable release": {change: func(s *Subject) { s.Stable = "new" }, labels: []string{"release", "new"}, mine: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := watched
			if tc.change != nil {
				tc.change(&s)
			}
			got := Judge(asked("critical"), loaded(nil, firing(tc.labels...)), s)
			if failed := got.Verdicts[0].Outcome == verdict.Failed; failed != tc.mine || (len(got.Firing) > 0) != tc.mine {
				t.Errorf("got %s, firing %v; want it to be the candidate's: %t", got.Verdicts[0].Outcome, got.Firing, tc.mine)
			}
		})
	}
}

// Rules may share their name and expression, and differ in severity alone.
func TestRulesOfOneNameAreToldApart(t *testing.T) {
	groups := asked("warning")
	groups[0].Rules = append(groups[0].Rules, asked("critical")[0].Rules...)
	live := loaded(func(r *LiveRule) { r.Labels["severity"] = "warning" }, firing("severity", "warning"))
	live[1].Rules = append(live[1].Rules, loaded(nil)[1].Rules...)
	got := Judge(groups, live, watched)
	if len(got.Verdicts) != 1 || got.Verdicts[0].Reason != ReasonQuiet || got.Loaded.Reason != ReasonLoaded {
		t.Errorf("the warning was taken for critical: %+v", got)
	}
}

func TestAGroupGivesItsRulesASeverity(t *testing.T) {
	groups := asked("")
	groups[0].Labels, groups[0].Rules[0].Labels = map[string]string{"severity": "critical"}, nil
	if got := Judge(groups, loaded(nil, firing()), watched); len(got.Verdicts) != 1 || got.Verdicts[0].Outcome != verdict.Failed {
		t.Errorf("got %+v", got.Verdicts)
	}
	groups[0].Rules[0].Labels = map[string]string{"severity": "warning"}
	if got := Judge(groups, loaded(nil, firing()), watched); len(got.Verdicts) != 0 {
		t.Errorf("the rule's own severity counts: %+v", got.Verdicts)
	}
}

// The first rule that cannot be relied upon is named, in the spec's order.
func TestTheFirstDoubtIsNamed(t *testing.T) {
	groups := asked("critical")
	for _, name := range []string{"First", "Second"} {
		groups = append(groups, Group{Name: "prod/app/more", Rules: []monitoringv1.Rule{{Alert: name, Expr: intstr.FromString("up")}}})
	}
	if got := Judge(groups, loaded(nil), watched).Loaded; got.Name != "First" || got.Outcome != verdict.Unknown {
		t.Errorf("got %s %s", got.Outcome, got.Name)
	}
}

func TestWhatFiresIsBounded(t *testing.T) {
	groups := asked("warning")
	groups[0].Rules = append(groups[0].Rules, monitoringv1.Rule{Alert: "Zebra", Expr: intstr.FromString("zebra"), Labels: map[string]string{"severity": "critical"}})
	live := loaded(func(r *LiveRule) { r.Labels["severity"] = "warning" })
	warnings := &live[1].Rules[1]
	for i := range 100 {
		warnings.Firing = append(warnings.Firing, firing("pod", fmt.Sprintf("%03d", i)), firing("pod", fmt.Sprintf("%03d", i)))
	}
	grave := Firing{Labels: map[string]string{"alertname": "Zebra"}}
	live[1].Rules = append(live[1].Rules, LiveRule{Name: "Zebra", Query: "zebra", Healthy: true, Firing: []Firing{grave}})

	got := Judge(groups, live, watched).Firing
	var want []string
	for i := range 63 {
		want = append(want, fmt.Sprintf("HighErrors{pod=%q}", fmt.Sprintf("%03d", i)))
	}
	if diff := cmp.Diff(append(want, "Zebra"), got); diff != "" {
		t.Error(diff)
	}
}

func TestLongKeysStayApart(t *testing.T) {
	long := strings.Repeat("x", 600)
	first, second := keyOf(map[string]string{"alertname": "A", "pod": long + "1"}), keyOf(map[string]string{"alertname": "A", "pod": long + "2"})
	if first == second || len(first) > 512 || !strings.HasPrefix(first, "A{pod=") {
		t.Errorf("%d bytes: %s and %s", len(first), first, second)
	}
	if whole := keyOf(map[string]string{"alertname": "A", "pod": long[:503]}); len(whole) != 512 || !strings.HasSuffix(whole, `x"}`) {
		t.Errorf("%d bytes fit: %s", len(whole), whole)
	}
	if again := keyOf(map[string]string{"pod": long + "1", "alertname": "A"}); again != first {
		t.Errorf("%s, then %s", first, again)
	}
}

func TestEvidenceFitsTheSchema(t *testing.T) {
	f := firing("pod", strings.Repeat("x", 5000))
	f.Value, f.Annotations = strings.Repeat("1", 5000), map[string]string{"message": strings.Repeat("y", 5000)}
	v := Judge(asked("critical"), loaded(nil, f), watched).Verdicts[0]
	if len(v.Evidence.Value) > 256 || len(v.Message) > 2048 || v.Outcome != verdict.Failed {
		t.Errorf("%s: value of %d bytes, message of %d", v.Outcome, len(v.Evidence.Value), len(v.Message))
	}
}

func TestUnreachable(t *testing.T) {
	v := verdict.With(verdict.Wait(kind, ReasonUnavailable, "Metric server main does not say which alerts fire; the operator goes on asking"), verdict.Evidence{Source: "main"})
	if diff := cmp.Diff(Reading{Verdicts: []verdict.Verdict{v}, Loaded: v}, Unreachable("main")); diff != "" {
		t.Error(diff)
	}
}

var errRefused = errors.New("refused")

package controllers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// server is a Prometheus that evaluates some groups.
type server struct {
	groups []alert.LiveGroup
	err    error
	asked  int
	stock  int
}

func (*server) Name() string { return "main" }

func (s *server) Rules(context.Context) ([]alert.LiveGroup, error) {
	s.asked++
	return s.groups, s.err
}

func (s *server) Stock(context.Context, string, time.Time) (alert.Stock, error) {
	s.stock++
	return alert.Stock{"up": {""}}, s.err
}

// live are groups as a server evaluates them.
func live(groups []alert.Group) []alert.LiveGroup {
	var all []alert.LiveGroup
	for _, g := range groups {
		one := alert.LiveGroup{Name: g.Name}
		for _, r := range g.Rules {
			one.Rules = append(one.Rules, alert.LiveRule{Name: r.Alert, Query: r.Expr.String(), Labels: r.Labels, Healthy: true})
		}
		all = append(all, one)
	}
	return all
}

// publishing is a SignalDeployment whose rules are evaluated by the built-in
// source, and published for a Prometheus.
func publishing(t *testing.T, s *server, broken error) (*SignalDeploymentReconciler, *v1alpha1.SignalDeployment, *clocktesting.FakePassiveClock) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), monitoringv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	prometheus := &monitoringv1.Prometheus{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: "k8s"}}
	prometheus.Spec.RuleNamespaceSelector = &metav1.LabelSelector{}
	prometheus.Spec.RuleSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"prometheus": "k8s"}}
	c := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(prometheus, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "prod"}}).
		WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return errors.Join(broken, c.List(ctx, list, opts...))
		}}).Build()
	clock := clocktesting.NewFakePassiveClock(noon)
	sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Alerts = v1alpha1.AlertsSpec{Server: v1alpha1.ServerBuiltIn, RollbackOn: []string{"critical"}}
		sd.Status.Candidate = new(testkit.Release("bbbbbbbbbb"))
		sd.Status.Rollout.Phase = v1alpha1.PhaseProgressing
	})
	return &SignalDeploymentReconciler{Live: c, Clock: clock, Rooms: Rooms{
		Alerts: map[string]alert.Source{"main": s}, RulesPublished: true, Prometheuses: true,
	}}, sd, clock
}

// observe looks once, and says what the condition would be made of.
func observed(t *testing.T, r *SignalDeploymentReconciler, sd *v1alpha1.SignalDeployment) (*world, string) {
	t.Helper()
	groups, err := r.rulesOf(sd, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{groups: groups.judging, published: groups.published, loaded: verdict.Pass(v1alpha1.SignalAlert, alert.ReasonLoaded, "Metric server built-in evaluates every alert rule")}
	if err := r.observePublished(t.Context(), sd, w); err != nil {
		t.Fatal(err)
	}
	return w, string(w.loaded.Outcome) + " " + w.loaded.Reason
}

// What was published and stays away is first waited for, then explained, then
// told to be wrong; no release waits for it.
func TestPublishedRulesThatAreNotLoaded(t *testing.T) {
	s := &server{}
	r, sd, clock := publishing(t, s, nil)
	var course []string
	for _, after := range []time.Duration{0, time.Second, 30 * time.Second, 60 * time.Second, 90 * time.Second, 120 * time.Second, 150 * time.Second} {
		clock.SetTime(noon.Add(after))
		w, said := observed(t, r, sd)
		if strings.Contains(w.loaded.Message, "has no label prometheus, where prometheus=k8s is asked for") {
			said += ", explained"
		}
		course = append(course, said)
		if len(w.Alerts) != 0 || !w.unsure || len(w.Told) != 1 || w.Told[0].Outcome != verdict.Unknown {
			t.Errorf("after %s it is waited for, or not told: %+v, %+v", after, w.Alerts, w.Told)
		}
	}
	want := []string{
		"Unknown RulesNotLoaded", "Unknown RulesNotLoaded",
		"Unknown RulesNotLoaded, explained", "Unknown RulesNotLoaded, explained", "Unknown RulesNotLoaded, explained",
		"Failed RulesNotLoaded, explained", "Failed RulesNotLoaded, explained",
	}
	if diff := cmp.Diff(want, course); diff != "" {
		t.Error(diff)
	}
	if s.asked != 6 {
		t.Errorf("the server is asked %d times", s.asked)
	}

	groups, _ := r.rulesOf(sd, nil)
	s.groups = live(groups.published)
	clock.SetTime(noon.Add(180 * time.Second))
	w, said := observed(t, r, sd)
	if said != "Passed RulesLoaded" || w.unsure || len(w.Told) != 0 || !strings.Contains(w.loaded.Message, "main has loaded them") {
		t.Errorf("once they are loaded: %s, %+v", said, w.loaded)
	}
}

// At rest, a server is asked only as long as it has not loaded the rules.
func TestPublishedRulesAtRest(t *testing.T) {
	for name, tc := range map[string]struct {
		status metav1.ConditionStatus
		asked  int
	}{"loaded": {metav1.ConditionTrue, 0}, "not loaded": {metav1.ConditionFalse, 1}} {
		t.Run(name, func(t *testing.T) {
			s := &server{}
			r, sd, _ := publishing(t, s, nil)
			sd.Status.Rollout.Phase, sd.Status.Rollout.EndTime = v1alpha1.PhaseSucceeded, metav1.NewTime(noon)
			sd.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionAlertRulesLoaded, Status: tc.status}}
			if observed(t, r, sd); s.asked != tc.asked {
				t.Errorf("it is asked %d times", s.asked)
			}
		})
	}
}

func TestPublishedRulesOfAServerThatDoesNotAnswer(t *testing.T) {
	s := &server{err: errors.New("down")}
	r, sd, _ := publishing(t, s, nil)
	if w, said := observed(t, r, sd); said != "Unknown ServerUnavailable" || !w.unsure {
		t.Errorf("it says %s", said)
	}
}

// Where the operator may not see Prometheus objects, it claims nothing of them.
func TestAMismatchThatMayNotBeSeen(t *testing.T) {
	s := &server{}
	r, sd, clock := publishing(t, s, errors.New("forbidden"))
	observed(t, r, sd)
	clock.SetTime(noon.Add(time.Minute))
	w, said := observed(t, r, sd)
	if said != "Unknown RulesNotLoaded" || !strings.Contains(w.loaded.Message, "check that it selects the PrometheusRule") {
		t.Errorf("it says %s: %s", said, w.loaded.Message)
	}
}

// A server is asked which metrics it has now and then, and not at all by rules
// that take none.
func TestStockOfAServer(t *testing.T) {
	s := &server{}
	r, sd, clock := publishing(t, s, nil)
	groups, _ := r.rulesOf(sd, nil)
	for _, after := range []time.Duration{0, time.Second, 29 * time.Second, 30 * time.Second, 31 * time.Second} {
		clock.SetTime(noon.Add(after))
		if diff := cmp.Diff(alert.Stock{"up": {""}}, r.stock(t.Context(), sd, s, groups.published)); diff != "" {
			t.Error(diff)
		}
	}
	if s.stock != 2 {
		t.Errorf("it is asked %d times", s.stock)
	}
	if got := r.stock(t.Context(), sd, s, nil); got != nil || s.stock != 2 {
		t.Errorf("without rules: %v", got)
	}
}

func TestRulesOf(t *testing.T) {
	own := rule("broken > 0", "")
	and := func(changes ...func(*v1alpha1.SignalDeployment)) func(*v1alpha1.SignalDeployment) {
		return func(sd *v1alpha1.SignalDeployment) {
			for _, c := range changes {
				c(sd)
			}
		}
	}
	by := func(server string) func(*v1alpha1.SignalDeployment) {
		return func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Server = server }
	}
	library := func(l v1alpha1.AlertLibrary) func(*v1alpha1.SignalDeployment) {
		return func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Library = l }
	}
	for name, tc := range map[string]struct {
		change             func(*v1alpha1.SignalDeployment)
		judging, published string // names and windows
		problem            string
	}{
		"by default":               {by("built-in"), "signal-library/1m", "signal-library/5m", ""},
		"a user's own":             {and(by("built-in"), own, library(v1alpha1.AlertLibrary{})), "g signal-library/1m", "g signal-library/5m", ""},
		"without the library":      {and(by("built-in"), own), "g", "g", ""},
		"by a Prometheus":          {by("main"), "signal-library/5m", "signal-library/5m", ""},
		"of an unknown server":     {and(by("thanos"), own), "", "", `spec.alerts.server: `},
		"nothing of one":           {by("thanos"), "", "", ""},
		"a library of one":         {and(by("thanos"), library(v1alpha1.AlertLibrary{Disable: []string{"SignalStale"}})), "", "", `spec.alerts.server: `},
		"a rule that there is not": {and(by("built-in"), library(v1alpha1.AlertLibrary{Disable: []string{"Stale"}})), "", "", `spec.alerts.library.disable[0]: there is no default rule "Stale"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := &SignalDeploymentReconciler{Rooms: Rooms{Alerts: map[string]alert.Source{"main": &server{}}}}
			got, err := r.rulesOf(testkit.SignalDeployment(tc.change), nil)
			if (err == nil) != (tc.problem == "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("the problem is %v", err)
			}
			if diff := cmp.Diff([]string{tc.judging, tc.published}, []string{brief(got.judging), brief(got.published)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// brief names groups, with the window of the default rules.
func brief(groups []alert.Group) string {
	var names []string
	for _, g := range groups {
		name := strings.TrimPrefix(g.Name, "prod/app/")
		for _, window := range []string{"1m", "5m"} {
			if alert.OfLibrary(g) && strings.Contains(g.Rules[1].Expr.String(), "["+window+"]") {
				name += "/" + window
			}
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

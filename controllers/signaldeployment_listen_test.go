package controllers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/testkit"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// listening is v2 beside v1, one pod of each, whose metrics are scraped for
// real, by a clock that stands still.
type listening struct {
	testing.TB
	*SignalDeploymentReconciler
	clock *clocktesting.FakeClock
	sd    *v1alpha1.SignalDeployment

	mu      sync.Mutex
	exposed map[string]string // by IP
}

func listens(t testing.TB, change func(*v1alpha1.SignalDeployment)) *listening {
	t.Helper()
	l := &listening{TB: t, clock: clocktesting.NewFakeClock(noon), exposed: map[string]string{}}
	l.sd = testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Alerts = v1alpha1.AlertsSpec{Server: v1alpha1.ServerBuiltIn, RollbackOn: []string{"critical"}}
		sd.Status.Stable, sd.Status.Candidate = new(testkit.Release("aaaaaaaaaa")), new(testkit.Release("bbbbbbbbbb"))
		sd.Status.Rollout.Phase, sd.Status.Rollout.SinceTime = v1alpha1.PhaseProgressing, metav1.NewTime(noon.Add(-time.Hour))
	})
	change(l.sd)
	server := httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(server.Close)
	l.SignalDeploymentReconciler = &SignalDeploymentReconciler{Clock: l.clock, Rooms: Rooms{BuiltIn: builtin.New(builtin.Options{
		Clock: l.clock,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	})}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.BuiltIn.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// rule is a rule of the user's own.
func rule(expr, hold string) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Alerts.Library.Mode = v1alpha1.LibraryDisabled
		sd.Spec.Alerts.Groups = []v1alpha1.AlertRuleGroup{{Name: "g", Rules: []v1alpha1.AlertRule{{
			Alert: "Broken", Expr: expr, For: hold, Labels: map[string]string{"severity": "critical"},
		}}}}
	}
}

func (l *listening) serve(w http.ResponseWriter, r *http.Request) {
	ip, _, _ := strings.Cut(r.Host, ":")
	l.mu.Lock()
	text, has := l.exposed[ip]
	l.mu.Unlock()
	if !has {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = io.WriteString(w, text)
}

const stableIP, candidateIP = "10.0.0.1", "10.0.0.2"

func (l *listening) expose(ip, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exposed[ip] = text
}

func pod(hash, ip string) corev1.Pod {
	name := release.DeploymentName("app", hash) + "-t"
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "prod", Name: name + "-0",
			Labels:          map[string]string{v1alpha1.LabelName: "app", v1alpha1.LabelRelease: hash, appsv1.DefaultDeploymentUniqueLabelKey: "t"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name, Controller: new(true)}},
		},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip},
	}
}

// rounds has the pods scraped so many times, a second apart, and says what
// each round came to: for every outcome a letter, and a dot where nothing was
// heard.
func (l *listening) rounds(n int) (course string, last *world) {
	l.Helper()
	groups, err := l.rulesOf(l.sd, nil)
	if err != nil {
		l.Fatal(err)
	}
	l.BuiltIn.Watch(builtin.SubjectOf(l.sd, v1alpha1.ScrapeSpec{}, []corev1.Pod{pod("aaaaaaaaaa", stableIP), pod("bbbbbbbbbb", candidateIP)}))
	for range n {
		select {
		case <-l.BuiltIn.Scraped():
		case <-time.After(10 * time.Second):
			l.Fatal("nothing is scraped")
		}
		last = &world{groups: groups.judging}
		l.watch(l.Context(), l.sd, last)
		course += letter(last.Alerts)
		for !l.clock.HasWaiters() {
			time.Sleep(time.Millisecond)
		}
		l.clock.Step(time.Second)
	}
	return course, last
}

func letter(all []v1alpha1.Verdict) string {
	said := "."
	for _, v := range all {
		switch {
		case v.Outcome == v1alpha1.OutcomeFailed:
			return "F"
		case v.Outcome == v1alpha1.OutcomeUnknown:
			said = "u"
		case said == ".":
			said = "p"
		}
	}
	return said
}

// After a restart in the middle of a release, silence says nothing until there
// is history again.
func TestSilenceAfterARestart(t *testing.T) {
	l := listens(t, rule("broken > 0", ""))
	l.expose(stableIP, "broken 0\n")
	l.expose(candidateIP, "broken 0\n")
	course, w := l.rounds(14)
	unknown := strings.Count(course, "u")
	if unknown < 7 || unknown > 9 || course != strings.Repeat("u", unknown)+strings.Repeat("p", 14-unknown) {
		t.Errorf("it goes %s", course)
	}
	if !w.Heard {
		t.Error("what does not fire is not known to be over")
	}
}

// What fires is believed at once, history or not.
func TestAnAlertAfterARestart(t *testing.T) {
	l := listens(t, rule("broken > 0", ""))
	l.expose(stableIP, "broken 0\n")
	l.expose(candidateIP, "broken 1\n")
	if course, _ := l.rounds(2); course != "FF" {
		t.Errorf("it goes %s", course)
	}
}

// An alert that may have been pending before the restart is waited for, though
// there is history: its "for" has begun anew.
func TestAPendingAlertAfterARestart(t *testing.T) {
	l := listens(t, rule("broken > 0", "18s"))
	l.expose(stableIP, "broken 0\n")
	l.expose(candidateIP, "broken 1\n")
	if course, _ := l.rounds(20); course != strings.Repeat("u", 18)+"FF" {
		t.Errorf("it goes %s", course)
	}
}

// What holds while the pods start, and does not name the release, held before:
// it is remembered, and not blamed on the release later.
func TestWhatFiresWhileThePodsStartFiredBefore(t *testing.T) {
	l := listens(t, rule("max(broken) > 0", ""))
	l.sd.Status.Rollout.Phase = v1alpha1.PhaseStaging
	l.expose(stableIP, "broken 1\n")
	l.expose(candidateIP, "broken 1\n")
	course, w := l.rounds(2)
	if strings.Contains(course, "F") || len(w.Before) != 1 || !strings.HasPrefix(w.Before[0], "Broken") {
		t.Errorf("it goes %s, and %v is remembered", course, w.Before)
	}
	l.sd.Status.Rollout.FiredBefore = w.Before
	l.sd.Status.Rollout.Phase = v1alpha1.PhaseProgressing
	if course, w := l.rounds(12); strings.Contains(course, "F") || !strings.HasSuffix(course, "p") || len(w.Firing) != 1 {
		t.Errorf("it goes on %s, with %v", course, w.Firing)
	}
}

// Default rules do not wait for pods that serve no metrics; other rules do.
func TestPodsThatServeNoMetrics(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SignalDeployment)
		want   string
	}{
		"default rules": {func(*v1alpha1.SignalDeployment) {}, "pp"},
		"another rule":  {rule("broken > 0", ""), "uu"},
	} {
		t.Run(name, func(t *testing.T) {
			l := listens(t, tc.change)
			course, w := l.rounds(2)
			if course != tc.want {
				t.Errorf("it goes %s: %+v", course, w.Alerts)
			}
			if name == "default rules" && (len(w.Told) != 1 || w.Told[0].Reason != alert.ReasonMissing || !strings.Contains(w.loaded.Message, "SignalLatencyHigh")) {
				t.Errorf("it is not shown: %+v, %+v", w.Told, w.loaded)
			}
		})
	}
}

// Pods that answered, and do not any more, are no pods without metrics.
func TestPodsThatServeNoMetricsAnyMore(t *testing.T) {
	l := listens(t, func(*v1alpha1.SignalDeployment) {})
	l.expose(candidateIP, "a 1\n")
	l.expose(stableIP, "a 1\n")
	l.rounds(12)
	l.mu.Lock()
	l.exposed = map[string]string{}
	l.mu.Unlock()
	l.rounds(1) // which may have been under way
	if course, _ := l.rounds(3); strings.Contains(course, "p") {
		t.Errorf("it goes %s", course)
	}
}

// The default rule on a candidate that gets none of the traffic that its
// weight promises works without anybody scraping the operator.
func TestTheWeightIsKnown(t *testing.T) {
	l := listens(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Alerts.Library.Overrides = []v1alpha1.AlertOverride{{Alert: "SignalCandidateWithoutTraffic", Severity: "critical", For: "1s"}}
		sd.Status.Weight = 50
	})
	var course string
	for i := range 6 {
		l.expose(stableIP, fmt.Sprintf("# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} %d\n", 100*i))
		l.expose(candidateIP, "# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 0\n")
		c, _ := l.rounds(1)
		course += c
	}
	if !strings.HasSuffix(course, "F") {
		t.Errorf("it goes %s", course)
	}
}

// What was heard of a release is forgotten with what was scraped of it.
func TestForgotten(t *testing.T) {
	l := listens(t, rule("broken > 0", ""))
	l.expose(candidateIP, "broken 1\n")
	l.expose(stableIP, "broken 0\n")
	l.rounds(1)
	first := l.ear(l.sd)
	l.sd.Status.Rollout.Phase = v1alpha1.PhaseSucceeded
	l.scrape(l.sd, nil)
	if l.BuiltIn.Targets(client.ObjectKeyFromObject(l.sd)) != nil {
		t.Error("it is scraped at rest")
	}
	w := &world{groups: []alert.Group{{Name: "g"}}}
	if l.listen(t.Context(), l.sd, w); w.Alerts != nil || w.Heard {
		t.Errorf("it is heard at rest: %+v", w.Alerts)
	}
	l.sd.Status.Rollout.Phase = v1alpha1.PhaseStaging
	if second := l.ear(l.sd); second == first || !second.anew.IsZero() {
		t.Error("the next release hears what was said of the last")
	}
}

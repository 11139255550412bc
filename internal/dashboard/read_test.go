package dashboard

import (
	"errors"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// want is what a verdict is to be.
type want struct {
	outcome v1alpha1.Outcome
	reason  string
	says    string
}

func (w want) check(t *testing.T, v verdict.Verdict) {
	t.Helper()
	if v.Outcome != w.outcome || v.Reason != w.reason || !strings.Contains(v.Message, w.says) || v.Reason != "" && v.Kind != v1alpha1.SignalDashboard {
		t.Errorf("%s %s: %s; want %s %s: %s", v.Outcome, v.Reason, v.Message, w.outcome, w.reason, w.says)
	}
}

func TestBeforeAndAfterItIsDelivered(t *testing.T) {
	for name, tc := range map[string]struct {
		sd            *v1alpha1.SignalDeployment
		settings      Settings
		before, after want
	}{
		"none":                    {app(nil), settings, want{}, want{}},
		"by ConfigMap":            {byConfigMap(), settings, want{verdict.Unknown, ReasonUndelivered, ""}, want{verdict.Passed, ReasonDelivered, "cannot be told without dashboard.api"}},
		"by ConfigMap, and asked": {bySidecarAndAPI(), settings, want{verdict.Unknown, ReasonUndelivered, ""}, want{verdict.Unknown, ReasonImporting, "has not been seen"}},
		"by the API":              {byAPI(), settings, want{verdict.Unknown, ReasonUndelivered, ""}, want{verdict.Unknown, ReasonImporting, "has not been seen"}},
		"by the API, no prober":   {byAPI(), Settings{}, want{verdict.Unknown, ReasonUndelivered, ""}, want{verdict.Failed, ReasonNoProber, "--prober-image"}},
		"by the grafana-operator": {byObject(), settings, want{verdict.Unknown, ReasonUndelivered, ""}, want{verdict.Unknown, ReasonImporting, "has not said yet"}},
		"no grafana-operator":     {byObject(), Settings{ProberImage: "prober"}, want{verdict.Failed, ReasonNoAPI, "install it and restart the operator"}, want{verdict.Failed, ReasonNoAPI, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t)
			tc.before.check(t, c.read(t, tc.sd, tc.settings))
			if err := Deliver(t.Context(), c, tc.sd, rel, true, tc.settings); err != nil {
				t.Fatal(err)
			}
			tc.after.check(t, c.read(t, tc.sd, tc.settings))
			if tc.sd.Spec.Dashboard == nil || tc.after.reason == ReasonNoAPI {
				return
			}
			tc.sd.Spec.Environment = "eu-1" // another content
			tc.before.check(t, c.read(t, tc.sd, tc.settings))
		})
	}
}

func TestWhatTheJobSays(t *testing.T) {
	sd := byAPI()
	answer := func(v verdict.Verdict) string { return string(verdict.Answer{Verdicts: []verdict.Verdict{v}}.Encode()) }
	good := verdict.With(verdict.Pass(v1alpha1.SignalArtifact, "DashboardImported", "Grafana has imported it, after 340ms"), verdict.Evidence{Window: "340ms", Query: "GET /x?token=hunter2"})
	for name, tc := range map[string]struct {
		conditions []batchv1.JobConditionType
		code       int32
		message    string
		pods       bool
		want       want
	}{
		"nothing yet":          {nil, 0, "", false, want{verdict.Unknown, ReasonImporting, "has not been seen"}},
		"it is in":             {nil, 0, answer(good), true, want{verdict.Passed, ReasonImported, "after 340ms"}},
		"it is in, and over":   {[]batchv1.JobConditionType{batchv1.JobComplete}, 0, answer(good), true, want{verdict.Passed, ReasonImported, "after 340ms"}},
		"it was refused":       {nil, 0, answer(verdict.Fail("", "GrafanaForbidden", "403, token=hunter2")), true, want{verdict.Failed, "GrafanaForbidden", "403, token=[redacted]"}},
		"Grafana is silent":    {nil, 1, answer(verdict.Wait("", "GrafanaSilent", "503")), true, want{verdict.Unknown, "GrafanaSilent", "503"}},
		"an odd reason":        {nil, 0, answer(verdict.Fail("", "not a reason", "x")), true, want{verdict.Failed, ReasonUnanswered, "x"}},
		"it crashed":           {[]batchv1.JobConditionType{batchv1.JobFailed}, 137, "Authorization: Bearer hunter2", true, want{verdict.Failed, ReasonUnanswered, "exit code 137"}},
		"its pod is gone":      {[]batchv1.JobConditionType{batchv1.JobFailed}, 0, "", false, want{verdict.Failed, ReasonUnanswered, "its pod is gone"}},
		"it crashed, and will": {nil, 137, "", true, want{verdict.Unknown, ReasonImporting, "has not been seen"}},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(sd, tc.conditions...)
			c := cluster(t, job)
			if tc.pods {
				c = cluster(t, job, podOf(job, tc.code, tc.message))
			}
			if err := Deliver(t.Context(), c, sd, rel, true, settings); err != nil {
				t.Fatal(err)
			}
			v := c.read(t, sd, settings)
			tc.want.check(t, v)
			if v.Evidence != nil && strings.Contains(v.Message+v.Evidence.Query, "hunter2") || strings.Contains(v.Message, "hunter2") {
				t.Errorf("it tells: %+v", v)
			}
			if again := c.read(t, sd, settings); again.Message != v.Message {
				t.Error("the same is not said the same")
			}
		})
	}
	foreign := jobOf(sd)
	foreign.OwnerReferences = nil
	c := cluster(t, foreign)
	if err := c.Create(t.Context(), ConfigMap(sd, Build(sd))); err != nil {
		t.Fatal(err)
	}
	want{verdict.Failed, ReasonForeign, "does not belong to this SignalDeployment"}.check(t, c.read(t, sd, settings))

	job := jobOf(sd)
	pending := podOf(job, 0, "")
	pending.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no room"}}}
	c = cluster(t, job, pending)
	c.deliver(t, sd, true)
	want{verdict.Unknown, ReasonImporting, "does not run yet: no node takes its pod"}.check(t, c.read(t, sd, settings))
}

func TestWhatTheGrafanaOperatorSays(t *testing.T) {
	said := func(generation int64, pairs ...string) []any {
		var all []any
		for i := 0; i+3 < len(pairs); i += 4 {
			all = append(all, map[string]any{"type": pairs[i], "status": pairs[i+1], "reason": pairs[i+2], "message": pairs[i+3], "observedGeneration": generation})
		}
		return all
	}
	for name, tc := range map[string]struct {
		conditions []any
		want       want
	}{
		"nothing":             {nil, want{verdict.Unknown, ReasonImporting, "has not said yet"}},
		"imported":            {said(2, "DashboardSynchronized", "True", "ApplySuccessful", "Dashboard was successfully applied to 1 instances"), want{verdict.Passed, ReasonImported, `has imported the dashboard "app in prod"`}},
		"imported, as it was": {said(1, "DashboardSynchronized", "True", "ApplySuccessful", ""), want{verdict.Unknown, ReasonImporting, "has not said yet"}},
		"not imported":        {said(2, "DashboardSynchronized", "False", "ApplyFailed", "grafana/a: 403 token=hunter2"), want{verdict.Failed, ReasonNotImported, "(ApplyFailed): grafana/a: 403 token=[redacted]"}},
		"no Grafana":          {said(2, "NoMatchingInstance", "True", "EmptyAPIReply", "x"), want{verdict.Failed, ReasonNotImported, "none has the labels dashboards=grafana"}},
		"a Grafana by now":    {said(2, "NoMatchingInstance", "False", "x", "x", "DashboardSynchronized", "True", "ApplySuccessful", ""), want{verdict.Passed, ReasonImported, ""}},
		"invalid":             {said(2, "InvalidSpec", "True", "x", "no JSON"), want{verdict.Failed, ReasonNotImported, "no JSON"}},
		"nonsense":            {[]any{"x", map[string]any{"type": int64(7)}}, want{verdict.Unknown, ReasonImporting, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			sd := byObject()
			live := GrafanaDashboard(sd, Build(sd))
			live.SetGeneration(2)
			own(live)
			if tc.conditions != nil {
				live.Object["status"] = map[string]any{"conditions": tc.conditions}
			}
			tc.want.check(t, cluster(t, live).read(t, sd, settings))
		})
	}
}

func TestHowLongItTook(t *testing.T) {
	spec := &v1alpha1.DashboardSpec{SlowSeconds: 60}
	imported := verdict.Pass(v1alpha1.SignalDashboard, ReasonImported, "It is in Grafana")
	for name, tc := range map[string]struct {
		v    verdict.Verdict
		took time.Duration
		want want
	}{
		"at once":              {imported, 40 * time.Millisecond, want{verdict.Passed, ReasonImported, "It is in Grafana, 0s after it was handed over"}},
		"in time":              {imported, time.Minute, want{verdict.Passed, ReasonImported, ", 1m0s after"}},
		"late":                 {imported, 61 * time.Second, want{verdict.Failed, ReasonSlow, "but only 1m1s after it was handed over: more than the slowSeconds of 1m0s"}},
		"not yet, in time":     {importing(), time.Minute, want{verdict.Unknown, ReasonImporting, ""}},
		"not yet, and late":    {importing(), 61 * time.Second, want{verdict.Failed, ReasonSlow, "more than the slowSeconds"}},
		"refused stays so":     {fail(ReasonNotImported, "403"), time.Hour, want{verdict.Failed, ReasonNotImported, "403"}},
		"undelivered stays so": {undelivered(), time.Hour, want{verdict.Unknown, ReasonUndelivered, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			v := Timed(tc.v, tc.took, spec)
			tc.want.check(t, v)
			if decided := v.Reason == ReasonImported || v.Reason == ReasonSlow; decided != (v.Evidence != nil && v.Evidence.Window != "" && v.Evidence.Threshold == "at most 1m0s") {
				t.Errorf("evidence %+v", v.Evidence)
			}
		})
	}
}

func TestWhatKeepsItFromBeingWritten(t *testing.T) {
	want{verdict.Failed, ReasonRefused, "forbidden"}.check(t, Problem(forbidden))
	want{verdict.Unknown, ReasonUndelivered, "timeout"}.check(t, Problem(errors.New("timeout")))
}

package dashboard

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on the dashboard's way. What the prober says has reasons
// of its own.
const (
	ReasonUndelivered = "DashboardUndelivered"  // it has yet to be written
	ReasonDelivered   = "DashboardDelivered"    // it is in place; whether Grafana has it nobody here can tell
	ReasonImporting   = "DashboardImporting"    // it is on its way
	ReasonImported    = "DashboardImported"     // Grafana has it
	ReasonSlow        = "DashboardSlow"         // it took longer than slowSeconds
	ReasonNotImported = "DashboardNotImported"  // Grafana, or the grafana-operator, did not take it
	ReasonForeign     = "DashboardForeign"      // an object of its name belongs to someone else
	ReasonRefused     = "DashboardRefused"      // the cluster does not let it be written
	ReasonNoAPI       = "NoGrafanaDashboardAPI" // the cluster has no GrafanaDashboards
	ReasonNoProber    = "NoProber"              // the operator has no image for the Job
	ReasonUnanswered  = "DashboardUnanswered"   // the Job ended without an answer
)

// Read says whether the dashboard has arrived, as far as that can be told;
// nothing where none is asked for.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, s Settings) (verdict.Verdict, error) {
	spec := sd.Spec.Dashboard
	switch {
	case spec == nil:
		return verdict.Verdict{}, nil
	case spec.Delivery == v1alpha1.DeliverGrafanaDashboard:
		return readObject(ctx, c, sd, s)
	}
	d := Build(sd)
	live, err := find(ctx, c, sd)
	switch {
	case err != nil:
		return verdict.Verdict{}, err
	case live == nil || live.Data[d.Key()] != string(d.JSON):
		return undelivered(), nil
	case asked(spec) && s.ProberImage == "":
		return fail(ReasonNoProber, "Grafana cannot be called: the operator was started without --prober-image"), nil
	case asked(spec):
		return readJob(ctx, c, sd, rel, d)
	}
	v := verdict.Pass(v1alpha1.SignalDashboard, ReasonDelivered,
		"The dashboard is in ConfigMap %q for Grafana's sidecar; whether Grafana has imported it cannot be told without dashboard.api", Name(sd))
	return verdict.With(v, verdict.Evidence{Value: "content " + d.Content, Source: "ConfigMap " + Name(sd)}), nil
}

// Problem is the verdict on what keeps the dashboard from being written.
func Problem(err error) verdict.Verdict {
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return fail(ReasonForeign, "The dashboard is not delivered: %v", foreign)
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		return fail(ReasonRefused, "The dashboard is not delivered: %s", jobs.Quote(err.Error()))
	}
	return wait(ReasonUndelivered, "The dashboard is not delivered yet: %s", jobs.Quote(err.Error()))
}

// Timed is the verdict with how long the import took, or has taken so far: from
// when the dashboard was handed over. Without that, nothing is said of time.
func Timed(v verdict.Verdict, took time.Duration, spec *v1alpha1.DashboardSpec) verdict.Verdict {
	took, slow := took.Round(time.Second/10), time.Duration(spec.SlowSeconds)*time.Second
	evidence := verdict.Evidence{}
	if v.Evidence != nil {
		evidence = *v.Evidence
	}
	evidence.Threshold, evidence.Window = "at most "+slow.String(), took.String()
	switch {
	case v.Reason == ReasonImported && took <= slow:
		v.Message += fmt.Sprintf(", %s after it was handed over", took)
	case v.Reason == ReasonImported:
		v = fail(ReasonSlow, "%s, but only %s after it was handed over: more than the slowSeconds of %s", v.Message, took, slow)
	case v.Reason == ReasonImporting && took > slow:
		v = fail(ReasonSlow, "%s, %s after the dashboard was handed over: more than the slowSeconds of %s", v.Message, took, slow)
	default:
		return v
	}
	return verdict.With(v, evidence)
}

// readJob says what the Job that calls Grafana found.
func readJob(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, d Dashboard) (verdict.Verdict, error) {
	job, pods, err := jobs.Read(ctx, c, sd, jobName(sd, rel, d), podLabels(sd, rel, d))
	if foreign, is := errors.AsType[*owned.ForeignError](err); is {
		return fail(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for Grafana: delete it", foreign.Name), nil
	}
	if err != nil {
		return verdict.Verdict{}, err
	}
	return judgeJob(job, pods), nil
}

func judgeJob(job *batchv1.Job, pods []corev1.Pod) verdict.Verdict {
	if job == nil {
		return importing()
	}
	last := jobs.Finished(pods)
	if said, spoke := jobs.Said(last); spoke {
		return kept(said)
	}
	over := slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobFailed || c.Type == batchv1.JobComplete && last != nil)
	})
	switch {
	case over && last != nil:
		return fail(ReasonUnanswered, "Job %q ended without saying whether Grafana has the dashboard: %s", job.Name, jobs.Account(last))
	case over:
		return fail(ReasonUnanswered, "Job %q ended without saying whether Grafana has the dashboard, and its pod is gone: see kubectl describe job -n %s %s", job.Name, job.Namespace, job.Name)
	case len(pods) > 0 && jobs.Hindrance(&pods[len(pods)-1]) != "":
		return wait(ReasonImporting, "Job %q, which calls Grafana, does not run yet: %s", job.Name, jobs.Hindrance(&pods[len(pods)-1]))
	}
	return importing()
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

// kept is what a Job said as it is fit to be kept: of this kind, and without
// anything that looks like a credential.
func kept(v verdict.Verdict) verdict.Verdict {
	v.Kind, v.Name, v.Message = v1alpha1.SignalDashboard, "", jobs.Fit(v.Message, 1024)
	if !camelCase.MatchString(v.Reason) {
		v.Reason = ReasonUnanswered
	}
	if v.Evidence != nil {
		e := *v.Evidence
		e.Value, e.Baseline, e.Threshold = jobs.Fit(e.Value, 256), "", jobs.Fit(e.Threshold, 256)
		e.Query, e.Window, e.Source = jobs.Fit(e.Query, 512), jobs.Fit(e.Window, 64), jobs.Fit(e.Source, 512)
		v.Evidence = &e
	}
	return v
}

func undelivered() verdict.Verdict {
	return wait(ReasonUndelivered, "The dashboard has yet to be written")
}

func importing() verdict.Verdict {
	return wait(ReasonImporting, "Grafana has not been seen to have the dashboard yet")
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalDashboard, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalDashboard, reason, format, args...)
}

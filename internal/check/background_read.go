package check

import (
	"context"
	"errors"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on background load itself. What the prober says has
// reasons of its own. None of them passes or fails a release.
const (
	ReasonBackgroundSending = "BackgroundLoadSending" // it had not ended when the release did
	ReasonBackgroundNoPod   = "BackgroundLoadNoPod"   // something keeps the Job from having a pod
	ReasonBackgroundPending = "BackgroundLoadPending" // something keeps its container from running
	ReasonBackgroundFailed  = "BackgroundLoadFailed"  // it ended without an account
	ReasonBackgroundRefused = "BackgroundLoadRefused" // the Job could not be made
)

// ReadBackground is what is known of the attempt's background load; nothing
// when its Job is not there.
func ReadBackground(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) (verdict.Verdict, error) {
	name := release.LoadName(sd.Name, rel.Hash, rel.Attempt, partBackground)
	job, pods, err := jobs.Read(ctx, c, sd, name, podLabels(sd, rel, v1alpha1.SmokeCheck{Name: labelBackground}))
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return told(verdict.Wait(v1alpha1.SignalLoad, ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so no background load was sent: delete it", name), name), nil
	case err != nil, job == nil:
		return verdict.Verdict{}, err
	}
	return judgeBackground(job, pods), nil
}

// RefusedBackground says that the Job could not be made.
func RefusedBackground(cause error) verdict.Verdict {
	return verdict.Named(verdict.Wait(v1alpha1.SignalLoad, ReasonBackgroundRefused, "No background load was sent: %s", jobs.Quote(cause.Error())), partBackground)
}

// judgeBackground says what the Job and its pods, the oldest first, amount to.
// That it still runs is as it should be: nobody waits for it.
func judgeBackground(job *batchv1.Job, pods []corev1.Pod) verdict.Verdict {
	wait := func(reason, format string, args ...any) verdict.Verdict {
		return told(verdict.Wait(v1alpha1.SignalLoad, reason, format, args...), job.Name)
	}
	last := jobs.Finished(pods)
	if said, spoke := jobs.Said(last); spoke {
		v := verdict.Verdict{Kind: v1alpha1.SignalLoad, Outcome: said.Outcome, Reason: said.Reason, Message: jobs.Fit(said.Message, 1024)}
		if v.Outcome == verdict.Failed || v.Reason == "" { // the prober never says so
			v.Outcome, v.Reason = verdict.Unknown, ReasonBackgroundFailed
		}
		v = told(v, job.Name)
		if e := said.Evidence; e != nil {
			v.Evidence.Value, v.Evidence.Baseline = jobs.Fit(e.Value, 256), jobs.Fit(e.Baseline, 256)
			v.Evidence.Query, v.Evidence.Window, v.Evidence.Samples = jobs.Fit(e.Query, 256), jobs.Fit(e.Window, 64), e.Samples
		}
		return v
	}
	switch {
	case len(pods) == 0:
		return wait(ReasonBackgroundNoPod, "No background load was sent: its Job has no pod, because of a quota or an admission policy, or because it was deleted; see kubectl describe job -n %s %s", job.Namespace, job.Name)
	case last != nil && last == &pods[len(pods)-1]:
		return wait(ReasonBackgroundFailed, "Background load broke off: %s", jobs.Account(last))
	case jobs.Ran(pods[len(pods)-1:]):
		return told(verdict.Pass(v1alpha1.SignalLoad, ReasonBackgroundSending, "Background load was sent by Job %s, which had not ended when the release did", job.Name), job.Name)
	}
	cause := jobs.Hindrance(&pods[len(pods)-1])
	if cause == "" {
		cause = "its pod was still starting when the release ended"
	}
	return wait(ReasonBackgroundPending, "No background load was sent: %s", cause)
}

// told is v, said of background load and resting on its Job.
func told(v verdict.Verdict, job string) verdict.Verdict {
	return verdict.With(verdict.Named(v, partBackground), verdict.Evidence{Source: "Job " + job})
}

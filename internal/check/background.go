package check

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	partBackground = "background"
	// labelBackground is no check's name: it has a dot.
	labelBackground = "load.background"
	// maxBackground is how long background load may last: nobody has to
	// delete what sends it.
	maxBackground = time.Hour
	// graceBackground is what its pod has to end, and to be pulled.
	graceBackground = time.Minute
	// retriesBackground is how often a pod that was lost is replaced.
	retriesBackground = 3
	// moves of a cutover, each of which has a deadline.
	moves = 3
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

// Sides are the two sides of a release, as background load reaches them.
type Sides struct {
	Canary string // IP of the canary Service
	Stable string // IP of the stable Service; empty beside a first release
	Host   string // the name by which clients know the service, for both
}

// EnsureBackground starts background load once for each attempt; a foreign Job
// of its name is an owned.ForeignError.
func EnsureBackground(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, plan v1alpha1.Plan, sides Sides, proberImage string) error {
	if proberImage == "" {
		return errors.New("the operator was started without --prober-image")
	}
	return owned.Create(ctx, c, sd, Background(sd, rel, plan, sides, proberImage))
}

// Background is the Job that sends background load for one attempt. Its name is
// a function of (release, attempt), so that asking twice creates once.
func Background(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, plan v1alpha1.Plan, sides Sides, proberImage string) *batchv1.Job {
	spec, lasts := sd.Spec.Checks.Load.Background, backgroundLasts(plan)
	timeout := int32((lasts + 2*graceBackground) / time.Second) //nolint:gosec // little more than an hour
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = labelBackground
	url := func(address string) string {
		if address == "" {
			return ""
		}
		return "http://" + net.JoinHostPort(address, strconv.Itoa(int(portOf(sd, spec.Port))))
	}
	c := jobs.Prober(proberImage, timeout, "load")
	c.Env = []corev1.EnvVar{
		{Name: jobs.EnvTarget, Value: url(sides.Canary)},
		{Name: "SIGNAL_STABLE", Value: url(sides.Stable)},
		{Name: jobs.EnvHost, Value: sides.Host},
		{Name: jobs.EnvReleaseID, Value: rel.ID},
		{Name: "SIGNAL_LASTS", Value: lasts.String()},
		{Name: "SIGNAL_TIMEOUT", Value: (lasts + graceBackground).String()},
		{Name: "SIGNAL_LOAD", Value: jobs.Encode(spec)},
	}
	if given := spec.Resources; len(given.Requests)+len(given.Limits)+len(given.Claims) > 0 {
		c.Resources = given
	}
	// The report of the attempt appears in the pod once the attempt has ended.
	c.VolumeMounts = []corev1.VolumeMount{{Name: "ended", MountPath: "/signal/ended", ReadOnly: true}}
	return jobs.Job{
		Namespace: sd.Namespace, Name: release.LoadName(sd.Name, rel.Hash, rel.Attempt, partBackground),
		Labels: labels, PodLabels: podLabels(sd, rel, v1alpha1.SmokeCheck{Name: labelBackground}),
		TimeoutSeconds: timeout, Retries: retriesBackground, PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c,
		Volumes: []corev1.Volume{{Name: "ended", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: release.ArchiveName(sd.Name, rel)},
			Items:                []corev1.KeyToPath{{Key: "report.json", Path: "report.json"}}, Optional: new(true),
		}}}},
	}.Build()
}

// backgroundLasts is as long as the plan may take when every step and move is
// as late as it may be, but no longer than an hour. People who hold a release
// for longer go on without.
func backgroundLasts(plan v1alpha1.Plan) time.Duration {
	deadline := seconds(plan.ProgressDeadlineSeconds)
	lasts := moves*deadline + seconds(plan.VerifySeconds) + deadline
	for _, step := range plan.Steps {
		hold := int32(60)
		if step.HoldSeconds != nil {
			hold = *step.HoldSeconds
		}
		lasts += seconds(hold) + deadline
	}
	return min(lasts, maxBackground)
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

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

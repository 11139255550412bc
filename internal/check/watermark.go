package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// retriesWatermark is how often a Job that could not tell is run again.
const retriesWatermark = 1

// Proof is one look at who answers: a Job of one attempt.
type Proof struct {
	job     string // its name
	name    string // by which its verdict is told
	what    string // it does, in a sentence
	check   string // no check's name: it has a dot
	seconds int32
	env     []corev1.EnvVar
}

// Candidate verifies that all answers of the canary Service are the
// candidate's.
func Candidate(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides) Proof {
	spec := sd.Spec.Checks.Watermark
	return Proof{
		job: release.WatermarkName(sd.Name, rel.Hash, rel.Attempt, false), name: "watermark", what: "The check of the candidate's watermark",
		check: "watermark.candidate", seconds: release.WatermarkSeconds(spec.Requests),
		env: []corev1.EnvVar{
			{Name: jobs.EnvTarget, Value: "http://" + net.JoinHostPort(sides.Canary, strconv.Itoa(int(portOf(sd, spec.Port))))},
			{Name: jobs.EnvHost, Value: sides.Host},
		},
	}
}

// AtEntry verifies that all answers at the entry are the candidate's.
func AtEntry(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) Proof {
	return Proof{
		job: release.WatermarkName(sd.Name, rel.Hash, rel.Attempt, true), name: "watermark", what: "The check of the watermark at the entry",
		check: "watermark.entry", seconds: release.WatermarkSeconds(sd.Spec.Checks.Watermark.Requests), env: Entry(sd),
	}
}

// Split measures at the entry how a step splits the traffic with the stable
// release.
func Split(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, plan v1alpha1.Plan, step int32, stable v1alpha1.Release) Proof {
	at := plan.Steps[step]
	return Proof{
		job: release.SplitName(sd.Name, rel.Hash, rel.Attempt, step), name: "split", what: fmt.Sprintf("The measurement of the split at step %s", at.Name),
		check: fmt.Sprintf("watermark.split-%d", step), seconds: release.WatermarkSeconds(sd.Spec.Checks.Watermark.SplitRequests),
		env: append(Entry(sd),
			corev1.EnvVar{Name: "SIGNAL_WEIGHT", Value: strconv.Itoa(int(at.Weight))},
			corev1.EnvVar{Name: "SIGNAL_STABLE_RELEASE", Value: stable.Hash}),
	}
}

// Ensure starts the Job once; a foreign one of its name is an
// owned.ForeignError.
func (p Proof) Ensure(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, proberImage string) error {
	if proberImage == "" {
		return errors.New("verify watermarks: the operator was started without --prober-image")
	}
	return owned.Create(ctx, c, sd, p.Job(sd, rel, proberImage))
}

// Job is what looks. Its name is a function of what it looks at, so that asking
// twice creates once. That the Secret is missing is for the prober to say.
func (p Proof) Job(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, proberImage string) *batchv1.Job {
	spec := sd.Spec.Checks.Watermark
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = p.check
	c := jobs.Prober(proberImage, p.seconds, "watermark")
	c.Env = append(append(c.Env, p.env...),
		corev1.EnvVar{Name: "SIGNAL_RELEASE", Value: rel.Hash},
		corev1.EnvVar{Name: jobs.EnvReleaseID, Value: rel.ID},
		corev1.EnvVar{Name: "SIGNAL_WATERMARK", Value: jobs.Encode(spec)},
	)
	c.VolumeMounts = []corev1.VolumeMount{{Name: "watermark", MountPath: "/signal/watermark", ReadOnly: true}}
	return jobs.Job{
		Namespace: sd.Namespace, Name: p.job, Labels: labels, PodLabels: podLabels(sd, rel, p.smoke()),
		TimeoutSeconds: p.seconds, Retries: retriesWatermark, PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c,
		Volumes: []corev1.Volume{{Name: "watermark", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{ //nolint:forbidigo // by name: the node mounts it
			SecretName: spec.SecretName, Optional: new(true),
			Items: []corev1.KeyToPath{{Key: "key", Path: "key"}, {Key: "previous", Path: "previous"}},
		}}}},
	}.Build()
}

// Read answers with what the Job found, once it has.
func (p Proof) Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) (verdict.Verdict, error) {
	job, pods, err := jobs.Read(ctx, c, sd, p.job, podLabels(sd, rel, p.smoke()))
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return p.say(wait(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for its watermarks: delete it", p.job)), nil
	case err != nil:
		return verdict.Verdict{}, err
	case job == nil:
		return p.say(wait(ReasonRunning, "%s is about to start", p.what)), nil
	}
	return p.judge(job, pods), nil
}

// judge believes the prober's own word alone: a Job that was lost, stopped or
// never started has seen nothing, and neither passes nor fails.
func (p Proof) judge(job *batchv1.Job, pods []corev1.Pod) verdict.Verdict {
	state := p.say(judge(p.smoke(), job, pods))
	if state.Evidence == nil { // it has not ended
		return state
	}
	if last := jobs.Finished(pods); last != nil {
		answer, _ := verdict.Read(jobs.Message(last))
		if n := len(answer.Verdicts); n > 0 && (state.Outcome != verdict.Failed || answer.Verdicts[n-1].Outcome != verdict.Passed) {
			said := answer.Verdicts[n-1]
			v := verdict.Verdict{Outcome: said.Outcome, Reason: jobs.Fit(said.Reason, 128), Message: jobs.Fit(said.Message, maxFinding)}
			if v.Reason == "" {
				v.Reason = ReasonInconclusive
			}
			e := restsOn(*state.Evidence, said.Evidence)
			if said.Evidence != nil {
				e.Statistic = jobs.Fit(said.Evidence.Statistic, 512)
			}
			return p.say(verdict.With(v, e))
		}
	}
	state.Outcome = verdict.Unknown
	state.Message = verdict.Clip(fmt.Sprintf("%s came to nothing: %s; unless the release is aborted or tried again, its deadline ends it", p.what, state.Message), maxFinding)
	return state
}

// smoke is the look as one check among others.
func (p Proof) smoke() v1alpha1.SmokeCheck {
	return v1alpha1.SmokeCheck{Name: p.check, TimeoutSeconds: p.seconds}
}

// say is v, said of watermarks.
func (p Proof) say(v verdict.Verdict) verdict.Verdict {
	v.Kind = v1alpha1.SignalWatermark
	return verdict.Named(v, p.name)
}

package artifact

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on the Jobs themselves. What the prober says has reasons
// of its own.
const (
	ReasonGiven      = "DigestGiven"      // the reference names its digest, and nothing is to be verified
	ReasonResolving  = "Resolving"        // the Job runs, or is about to
	ReasonPending    = "ResolvePending"   // something keeps the Job from running
	ReasonUnanswered = "ResolveFailed"    // the Job ended without an answer
	ReasonBuilding   = "Building"         // the builder runs
	ReasonBuildFail  = "BuildFailed"      // the builder ended badly, or without a digest
	ReasonBuilt      = "Built"            // the builder says that it pushed a digest
	ReasonForeign    = "ForeignJob"       // a Job of the name is not the operator's
	ReasonSealing    = "Sealing"          // the closing look runs
	ReasonProven     = "DigestProven"     // every pod runs the pinned digest
	ReasonUnproven   = "DigestUnproven"   // a pod has not said yet what it runs
	ReasonOtherImage = "RunsAnotherImage" // a pod runs something else
)

// Reading is what is known of the attempt's artifact.
type Reading struct {
	Digest   string                   // empty until the Job has found and verified it
	Record   *v1alpha1.ArtifactRecord // what the digest is; nil when no Job was needed
	Verdicts []verdict.Verdict        // at least one
}

// Read says what the attempt's Jobs have found.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) (Reading, error) {
	if digest, known := Given(sd.Spec.Artifact); known {
		v := verdict.Pass(v1alpha1.SignalArtifact, ReasonGiven, "%s names its digest, and nothing is to be verified: no registry was asked", rel.Image)
		return Reading{Digest: digest, Verdicts: []verdict.Verdict{verdict.With(v, verdict.Evidence{Value: digest, Query: rel.Image, Source: "spec.artifact.image"})}}, nil
	}
	if build := sd.Spec.Artifact.Build; build != nil && build.Job != nil {
		job, pods, err := jobs.Read(ctx, c, sd, name(sd, rel, partBuild), podLabels(sd, rel, partBuild))
		if v, done := unread(job, err); done {
			return said(v), ignoreForeign(err)
		}
		if _, v := judgeBuild(build, job, pods); v.Outcome != verdict.Passed {
			return said(v), nil
		}
	}
	job, pods, err := jobs.Read(ctx, c, sd, name(sd, rel, partResolve), podLabels(sd, rel, partResolve))
	if v, done := unread(job, err); done {
		return said(v), ignoreForeign(err)
	}
	return judgeProber(job, pods), nil
}

// ReadSeal says what the closing look at the registry found, and whether it
// has ended.
func ReadSeal(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, bool, error) {
	job, pods, err := jobs.Read(ctx, c, sd, name(sd, rel, partSeal), podLabels(sd, rel, partSeal))
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return nil, true, nil
	case err != nil || job == nil:
		return nil, false, err
	}
	answer, ok := answerOf(pods)
	return kept(answer.Verdicts), ok && decided(answer) || ended(job, pods), nil
}

// unread is the verdict where there is no Job to read.
func unread(job *batchv1.Job, err error) (verdict.Verdict, bool) {
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return wait(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for the image: delete it", foreign.Name), true
	case job == nil:
		return resolving(), true
	}
	return verdict.Verdict{}, false
}

func ignoreForeign(err error) error {
	if _, foreign := errors.AsType[*owned.ForeignError](err); foreign {
		return nil
	}
	return err
}

// judgeProber is what the prober's Job amounts to: its latest answer, which is
// asked for again while it is unknown.
func judgeProber(job *batchv1.Job, pods []corev1.Pod) Reading {
	if answer, ok := answerOf(pods); ok && len(answer.Verdicts) > 0 {
		all := verdict.All(verdict.Verdict{}, answer.Verdicts...)
		if all.Outcome == verdict.Passed && sha256Digest.MatchString(answer.Digest) {
			return Reading{Digest: answer.Digest, Record: answer.Artifact, Verdicts: kept(answer.Verdicts)}
		}
		if all.Outcome != verdict.Passed {
			return Reading{Verdicts: kept(answer.Verdicts)}
		}
	}
	last := jobs.Finished(pods)
	switch {
	case ended(job, pods) && last != nil:
		return said(fail(ReasonUnanswered, "Job %q ended without a digest: %s", job.Name, jobs.Account(last)))
	case ended(job, pods):
		return said(fail(ReasonUnanswered, "Job %q ended without a digest and its pod is gone: see kubectl describe job -n %s %s", job.Name, job.Namespace, job.Name))
	case len(pods) > 0 && jobs.Hindrance(&pods[len(pods)-1]) != "":
		return said(wait(ReasonPending, "Job %q does not run yet: %s", job.Name, jobs.Hindrance(&pods[len(pods)-1])))
	}
	return said(resolving())
}

// resolving says the same before the Job exists and while it runs, so that
// status is not written for the difference.
func resolving() verdict.Verdict {
	return wait(ReasonResolving, "A Job is resolving the image")
}

var (
	sha256Digest = regexp.MustCompile(`^sha256:[a-f0-9]{64}$`)
	lastWord     = regexp.MustCompile(`sha256:[a-f0-9]{64}\s*$`)
)

// judgeBuild is what the user's builder amounts to: the digest that it wrote
// last, which the prober will not take its word for.
func judgeBuild(build *v1alpha1.BuildSpec, job *batchv1.Job, pods []corev1.Pod) (string, verdict.Verdict) {
	if job == nil {
		return "", wait(ReasonBuilding, "The builder is about to start")
	}
	last := jobs.Finished(pods)
	for _, condition := range job.Status.Conditions {
		switch {
		case condition.Status != corev1.ConditionTrue:
		case condition.Type == batchv1.JobFailed && condition.Reason == batchv1.JobReasonDeadlineExceeded:
			return "", fail(ReasonBuildFail, "The builder did not end within its timeoutSeconds of %d: raise artifact.build.timeoutSeconds, or make it faster%s", build.TimeoutSeconds, lastWords(last))
		case condition.Type == batchv1.JobFailed:
			return "", fail(ReasonBuildFail, "The builder failed%s", lastWords(last))
		case condition.Type == batchv1.JobComplete && last != nil:
			digest := strings.TrimSpace(lastWord.FindString(jobs.Message(last)))
			if digest == "" {
				return "", fail(ReasonBuildFail, "The builder ended well but did not write the digest that it pushed, sha256:…, to /dev/termination-log%s", lastWords(last))
			}
			return digest, verdict.Pass(v1alpha1.SignalArtifact, ReasonBuilt, "The builder pushed %s", digest)
		}
	}
	if len(pods) > 0 && jobs.Hindrance(&pods[len(pods)-1]) != "" {
		return "", wait(ReasonBuilding, "The builder does not run yet: %s", jobs.Hindrance(&pods[len(pods)-1]))
	}
	return "", wait(ReasonBuilding, "The builder is running: see kubectl logs -n %s job/%s", job.Namespace, job.Name)
}

func lastWords(pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	return ": " + jobs.Account(pod)
}

// answerOf is the latest answer that a pod gave.
func answerOf(pods []corev1.Pod) (verdict.Answer, bool) {
	last := jobs.Finished(pods)
	if last == nil {
		return verdict.Answer{}, false
	}
	return verdict.Read(jobs.Message(last))
}

func decided(a verdict.Answer) bool {
	return verdict.All(verdict.Verdict{}, a.Verdicts...).Outcome != verdict.Unknown && len(a.Verdicts) > 0
}

// ended reports whether the Job will run no further pod. One that has completed
// has a pod that ended well; when that is not there to be read, it is read late.
func ended(job *batchv1.Job, pods []corev1.Pod) bool {
	last := jobs.Finished(pods)
	well := last != nil && last.Status.Phase == corev1.PodSucceeded
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobFailed || c.Type == batchv1.JobComplete && well)
	})
}

// kept are verdicts of a Job as they are fit to be kept: of this kind, and
// without anything that looks like a credential.
func kept(all []verdict.Verdict) []verdict.Verdict {
	out := make([]verdict.Verdict, 0, len(all))
	for _, v := range all {
		v.Kind, v.Name, v.Reason = v1alpha1.SignalArtifact, jobs.Fit(v.Name, 63), reason(v.Reason)
		v.Message = jobs.Fit(v.Message, 1024)
		if v.Evidence != nil {
			e := *v.Evidence
			e.Value, e.Threshold, e.Query, e.Source = jobs.Fit(e.Value, 256), jobs.Fit(e.Threshold, 256), jobs.Fit(e.Query, 1024), jobs.Fit(e.Source, 512)
			v.Evidence = &e
		}
		out = append(out, v)
	}
	return out
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

func reason(said string) string {
	if camelCase.MatchString(said) {
		return said
	}
	return ReasonUnanswered
}

func said(v verdict.Verdict) Reading { return Reading{Verdicts: []verdict.Verdict{v}} }

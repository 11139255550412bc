package errand

import (
	"cmp"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on the Jobs of gates.
const (
	ReasonRunning       = "JobRunning"      // it runs, or is about to
	ReasonPending       = "JobPending"      // something keeps its container from running
	ReasonPassed        = "JobPassed"       // the user's ended well
	ReasonFailed        = "JobFailed"       // it did not, or took too long: this release does not start
	ReasonInconclusive  = "JobInconclusive" // it does not know, or never got to run: it is asked again
	ReasonSecretThere   = "SecretThere"     // with all its keys
	ReasonSecretMissing = "SecretMissing"   // or a key of it
	ReasonSecretUnknown = "SecretUnknown"   // the Job that looks for it could not
)

// judge says what the Job of one round and its pods, the oldest first, amount to.
func (e errand) judge(job *batchv1.Job, pods []corev1.Pod) verdict.Verdict {
	last := jobs.Finished(pods)
	for _, condition := range job.Status.Conditions {
		switch {
		case condition.Status != corev1.ConditionTrue:
		case condition.Type == batchv1.JobComplete && last == nil && len(pods) > 0: // pods are read a moment behind their Job
			return wait(ReasonRunning, "Gate %q is being asked by a Job", e.gate.Name)
		case condition.Type == batchv1.JobComplete:
			return e.complete(last)
		case condition.Type == batchv1.JobFailed:
			return e.failed(job, pods, condition.Reason == batchv1.JobReasonDeadlineExceeded)
		}
	}
	if len(pods) > 0 {
		if cause := jobs.Hindrance(&pods[len(pods)-1]); cause != "" {
			return wait(ReasonPending, "Gate %q cannot be asked yet: %s", e.gate.Name, cause)
		}
	}
	return wait(ReasonRunning, "Gate %q is being asked by a Job", e.gate.Name)
}

// complete is the verdict on a Job that ended well. One that says itself that it
// failed is believed.
func (e errand) complete(last *corev1.Pod) verdict.Verdict {
	said, spoke := jobs.Said(last)
	if e.gate.Secret != nil {
		return e.looked(said, spoke)
	}
	switch {
	case !spoke:
		return verdict.Pass(v1alpha1.SignalGate, ReasonPassed, "The Job of gate %q ended well", e.gate.Name)
	case said.Outcome == verdict.Failed:
		return verdict.Fail(v1alpha1.SignalGate, ReasonFailed, "Gate %q refuses the release: %s", e.gate.Name, jobs.Quote(said.Message))
	case said.Outcome == verdict.Unknown:
		return wait(ReasonInconclusive, "Gate %q does not know, and is asked again: %s", e.gate.Name, jobs.Quote(said.Message))
	}
	return verdict.Pass(v1alpha1.SignalGate, ReasonPassed, "The Job of gate %q ended well: %s", e.gate.Name, jobs.Quote(said.Message))
}

// looked is what a Job found out about a Secret.
func (e errand) looked(said verdict.Verdict, spoke bool) verdict.Verdict {
	name := e.gate.Secret.Name
	switch {
	case !spoke:
		return wait(ReasonSecretUnknown, "Gate %q could not find out whether there is a Secret %q: its Job said nothing", e.gate.Name, name)
	case said.Outcome == verdict.Passed:
		return verdict.Pass(v1alpha1.SignalGate, ReasonSecretThere, "Secret %q exists, and has what gate %q asks for", name, e.gate.Name)
	}
	return wait(ReasonSecretMissing, "Gate %q waits for Secret %q: %s", e.gate.Name, name, jobs.Quote(said.Message))
}

// failed is the verdict on a Job whose retries or whose time are used up. That
// it never ran is no answer.
func (e errand) failed(job *batchv1.Job, pods []corev1.Pod, late bool) verdict.Verdict {
	account := "its pod is gone; see kubectl describe job -n " + job.Namespace + " " + job.Name
	if last := jobs.Finished(pods); last != nil {
		account = jobs.Account(last)
	}
	never := late && !jobs.Ran(pods) && (len(pods) > 0 || job.Status.Failed == 0)
	switch {
	case e.gate.Secret != nil:
		return wait(ReasonSecretUnknown, "Gate %q could not find out whether there is a Secret %q: %s", e.gate.Name, e.gate.Secret.Name, account)
	case never:
		cause := "it got no pod in time"
		if len(pods) > 0 {
			cause = cmp.Or(jobs.Hindrance(&pods[len(pods)-1]), "its image was not there in time")
		}
		return wait(ReasonInconclusive, "The Job of gate %q did not start within its timeoutSeconds of %d, and is tried again: %s", e.gate.Name, e.gate.Job.TimeoutSeconds, cause)
	case late:
		return verdict.Fail(v1alpha1.SignalGate, ReasonFailed, "The Job of gate %q did not end within its timeoutSeconds of %d, retries included: raise it, or make the Job faster", e.gate.Name, e.gate.Job.TimeoutSeconds)
	}
	return verdict.Fail(v1alpha1.SignalGate, ReasonFailed, "The Job of gate %q failed: %s; once that is mended, ask for another attempt with annotation %s", e.gate.Name, account, v1alpha1.AnnotationRetry)
}

// timeOf is when what a Job says came about.
func timeOf(job *batchv1.Job) metav1.Time {
	if at := ended(*job); !at.IsZero() {
		return metav1.NewTime(at)
	}
	return job.CreationTimestamp
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalGate, reason, format, args...)
}

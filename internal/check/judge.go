package check

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on checks.
const (
	ReasonPassed       = "CheckPassed"       // it ended well, and said nothing else
	ReasonFailed       = "CheckFailed"       // by its own word, or by its exit code
	ReasonTimedOut     = "CheckTimedOut"     // it took longer than timeoutSeconds
	ReasonNeverStarted = "CheckNeverStarted" // its container did not get to run within timeoutSeconds
	ReasonInconclusive = "CheckInconclusive" // it ended well, and said that it does not know
	ReasonPending      = "CheckPending"      // something keeps its container from running
	ReasonRunning      = "CheckRunning"      // it runs, or is about to
	ReasonForeign      = "ForeignJob"        // a Job of its name is not the operator's
)

// judge says what a Job and its pods, the oldest first, amount to. Whether the
// Job has ended is for its conditions to say, and whether it ended well; what
// its latest finished pod said can only make that worse.
func judge(check v1alpha1.SmokeCheck, job *batchv1.Job, pods []corev1.Pod) verdict.Verdict {
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		if v := judgeEnd(check, job, pods, condition); v.Outcome != "" {
			return v
		}
	}
	return underway(check, pods)
}

// judgeEnd is the verdict on a Job of which a condition holds, or none when
// that is not the end.
func judgeEnd(check v1alpha1.SmokeCheck, job *batchv1.Job, pods []corev1.Pod, condition batchv1.JobCondition) verdict.Verdict {
	late := condition.Reason == batchv1.JobReasonDeadlineExceeded
	evidence := verdict.Evidence{Source: "Job " + job.Name, Time: condition.LastTransitionTime}
	last := jobs.Finished(pods)
	switch condition.Type {
	case batchv1.JobComplete:
		if last == nil && len(pods) > 0 { // pods are read a moment behind their Job
			return wait(ReasonRunning, "Check %q has ended; its answer is being read", check.Name)
		}
		return withEvidence(complete(check, last), evidence, last)
	case batchv1.JobFailed:
		if late {
			return withEvidence(overdue(check, job, pods), evidence, last)
		}
		return withEvidence(failed(check, job, last), evidence, last)
	case batchv1.JobFailureTarget:
		// Not the end while a container may run. But when none ever did, this is
		// the last sight of why: the pod is gone when the Job has failed.
		if late && len(pods) > 0 && !jobs.Ran(pods) {
			return verdict.With(neverStarted(check, pods), evidence)
		}
	case batchv1.JobSuspended, batchv1.JobSuccessCriteriaMet: // not the end
	}
	return verdict.Verdict{}
}

// underway is the verdict on a Job that has not ended. What keeps it from
// running is neither success nor failure: the Job's deadline ends it.
func underway(check v1alpha1.SmokeCheck, pods []corev1.Pod) verdict.Verdict {
	if len(pods) > 0 {
		if cause := jobs.Hindrance(&pods[len(pods)-1]); cause != "" {
			return wait(ReasonPending, "Check %q does not run yet: %s", check.Name, cause)
		}
	}
	return wait(ReasonRunning, "Check %q is running", check.Name)
}

// complete is the verdict on a Job that succeeded. A check that says itself
// that it failed is believed.
func complete(check v1alpha1.SmokeCheck, last *corev1.Pod) verdict.Verdict {
	said, spoke := jobs.Said(last)
	switch {
	case !spoke:
		return verdict.Pass(v1alpha1.SignalSmoke, ReasonPassed, "Check %q passed", check.Name)
	case said.Outcome == verdict.Failed:
		return fail(ReasonFailed, "Check %q failed: %s", check.Name, jobs.Quote(said.Message))
	case said.Outcome == verdict.Unknown:
		return wait(ReasonInconclusive, "Check %q ended and does not know: %s; unless the release is aborted or tried again, its deadline ends it", check.Name, jobs.Quote(said.Message))
	}
	return verdict.Pass(v1alpha1.SignalSmoke, ReasonPassed, "Check %q passed: %s", check.Name, jobs.Quote(said.Message))
}

// failed is the verdict on a Job whose retries are used up.
func failed(check v1alpha1.SmokeCheck, job *batchv1.Job, last *corev1.Pod) verdict.Verdict {
	if last == nil {
		return fail(ReasonFailed, "Check %q failed and its pod is gone: see kubectl describe job -n %s %s", check.Name, job.Namespace, job.Name)
	}
	return fail(ReasonFailed, "Check %q failed: %s", check.Name, jobs.Account(last))
}

// overdue is the verdict on a Job that was stopped at its deadline.
func overdue(check v1alpha1.SmokeCheck, job *batchv1.Job, pods []corev1.Pod) verdict.Verdict {
	if len(pods) == 0 && job.Status.Failed == 0 { // pods that were stopped count as failed
		return fail(ReasonNeverStarted, "Check %q did not start within its timeoutSeconds of %d: it got no pod; see kubectl describe job -n %s %s",
			check.Name, check.TimeoutSeconds, job.Namespace, job.Name)
	}
	if len(pods) > 0 && !jobs.Ran(pods) {
		return neverStarted(check, pods)
	}
	attempt := ""
	if last := jobs.Finished(pods); last != nil && (last.DeletionTimestamp.IsZero() || jobs.Objected(last)) { // how it was stopped says nothing
		attempt = "; its last attempt: " + jobs.Account(last)
	}
	return fail(ReasonTimedOut, "Check %q did not pass within its timeoutSeconds of %d, retries included: raise timeoutSeconds of this check, or make it faster%s",
		check.Name, check.TimeoutSeconds, attempt)
}

func neverStarted(check v1alpha1.SmokeCheck, pods []corev1.Pod) verdict.Verdict {
	pod := &pods[len(pods)-1]
	cause := jobs.Hindrance(pod)
	if cause == "" {
		cause = fmt.Sprintf("its image %s was not there in time; check that it can be pulled, or raise timeoutSeconds of this check", jobs.ImageOf(pod))
	}
	return fail(ReasonNeverStarted, "Check %q did not start within its timeoutSeconds of %d: %s", check.Name, check.TimeoutSeconds, cause)
}

// withEvidence is v, resting on the Job and on what its last pod said.
func withEvidence(v verdict.Verdict, e verdict.Evidence, last *corev1.Pod) verdict.Verdict {
	said, spoke := jobs.Said(last)
	if spoke && said.Evidence != nil {
		e.Value, e.Baseline, e.Threshold = jobs.Fit(said.Evidence.Value, 256), jobs.Fit(said.Evidence.Baseline, 256), jobs.Fit(said.Evidence.Threshold, 256)
		e.Query, e.Window = jobs.Fit(said.Evidence.Query, 1024), jobs.Fit(said.Evidence.Window, 64)
		e.Samples, e.Failures = max(0, said.Evidence.Samples), max(0, said.Evidence.Failures) // what had to be asked again
	}
	return verdict.With(v, e)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalSmoke, reason, format, args...)
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalSmoke, reason, format, args...)
}

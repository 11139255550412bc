package check

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on checks.
const (
	ReasonPassed       = "CheckPassed"
	ReasonFailed       = "CheckFailed"       // its own word, or its exit code
	ReasonTimedOut     = "CheckTimedOut"     // it took longer than timeoutSeconds
	ReasonNeverStarted = "CheckNeverStarted" // its pod did not get to run within timeoutSeconds
	ReasonPending      = "CheckPending"      // its pod does not run yet
	ReasonRunning      = "CheckRunning"
	ReasonForeign      = "ForeignJob" // a Job of its name is not the operator's
)

const (
	maxVerdicts = 16  // that are read of one check
	maxQuote    = 512 // bytes that are repeated of what a check said
)

// Read answers with a verdict for each check of the spec, in its order.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, error) {
	verdicts := make([]verdict.Verdict, 0, len(sd.Spec.Checks.Smoke))
	for _, check := range sd.Spec.Checks.Smoke {
		v, err := readOne(ctx, c, sd, rel, check)
		if err != nil {
			return nil, err
		}
		v.Kind, v.Name = v1alpha1.SignalSmoke, check.Name
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func readOne(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck) (verdict.Verdict, error) {
	name := release.JobName(sd.Name, rel.Hash, rel.Attempt, check.Name)
	job := &batchv1.Job{}
	err := c.Get(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, job)
	switch {
	case apierrors.IsNotFound(err):
		return wait(ReasonPending, "Check %q has not started yet", check.Name), nil
	case err != nil:
		return verdict.Verdict{}, fmt.Errorf("read Job %s/%s: %w", sd.Namespace, name, err)
	case !owned.Owns(sd, job):
		return wait(ReasonForeign, "Job %q exists and is not the operator's: delete it", name), nil
	}
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.InNamespace(sd.Namespace), client.MatchingLabels{batchv1.JobNameLabel: name}); err != nil {
		return verdict.Verdict{}, fmt.Errorf("list the pods of Job %s/%s: %w", sd.Namespace, name, err)
	}
	return Judge(check, job, latest(job, pods.Items)), nil
}

// latest is the pod of the Job that came last, or nil.
func latest(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	var last *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		newer := last == nil || last.CreationTimestamp.Before(&pod.CreationTimestamp) ||
			last.CreationTimestamp.Equal(&pod.CreationTimestamp) && last.Name < pod.Name
		if metav1.IsControlledBy(pod, job) && newer {
			last = pod
		}
	}
	return last
}

// Judge says what a Job and its latest pod amount to. Whether the Job has
// ended is for its own conditions to say.
func Judge(check v1alpha1.SmokeCheck, job *batchv1.Job, pod *corev1.Pod) verdict.Verdict {
	ended := terminated(pod)
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		evidence := verdict.Evidence{Source: "Job " + job.Name, Time: condition.LastTransitionTime}
		switch condition.Type {
		case batchv1.JobComplete:
			return verdict.With(complete(check, ended), withSaid(evidence, ended))
		case batchv1.JobFailed:
			return verdict.With(failed(check, condition.Reason, pod, ended), withSaid(evidence, ended))
		case batchv1.JobSuspended, batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet: // not the end
		}
	}
	if cause := hindered(pod); cause != "" {
		return wait(ReasonPending, "Check %q cannot run yet: %s", check.Name, cause)
	}
	return wait(ReasonRunning, "Check %q is running", check.Name)
}

// complete is the verdict on a Job that succeeded. A check that says itself
// that it failed is believed.
func complete(check v1alpha1.SmokeCheck, ended *corev1.ContainerStateTerminated) verdict.Verdict {
	said := words(ended)
	for _, v := range said {
		if v.Outcome != verdict.Passed {
			return verdict.Fail(v1alpha1.SignalSmoke, ReasonFailed, "Check %q failed: %s", check.Name, quote(v.Message))
		}
	}
	if len(said) > 0 {
		return verdict.Pass(v1alpha1.SignalSmoke, ReasonPassed, "Check %q passed: %s", check.Name, quote(said[len(said)-1].Message))
	}
	return verdict.Pass(v1alpha1.SignalSmoke, ReasonPassed, "Check %q passed", check.Name)
}

// failed is the verdict on a Job that failed.
func failed(check v1alpha1.SmokeCheck, reason string, pod *corev1.Pod, ended *corev1.ContainerStateTerminated) verdict.Verdict {
	if reason == batchv1.JobReasonDeadlineExceeded && ended == nil {
		if cause := hindered(pod); cause != "" || pod == nil {
			return fail(ReasonNeverStarted, "Check %q did not get to run within its timeoutSeconds of %d: %s", check.Name, check.TimeoutSeconds, orElse(cause, "it got no pod"))
		}
	}
	if reason == batchv1.JobReasonDeadlineExceeded {
		return fail(ReasonTimedOut, "Check %q took longer than its timeoutSeconds of %d", check.Name, check.TimeoutSeconds)
	}
	for _, v := range words(ended) {
		if v.Outcome != verdict.Passed {
			return fail(ReasonFailed, "Check %q failed: %s", check.Name, quote(v.Message))
		}
	}
	if ended == nil {
		return fail(ReasonFailed, "Check %q failed", check.Name)
	}
	return fail(ReasonFailed, "Check %q failed with exit code %d: %s", check.Name, ended.ExitCode, orElse(quote(ended.Message), "it said nothing"))
}

// withSaid adds the evidence of the deciding verdict of the built-in prober.
func withSaid(e verdict.Evidence, ended *corev1.ContainerStateTerminated) verdict.Evidence {
	said := words(ended)
	if len(said) == 0 || said[len(said)-1].Evidence == nil {
		return e
	}
	last := said[len(said)-1].Evidence
	e.Value, e.Threshold, e.Query = clean(last.Value, 256), clean(last.Threshold, 256), clean(last.Query, 512)
	e.Window, e.Samples = clean(last.Window, 64), int32(len(said)) //nolint:gosec // at most maxVerdicts
	return e
}

// words are the verdicts that a check wrote, if that is what it wrote.
func words(ended *corev1.ContainerStateTerminated) []verdict.Verdict {
	if ended == nil {
		return nil
	}
	var said []verdict.Verdict
	if json.Unmarshal([]byte(strings.TrimSpace(ended.Message)), &said) != nil || len(said) > maxVerdicts {
		return nil
	}
	for _, v := range said {
		if v.Outcome != verdict.Passed && v.Outcome != verdict.Failed && v.Outcome != verdict.Unknown {
			return nil
		}
	}
	return said
}

// terminated is how the check's container ended, or nil.
func terminated(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	if pod == nil {
		return nil
	}
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == container {
			return status.State.Terminated
		}
	}
	return nil
}

// hindered says why the pod does not run, or "".
func hindered(pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	for _, status := range pod.Status.ContainerStatuses {
		if waiting := status.State.Waiting; waiting != nil && waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing" {
			return fmt.Sprintf("pod %s: %s of image %s", pod.Name, waiting.Reason, status.Image)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return fmt.Sprintf("pod %s cannot be scheduled: %s", pod.Name, clean(condition.Message, maxQuote))
		}
	}
	return ""
}

// credentials are the shapes of secrets that checks have been seen to print.
var credentials = regexp.MustCompile(`(?i)(bearer|basic)\s+[a-z0-9._~+/=-]+|((?:password|passwd|secret|token|api[-_]?key|authorization)["']?\s*[=:]\s*)["']?[^\s"',;]+|(://[^:/\s]+:)[^@\s]+@`)

// quote is what a check said, fit to be repeated.
func quote(text string) string {
	return clean(credentials.ReplaceAllString(text, "${2}${3}[redacted]"), maxQuote)
}

// clean is one printable line.
func clean(text string, limit int) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return verdict.Clip(strings.TrimSpace(line), limit)
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalSmoke, reason, format, args...)
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalSmoke, reason, format, args...)
}

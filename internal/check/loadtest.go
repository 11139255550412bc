package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	partLoadTest = "load"
	envLoadTest  = "SIGNAL_LOAD_TEST"
	// labelLoadTest is no check's name: it has a dot.
	labelLoadTest = "load.test"
	// muster is how long workers have to start, so that they begin together.
	muster = 15 * time.Second
)

// EnsureLoadTest starts the workers of the load test once for each attempt; a
// foreign Job of the name of one is an owned.ForeignError.
func EnsureLoadTest(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, since time.Time, sides Sides, proberImage string) error {
	if proberImage == "" {
		return errors.New("start the load test: the operator was started without --prober-image")
	}
	var problems []error
	for worker := range workers(sd) {
		problems = append(problems, owned.Create(ctx, c, sd, LoadTest(sd, rel, worker, since, sides, proberImage)))
	}
	return errors.Join(problems...)
}

// workers is how many Jobs share the load.
func workers(sd *v1alpha1.SignalDeployment) int { return int(max(1, sd.Spec.Checks.Load.Test.Workers)) }

// LoadTest is the Job that sends one worker's share of the load test of one
// attempt. Its name is a function of (release, attempt, worker), so that asking
// twice creates once. When all are to begin follows from when the checks did,
// which is remembered. A Job that was lost is not tried again: its share would
// come when the others have ended.
func LoadTest(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, worker int, since time.Time, sides Sides, proberImage string) *batchv1.Job {
	spec := sd.Spec.Checks.Load.Test
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = labelLoadTest
	c := jobs.Prober(proberImage, spec.TimeoutSeconds, "load", "test")
	c.Env = append(c.Env,
		corev1.EnvVar{Name: jobs.EnvTarget, Value: "http://" + net.JoinHostPort(sides.Canary, strconv.Itoa(int(portOf(sd, spec.Port))))},
		corev1.EnvVar{Name: jobs.EnvHost, Value: sides.Host},
		corev1.EnvVar{Name: jobs.EnvReleaseID, Value: rel.ID},
		corev1.EnvVar{Name: "SIGNAL_WORKER", Value: strconv.Itoa(worker)},
		corev1.EnvVar{Name: envLoadTest, Value: jobs.Encode(spec)},
	)
	if spec.Workers > 1 {
		c.Env = append(c.Env, corev1.EnvVar{Name: "SIGNAL_START", Value: since.Add(muster).UTC().Format(time.RFC3339)})
	}
	c.Resources = corev1.ResourceRequirements{ // sending takes more than asking
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("256Mi")},
	}
	return jobs.Job{
		Namespace: sd.Namespace, Name: loadTestName(sd, rel, worker),
		Labels: labels, PodLabels: podLabels(sd, rel, loadTestCheck(spec)), TimeoutSeconds: spec.TimeoutSeconds,
		PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c,
	}.Build()
}

func loadTestName(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, worker int) string {
	return release.LoadName(sd.Name, rel.Hash, rel.Attempt, fmt.Sprintf("load-%d", worker))
}

// loadTestCheck is the load test as one check among others.
func loadTestCheck(spec *v1alpha1.LoadTest) v1alpha1.SmokeCheck {
	return v1alpha1.SmokeCheck{Name: labelLoadTest, TimeoutSeconds: spec.TimeoutSeconds}
}

// measured is what one worker's Job came to: its state, or what it measured of
// the test that it was given.
type measured struct {
	state  verdict.Verdict
	spec   v1alpha1.LoadTest
	result *loadtest.Result
}

// ReadLoadTest answers with what the load test amounts to and then with its
// parts, and with what is to be remembered of it once all workers have ended.
func ReadLoadTest(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, *v1alpha1.LoadRecord, error) {
	var results []loadtest.Result
	var spec v1alpha1.LoadTest
	var states []verdict.Verdict
	for worker := range workers(sd) {
		m, err := readWorker(ctx, c, sd, rel, worker)
		if err != nil {
			return nil, nil, err
		}
		if m.result == nil {
			states = append(states, m.state)
			continue
		}
		results, spec = append(results, *m.result), m.spec
	}
	if len(states) > 0 {
		return []verdict.Verdict{verdict.All(states[0], states...)}, nil, nil
	}
	stable := ""
	if sd.Status.Stable != nil && sd.Status.Stable.Hash != rel.Hash {
		stable = sd.Status.Stable.Hash
	}
	all := loadtest.Merge(results)
	verdicts, record := loadtest.Judge(spec, all, sd.Status.Loads, stable), loadtest.Record(spec, all, rel.Hash)
	for i := range verdicts {
		verdicts[i].Evidence.Source = "Job " + loadTestName(sd, rel, 0)
		if len(results) > 1 {
			verdicts[i].Evidence.Source += fmt.Sprintf(" and %d more", len(results)-1)
		}
	}
	return verdicts, &record, nil
}

func readWorker(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, worker int) (measured, error) {
	name, check := loadTestName(sd, rel, worker), loadTestCheck(sd.Spec.Checks.Load.Test)
	job, pods, err := jobs.Read(ctx, c, sd, name, podLabels(sd, rel, check))
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return measured{state: ofLoadTest(wait(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for the load test: delete it", name))}, nil
	case err != nil:
		return measured{}, err
	case job == nil:
		return measured{state: ofLoadTest(wait(ReasonRunning, "The load test is about to start"))}, nil
	}
	check.Name = partLoadTest
	return judgeWorker(check, job, pods), nil
}

// judgeWorker takes the state from the Job, and from its pod what was measured.
// A Job that ended well without that proves nothing.
func judgeWorker(check v1alpha1.SmokeCheck, job *batchv1.Job, pods []corev1.Pod) measured {
	m := measured{state: ofLoadTest(judge(check, job, pods))}
	last := jobs.Finished(pods)
	if m.state.Outcome != verdict.Passed || last == nil {
		return m
	}
	answer, _ := verdict.Read(jobs.Message(last))
	err := json.Unmarshal([]byte(asked(job)), &m.spec)
	if err == nil {
		var r loadtest.Result
		if r, err = loadtest.Decode(answer.Load, m.spec); err == nil {
			m.result = &r
			return m
		}
	}
	m.state.Outcome, m.state.Reason = verdict.Unknown, ReasonInconclusive
	m.state.Message = fmt.Sprintf("Job %s of the load test ended without saying what it measured; unless the release is aborted or tried again, its deadline ends it", job.Name)
	return m
}

// asked is the test that the Job was given: the spec may have changed since.
func asked(job *batchv1.Job) string {
	for _, c := range job.Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			if c.Name == jobs.Container && e.Name == envLoadTest {
				return e.Value
			}
		}
	}
	return ""
}

// ofLoadTest is v, said of the load test.
func ofLoadTest(v verdict.Verdict) verdict.Verdict {
	v.Kind = v1alpha1.SignalLoad
	return verdict.Named(v, partLoadTest)
}

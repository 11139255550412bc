package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/verdict"
)

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

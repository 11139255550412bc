package errand

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Read is what the Jobs of the gates say, by gate; nothing of one that has not
// been asked. While a gate is asked again, its latest answer counts.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, gates []v1alpha1.Gate) (map[string]verdict.Verdict, error) {
	said := map[string]verdict.Verdict{}
	for _, g := range gates {
		if g.Job == nil && g.Secret == nil {
			continue
		}
		e := errand{sd, rel, g}
		rounds, err := e.rounds(ctx, c)
		if err != nil {
			return nil, err
		}
		for i, job := range rounds {
			if ended(job).IsZero() && i+1 < len(rounds) && !ended(rounds[i+1]).IsZero() {
				continue
			}
			v, err := e.read(ctx, c, job)
			if err != nil {
				return nil, err
			}
			said[g.Name] = verdict.Named(v, g.Name)
			break
		}
	}
	return said, nil
}

// Ensure starts the Jobs that are due. One that cannot be started does not keep
// the others from being.
func Ensure(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, due []v1alpha1.Gate, proberImage string, now time.Time) error {
	var problems []error
	for _, g := range due {
		e := errand{sd, rel, g}
		rounds, err := e.rounds(ctx, c)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		round, starts, err := e.next(ctx, c, rounds, now)
		switch {
		case err != nil:
			problems = append(problems, err)
		case starts && g.Secret != nil && proberImage == "":
			problems = append(problems, fmt.Errorf("ask gate %q: the operator was started without --prober-image", g.Name))
		case starts:
			problems = append(problems, owned.Create(ctx, c, sd, e.build(round, proberImage)))
		}
	}
	return errors.Join(problems...)
}

// rounds are the gate's Jobs, the latest first.
func (e errand) rounds(ctx context.Context, c client.Reader) ([]batchv1.Job, error) {
	list := &batchv1.JobList{}
	selector := e.labels()
	selector[v1alpha1.LabelName], selector[v1alpha1.LabelRelease] = e.sd.Name, e.rel.Hash
	if err := c.List(ctx, list, client.InNamespace(e.sd.Namespace), client.MatchingLabels(selector)); err != nil {
		return nil, fmt.Errorf("list the Jobs of gate %q of SignalDeployment %s/%s: %w", e.gate.Name, e.sd.Namespace, e.sd.Name, err)
	}
	all := slices.DeleteFunc(list.Items, func(job batchv1.Job) bool { return !owned.Owns(e.sd, &job) })
	slices.SortFunc(all, func(a, b batchv1.Job) int { return cmp.Compare(roundOf(b), roundOf(a)) })
	return all, nil
}

// next is the round that is to start, if one is.
func (e errand) next(ctx context.Context, c client.Reader, rounds []batchv1.Job, now time.Time) (round int, starts bool, err error) {
	if len(rounds) == 0 {
		return 0, true, nil
	}
	latest := rounds[0]
	at, round := ended(latest), roundOf(latest)
	if at.IsZero() {
		return 0, false, nil
	}
	v, err := e.read(ctx, c, latest)
	if err != nil || e.gate.Secret == nil && v.Outcome != verdict.Unknown {
		return 0, false, err
	}
	pause := pauses[min(round, len(pauses)-1)]
	if v.Outcome == verdict.Passed {
		pause = pauses[len(pauses)-1]
	}
	return round + 1, now.Sub(at) >= pause, nil
}

// pauses between two rounds: shorter than an ended Job is kept.
var pauses = []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

func roundOf(job batchv1.Job) int {
	round, err := strconv.Atoi(job.Labels[labelRound])
	if err != nil { // not one that was made here
		return 0
	}
	return round
}

// ended is when a Job ended; zero when it has not.
func ended(job batchv1.Job) time.Time {
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// read is what one round says.
func (e errand) read(ctx context.Context, c client.Reader, listed batchv1.Job) (verdict.Verdict, error) {
	job, pods, err := jobs.Read(ctx, c, e.sd, listed.Name, e.podLabels())
	if err != nil {
		return verdict.Verdict{}, err
	}
	if job == nil { // it has just gone
		return wait(ReasonRunning, "Gate %q is being asked by a Job", e.gate.Name), nil
	}
	return verdict.With(e.judge(job, pods), verdict.Evidence{Source: "Job " + job.Name, Time: timeOf(job)}), nil
}

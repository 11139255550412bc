package check

import (
	"context"
	"errors"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxFinding is how much is repeated of what security checks found, in bytes.
// The built-in prober says it, in words of its own.
const maxFinding = 1024

// ReadSecurity answers with what the security checks amount to, and then with
// each that found something.
func ReadSecurity(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, error) {
	return readSecurity(ctx, c, sd, rel, release.SecurityName(sd.Name, rel.Hash, rel.Attempt), securityCheck(sd))
}

// ReadSecurityAfter is ReadSecurity of the checks after the cutover, under a
// name of their own.
func ReadSecurityAfter(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, error) {
	said, err := readSecurity(ctx, c, sd, rel, release.LoadName(sd.Name, rel.Hash, rel.Attempt, partSecurityAfter), securityAfter(sd))
	for i := range said {
		said[i].Name = verdict.Clip(labelAt(said[i].Name, v1alpha1.StageAfterCutover), 253)
	}
	return said, err
}

func readSecurity(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, name string, check v1alpha1.SmokeCheck) ([]verdict.Verdict, error) {
	job, pods, waits, err := readSummed(ctx, c, sd, rel, name, check, partSecurity, "the security checks", "The security checks are")
	if job == nil {
		return waits, err
	}
	return judgeSecurity(sd, job, pods), nil
}

// readSummed reads a Job of the built-in prober, or says of the part what is
// waited for.
func readSummed(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, name string, check v1alpha1.SmokeCheck, part, what, starting string) (*batchv1.Job, []corev1.Pod, []verdict.Verdict, error) {
	job, pods, err := jobs.Read(ctx, c, sd, name, podLabels(sd, rel, check))
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		v := wait(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for %s: delete it", name, what)
		return nil, nil, []verdict.Verdict{ofSecurity(v, part)}, nil
	case err != nil:
		return nil, nil, nil, err
	case job == nil:
		return nil, nil, []verdict.Verdict{ofSecurity(wait(ReasonRunning, "%s about to start", starting), part)}, nil
	}
	return job, pods, nil, nil
}

// judgeSecurity says what the Job of security checks amounts to.
func judgeSecurity(sd *v1alpha1.SignalDeployment, job *batchv1.Job, pods []corev1.Pod) []verdict.Verdict {
	check := securityCheck(sd)
	check.Name = partSecurity
	return judgeSummed(check, "The security checks", job, pods)
}

// judgeSummed takes the state from a Job of the built-in prober, and from its
// latest pod what was found: the last verdict sums up the others. A Job that
// broke off proves nothing in favour.
func judgeSummed(check v1alpha1.SmokeCheck, title string, job *batchv1.Job, pods []corev1.Pod) []verdict.Verdict {
	state := ofSecurity(judge(check, job, pods), check.Name)
	last := jobs.Finished(pods)
	if state.Reason != ReasonPassed && state.Reason != ReasonFailed && state.Reason != ReasonInconclusive || last == nil {
		return []verdict.Verdict{state}
	}
	answer, _ := verdict.Read(jobs.Message(last))
	if len(answer.Verdicts) == 0 {
		return []verdict.Verdict{unsaid(state, title)}
	}
	said := answer.Verdicts[len(answer.Verdicts)-1] // it decides, and stays when there is no room for all
	if state.Outcome == verdict.Failed && said.Outcome == verdict.Passed {
		return []verdict.Verdict{state}
	}
	all := []verdict.Verdict{verdict.With(repeated(said, check.Name), restsOn(*state.Evidence, said.Evidence))}
	for _, v := range answer.Verdicts[:len(answer.Verdicts)-1] {
		if v.Outcome == verdict.Failed {
			detail := verdict.With(repeated(v, check.Name), verdict.Evidence{Source: state.Evidence.Source, Time: state.Evidence.Time})
			if v.Evidence != nil {
				detail.Evidence.Query = jobs.Fit(v.Evidence.Query, 256)
			}
			all = append(all, verdict.Named(detail, jobs.Fit(v.Name, 63)))
		}
	}
	return all
}

// restsOn is the Job, and what the prober counted.
func restsOn(e verdict.Evidence, said *verdict.Evidence) verdict.Evidence {
	if said == nil {
		return e
	}
	e.Value, e.Baseline, e.Threshold = jobs.Fit(said.Value, 256), jobs.Fit(said.Baseline, 256), jobs.Fit(said.Threshold, 256)
	e.Query, e.Window, e.Samples, e.Failures = jobs.Fit(said.Query, 1024), jobs.Fit(said.Window, 64), said.Samples, said.Failures
	if numbers(said.Statistic) {
		e.Statistic = said.Statistic
	}
	return e
}

// numbers reports whether a text is numbers of checks and nothing else: it is
// handed on to another Job.
func numbers(text string) bool { return len(text) <= 256 && strings.Trim(text, "0123456789, ") == "" }

// unsaid is the state of a Job that said nothing: that it ended well is no
// proof that anything was checked.
func unsaid(state verdict.Verdict, title string) verdict.Verdict {
	if state.Outcome == verdict.Passed {
		state.Outcome, state.Reason, state.Message = verdict.Unknown, ReasonInconclusive, title+" ended and said nothing; unless the release is aborted or tried again, its deadline ends it"
	}
	return state
}

// repeated is what the prober said, fit to be kept.
func repeated(said verdict.Verdict, part string) verdict.Verdict {
	v := ofSecurity(verdict.Verdict{Outcome: said.Outcome, Reason: jobs.Fit(said.Reason, 128), Message: jobs.Fit(said.Message, maxFinding)}, part)
	if v.Reason == "" {
		v.Reason = ReasonInconclusive
	}
	return v
}

// ofSecurity is v, said of a part of the checks of security.
func ofSecurity(v verdict.Verdict, part string) verdict.Verdict {
	v.Kind = v1alpha1.SignalSecurity
	return verdict.Named(v, part)
}

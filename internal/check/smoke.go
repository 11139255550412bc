package check

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Ensure starts each check of the attempt that has the target's stage once. One
// that cannot be started does not keep the others from being; a foreign Job of
// its name is an owned.ForeignError.
func Ensure(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, target Target, proberImage string) error {
	var problems []error
	for _, check := range sd.Spec.Checks.Smoke {
		if !slices.Contains(release.Stages(check), target.Stage) {
			continue
		}
		if check.Job == nil && proberImage == "" {
			problems = append(problems, fmt.Errorf("start check %q: the operator was started without --prober-image", check.Name))
			continue
		}
		problems = append(problems, owned.Create(ctx, c, sd, Build(sd, rel, check, target, proberImage)))
	}
	return errors.Join(problems...)
}

// Read answers with a verdict for each check of the spec, in its order, at each
// of these stages that it has.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, stages ...v1alpha1.CheckStage) ([]verdict.Verdict, error) {
	verdicts := make([]verdict.Verdict, 0, len(sd.Spec.Checks.Smoke))
	for _, check := range sd.Spec.Checks.Smoke {
		for _, stage := range release.Stages(check) {
			if !slices.Contains(stages, stage) {
				continue
			}
			v, err := readOne(ctx, c, sd, rel, check, stage)
			if err != nil {
				return nil, err
			}
			verdicts = append(verdicts, verdict.Named(v, at(check, stage).Name))
		}
	}
	return verdicts, nil
}

func readOne(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck, stage v1alpha1.CheckStage) (verdict.Verdict, error) {
	name := release.StageName(sd.Name, rel.Hash, rel.Attempt, check.Name, stage)
	check = at(check, stage)
	job, pods, err := jobs.Read(ctx, c, sd, name, podLabels(sd, rel, check))
	var foreign *owned.ForeignError
	switch {
	case errors.As(err, &foreign):
		return wait(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for check %q: delete it", name, check.Name), nil
	case err != nil:
		return verdict.Verdict{}, err
	case job == nil:
		return wait(ReasonRunning, "Check %q is about to start", check.Name), nil
	}
	return judge(check, job, pods), nil
}

package check

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
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

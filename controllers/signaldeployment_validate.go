package controllers

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/artifact"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/prober/image/policy"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout/drill"
	"github.com/signal-delivery/operator/internal/slo"
)

// validated is what was found of a spec, which is true until it changes:
// expressions and rules are compiled once, not by every reconcile.
type validated struct {
	uid        types.UID
	generation int64
	files      map[v1alpha1.ConfigMapKey]string
	rules      rules
	problem    error
}

// valid is what validate says, asked once of each generation of a spec.
func (r *SignalDeploymentReconciler) valid(sd *v1alpha1.SignalDeployment, files map[v1alpha1.ConfigMapKey]string) (rules, error) {
	known := r.minds.of(client.ObjectKeyFromObject(sd)).validated
	if known.uid != sd.UID || known.generation != sd.Generation || sd.Generation == 0 || !maps.Equal(known.files, files) {
		*known = validated{uid: sd.UID, generation: sd.Generation, files: files}
		known.rules, known.problem = r.validate(sd, files)
	}
	return known.rules, known.problem
}

// validate finds what the schema cannot: the first problem, naming its field.
func (r *SignalDeploymentReconciler) validate(sd *v1alpha1.SignalDeployment, files map[v1alpha1.ConfigMapKey]string) (rules, error) {
	if release.Container(&sd.Spec) < 0 {
		return rules{}, containerProblem(sd)
	}
	if err := cmp.Or(artifact.Validate(sd.Spec.Artifact), policy.Validate(sd.Spec.Artifact)); err != nil {
		return rules{}, err
	}
	if err := cmp.Or(smokeProblem(sd), loadProblem(sd), loadTestProblem(sd), securityProblem(sd), leaksProblem(sd), watermarkProblem(sd)); err != nil {
		return rules{}, err
	}
	if err := cmp.Or(gate.Validate(sd), drill.Validate(sd)); err != nil {
		return rules{}, err
	}
	servers := slices.Sorted(maps.Keys(r.Metrics))
	if err := analysis.Validate(sd.Spec.Analysis, append(servers, v1alpha1.ServerBuiltIn)); err != nil {
		return rules{}, err
	}
	if err := slo.Validate(sd.Spec.Analysis.SLOs, append(servers, v1alpha1.ServerBuiltIn)); err != nil {
		return rules{}, err
	}
	return r.rulesOf(sd, files)
}

func containerProblem(sd *v1alpha1.SignalDeployment) error {
	if len(sd.Spec.Template.Spec.Containers) == 0 {
		return errors.New("spec.template.spec.containers: must have a container for the image to run in")
	}
	return fmt.Errorf("spec.artifact.container: spec.template has no container named %q", sd.Spec.Artifact.Container)
}

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/traffic/service"
	"github.com/signal-delivery/operator/internal/workload"
)

// rehearsed is what the API server said of what an attempt would create.
type rehearsed struct {
	of      string // the attempt, and the spec that it was asked with
	refusal error
	until   time.Time // a refusal is taken for an answer until then
}

// rehearseEvery is how often a refusal is questioned that may not last.
const rehearseEvery = time.Minute

// stand is a client that reads from memory and whose writes the API server
// checks, strictly, and does not keep.
type stand struct {
	client.Client               // that keeps nothing
	memory        client.Reader // that the operator reads from
}

func (s stand) Get(ctx context.Context, key client.ObjectKey, object client.Object, o ...client.GetOption) error {
	return s.memory.Get(ctx, key, object, o...) //nolint:wrapcheck // it stands in for another client
}

func (s stand) List(ctx context.Context, list client.ObjectList, o ...client.ListOption) error {
	return s.memory.List(ctx, list, o...) //nolint:wrapcheck // it stands in for another client
}

// newStand makes the client for rehearsals. It is none of the manager's: that
// one would wait to read what was never written.
func newStand(mgr ctrl.Manager) (client.Client, error) {
	c, err := client.New(mgr.GetConfig(), client.Options{HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return nil, fmt.Errorf("set up rehearsals: %w", err)
	}
	return stand{Client: client.NewDryRunClient(client.WithFieldValidation(c, metav1.FieldValidationStrict)), memory: mgr.GetClient()}, nil
}

// rehearse asks the API server, once for each attempt and spec, whether it
// would accept what the release has it create.
func (r *SignalDeploymentReconciler) rehearse(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world, f *gate.Facts) error {
	c := sd.Status.Candidate
	if c == nil || c.Asked != w.Asked { // the template at hand is not the release's
		return nil
	}
	known, attempt := r.minds.of(client.ObjectKeyFromObject(sd)).rehearsed, fmt.Sprintf("%s/%d", c.ID, sd.Generation)
	if known.of != attempt || known.refusal != nil && !f.Now.Before(known.until) {
		err := errors.Join(
			workload.Start(ctx, r.Stand, sd, *c, w.inputs, 1),
			r.rehearseChecks(ctx, sd, *c),
		)
		if err != nil && !gate.Refuses(err) {
			return fmt.Errorf("rehearse release %s of SignalDeployment %s/%s: %w", c.ID, sd.Namespace, sd.Name, err)
		}
		*known = rehearsed{of: attempt, refusal: err, until: f.Now.Add(rehearseEvery)}
	}
	f.Rehearsed, f.Refusal = true, known.refusal
	return nil
}

// rehearseChecks rehearses the Jobs of the smoke checks of every stage.
func (r *SignalDeploymentReconciler) rehearseChecks(ctx context.Context, sd *v1alpha1.SignalDeployment, c v1alpha1.Release) error {
	nowhere := service.Selection{Address: "192.0.2.1", StableAddress: "192.0.2.1"}
	stages := []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover}
	problems := make([]error, 0, len(stages))
	for _, stage := range stages {
		problems = append(problems, check.Ensure(ctx, r.Stand, sd, c, target(sd, stage, nowhere), r.ProberImage))
	}
	return errors.Join(problems...)
}

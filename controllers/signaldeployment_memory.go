package controllers

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
)

// mind is what this process knows of one SignalDeployment beside its status:
// nothing that a restart could not gather again.
type mind struct {
	history   *analysis.History
	loading   *loading
	budgets   *budgets
	dashboard *delivery
	rehearsed *rehearsed
	drilled   *drilled // samples of a drill; never nil
	answers   answers
	refused   *refusal // of background load; never nil
	validated *validated
}

// minds are the SignalDeployments whose memory this process has read live.
// From then on the client keeps cached reads behind its own writes.
type minds struct {
	known sync.Map // types.NamespacedName → mind
}

func (m *minds) of(key types.NamespacedName) mind {
	known, _ := m.known.LoadOrStore(key, mind{
		history: analysis.NewHistory(), loading: &loading{}, budgets: &budgets{}, dashboard: &delivery{}, refused: &refusal{}, rehearsed: &rehearsed{}, drilled: &drilled{}, answers: answers{}, validated: &validated{},
	})
	return known.(mind) //nolint:forcetypeassert // nothing else is stored
}

func (m *minds) knows(key types.NamespacedName) bool {
	_, known := m.known.Load(key)
	return known
}

// forget makes the next read a live one.
func (m *minds) forget(key types.NamespacedName) { m.known.Delete(key) }

// recall reads the object and with it the memory of earlier decisions: live
// the first time, and whenever a write may or may not have got through. It
// sees to the finalizer, without which nothing may be routed. Nil means that
// there is nothing to do.
func (r *SignalDeploymentReconciler) recall(ctx context.Context, key types.NamespacedName) (*v1alpha1.SignalDeployment, error) {
	sd := &v1alpha1.SignalDeployment{}
	err := r.Get(ctx, key, sd)
	if err == nil && !r.minds.knows(key) {
		sd = &v1alpha1.SignalDeployment{}
		err = r.Live.Get(ctx, key, sd)
	}
	if apierrors.IsNotFound(err) {
		r.minds.forget(key)
		forgetMetrics(key)
		r.deafen(key)
		r.turns.leave(key)
		return nil, nil //nolint:nilnil // gone is an answer, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("read SignalDeployment %s: %w", key, err)
	}
	r.minds.of(key)
	switch {
	case controllerutil.ContainsFinalizer(sd, v1alpha1.Finalizer):
		return sd, nil
	case !sd.DeletionTimestamp.IsZero():
		return nil, nil //nolint:nilnil // someone else's finalizer holds it
	}
	before := sd.DeepCopy()
	controllerutil.AddFinalizer(sd, v1alpha1.Finalizer)
	return sd, r.patch(ctx, sd, before)
}

// patch writes metadata; like every write, it fails rather than overwrite.
func (r *SignalDeploymentReconciler) patch(ctx context.Context, sd, before *v1alpha1.SignalDeployment) error {
	err := r.Patch(ctx, sd, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(v1alpha1.FieldManager))
	if client.IgnoreNotFound(err) != nil { // what is gone needs no finalizer
		r.minds.forget(client.ObjectKeyFromObject(sd))
		return fmt.Errorf("patch SignalDeployment %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	return nil
}

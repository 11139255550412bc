package controllers

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/report"
	"github.com/signal-delivery/operator/internal/rollout"
)

// remember writes what was decided before anything is done about it, so that
// a crash in between is finished by the next reconcile. Events and metrics
// tell only what has been remembered.
func (r *SignalDeploymentReconciler) remember(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	before := sd.DeepCopy()
	sd.Status = *d.Next.DeepCopy()
	count(sd, w)
	if d.Want.Report {
		summary := report.Make(reportInput(sd, d.Next)).Summary
		sd.Status.Report = &summary
	}
	sd.Status.ObservedGeneration = sd.Generation
	setConditions(sd, w)
	if err := r.patchStatus(ctx, sd, before); err != nil {
		return err
	}
	r.tell(sd, d.Events)
	measure(sd, before)
	return nil
}

// report says what kept the wanted from being applied, when a person can help.
func (r *SignalDeploymentReconciler) report(ctx context.Context, sd *v1alpha1.SignalDeployment, applied error) error {
	before := sd.DeepCopy()
	setObstacle(sd, applied)
	return r.patchStatus(ctx, sd, before)
}

// patchStatus is the only writer of status. It fails rather than overwrite,
// and writes nothing when nothing has changed.
func (r *SignalDeploymentReconciler) patchStatus(ctx context.Context, sd, before *v1alpha1.SignalDeployment) error {
	if equality.Semantic.DeepEqual(before.Status, sd.Status) {
		return nil
	}
	want := sd.Status
	err := r.writeStatus(ctx, sd, before)
	for try := 0; try < 3 && apierrors.IsConflict(err); try++ {
		live := &v1alpha1.SignalDeployment{}
		if r.Live.Get(ctx, client.ObjectKeyFromObject(sd), live) != nil || !sameGround(before, live) {
			break
		}
		before = live.DeepCopy()
		live.DeepCopyInto(sd)
		sd.Status = want
		err = r.writeStatus(ctx, sd, before)
	}
	if err != nil { // it may have got through all the same
		r.minds.forget(client.ObjectKeyFromObject(sd))
		return fmt.Errorf("patch status of SignalDeployment %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	return nil
}

func (r *SignalDeploymentReconciler) writeStatus(ctx context.Context, sd, before *v1alpha1.SignalDeployment) error {
	return r.Status().Patch(ctx, sd, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(v1alpha1.FieldManager))
}

// sameGround reports whether a decision that was taken on one object holds for
// the other: someone who only writes labels must not keep a release, or a
// rollback, from going on.
func sameGround(was, is *v1alpha1.SignalDeployment) bool {
	return was.UID == is.UID && was.Generation == is.Generation && was.DeletionTimestamp.IsZero() == is.DeletionTimestamp.IsZero() &&
		equality.Semantic.DeepEqual(was.Annotations, is.Annotations) && equality.Semantic.DeepEqual(was.Status, is.Status)
}

// count fills in what autoscalers and people count: the pods that serve.
func count(sd *v1alpha1.SignalDeployment, w *world) {
	serving := sd.Status.Stable
	if serving == nil {
		serving = sd.Status.Candidate
	}
	if serving == nil || serving.Hash == "" {
		return
	}
	side := w.Sides[serving.Hash]
	sd.Status.Replicas, sd.Status.ReadyReplicas = side.Created, side.Ready
	sd.Status.Selector = labels.SelectorFromSet(release.Selector(sd.Name, serving.Hash)).String()
}

// setObstacle makes Stalled of an apply that cannot succeed without a person;
// transient trouble is the work queue's, and not shown.
func setObstacle(sd *v1alpha1.SignalDeployment, applied error) {
	var foreign *owned.ForeignError
	reason := ""
	switch {
	case errors.As(applied, &foreign):
		reason = "ForeignObject"
		applied = foreign
	case apierrors.IsForbidden(applied):
		reason = "Forbidden"
	case apierrors.IsInvalid(applied):
		reason = "Refused"
	}
	stalled := meta.FindStatusCondition(sd.Status.Conditions, v1alpha1.ConditionStalled)
	switch {
	case reason != "":
		summarize(sd, metav1.ConditionFalse, reason, applied.Error(), stalledSummary)
	case applied == nil && stalled != nil && obstacles[stalled.Reason]:
		setSummary(sd)
	}
}

// obstacles are the reasons that setObstacle gives.
var obstacles = map[string]bool{"ForeignObject": true, "Forbidden": true, "Refused": true}

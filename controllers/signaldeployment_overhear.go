package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/workload"
)

// overheard reports whether a release waits for alerts that the built-in source
// is to hear from what serves. Once it starts, all of it is forgotten: a release
// is judged by what is scraped while it is under way.
func overheard(sd *v1alpha1.SignalDeployment) bool {
	asks := slices.ContainsFunc(sd.Spec.Gates, func(g v1alpha1.Gate) bool { return g.Alerts != nil })
	return asks && gated(sd) && sd.Spec.Alerts.Server == v1alpha1.ServerBuiltIn && sd.Status.Stable != nil && sd.DeletionTimestamp.IsZero()
}

// serving is the stable release as the one whose pods must be heard: those of a
// candidate are not there yet.
func serving(sd *v1alpha1.SignalDeployment, sides map[string]workload.Side) builtin.Subject {
	var pods []corev1.Pod
	if side, has := sides[sd.Status.Stable.Hash]; has {
		pods = side.Pods
	}
	subject := builtin.SubjectOf(sd, sd.Spec.Analysis.Scrape, pods)
	subject.Candidate, subject.Stable = sd.Status.Stable.Hash, ""
	return subject
}

// overhear evaluates the rules over what is scraped of the stable release. That
// nothing fires counts once it has been listened to for as long as an alert
// takes to. Before the first release there is nobody to listen to.
func (r *SignalDeploymentReconciler) overhear(ctx context.Context, g v1alpha1.AlertsGate, w *world, f *gate.Facts) {
	sd, key := f.Object, client.ObjectKeyFromObject(f.Object)
	if sd.Status.Stable == nil || len(w.groups) == 0 {
		return
	}
	e := r.ear(sd)
	if err := e.evaluate(ctx, w.groups, f.Now, r.BuiltIn.Latest(key), interval(sd)); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot evaluate alert rules at a gate")
		f.Deaf = "the built-in source cannot evaluate the alert rules"
		return
	}
	live, err := e.rules.Rules(ctx)
	longest := alert.Longest(w.groups, gate.Severities(g))
	switch {
	case err != nil:
		f.Deaf = "the built-in source cannot evaluate the alert rules"
	case r.BuiltIn.Ready(key, f.Now) != nil && r.BuiltIn.Barren(key):
		f.Deaf = "the pods of the stable release serve no metrics that the built-in source can read: mend spec.analysis.scrape, or name a metric server in spec.alerts.server"
	case r.BuiltIn.Ready(key, f.Now) != nil:
		f.Deaf = "the built-in source has not scraped the stable release for long enough yet"
	case f.Now.Sub(e.began) < longest:
		f.Deaf = fmt.Sprintf("the built-in source has not listened for %s yet, for which an alert must hold", longest)
	}
	if err == nil {
		for _, call := range alert.Calling(w.groups, live, alertSubject(sd, e.rules)) {
			f.Firing = append(f.Firing, gate.Firing(call))
		}
	}
}

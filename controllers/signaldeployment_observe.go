package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/rollout/drill"
	"github.com/signal-delivery/operator/internal/traffic/service"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/internal/workload"
)

// world is what one reconcile saw: what the machine decides on, and what the
// applier needs to make it so.
type world struct {
	rollout.Observation
	inputs   release.Inputs
	compare  []string // references that nodes report for the candidate, to be compared with its digest
	services service.Selection

	groups     []alert.Group     // that judge the release
	objectives []alert.Group     // of the service level objectives
	published  []alert.Group     // for the time between two releases
	quiet      []verdict.Verdict // what the alert rules say
	loaded     verdict.Verdict   // whether they are evaluated
	drill      drill.Want        // what a drill calls for
	unsure     bool              // whether the published ones are: it is to be asked again
}

// observe reads the world; it changes nothing.
func (r *SignalDeploymentReconciler) observe(ctx context.Context, sd *v1alpha1.SignalDeployment) (*world, error) {
	w := &world{}
	for _, look := range []func(context.Context, *v1alpha1.SignalDeployment, *world) error{
		r.observeSpec, r.observeSides, r.observeServices, r.observeRoutes, r.observePreview, r.observeReport, r.observeDashboard,
		r.observeSignals, r.observePublished, r.observeLoad, r.observeMeasured, r.observeSplit,
	} {
		if err := look(ctx, sd, w); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// observeSpec tells what is asked for, and whether it can be.
func (r *SignalDeploymentReconciler) observeSpec(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	missing, err := r.readConfigs(ctx, sd, w)
	if err != nil {
		return err
	}
	files, err := r.readRuleFiles(ctx, sd)
	if err != nil {
		return err
	}
	w.inputs.Rules = files
	rules, problem := r.valid(sd, files)
	w.groups, w.objectives, w.published = rules.judging, rules.objectives, rules.published
	switch {
	case problem != nil:
		w.Spec = verdict.Fail(v1alpha1.SignalSpec, "InvalidSpec", "%s", problem.Error())
	case missing != "":
		w.Spec = verdict.Wait(v1alpha1.SignalSpec, "ConfigMapMissing", "ConfigMap %q, which spec.template names, does not exist: create it, or mark the reference optional", missing)
	default:
		w.Spec = verdict.Pass(v1alpha1.SignalSpec, "Valid", "The specification is valid")
		w.Asked = release.Asked(&sd.Spec, w.inputs)
	}
	return nil
}

// readConfigs reads the ConfigMaps that the template names.
func (r *SignalDeploymentReconciler) readConfigs(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (missing string, err error) {
	w.inputs.Configs = release.Configs{}
	names, optional := release.ConfigNames(&sd.Spec.Template)
	for _, name := range names {
		cm := &corev1.ConfigMap{}
		found, err := r.find(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, cm)
		switch {
		case err != nil:
			return "", err
		case found:
			w.inputs.Configs[name] = cm
		case !optional[name] && missing == "":
			missing = name
		}
	}
	return missing, nil
}

// readRuleFiles reads the rule files that the spec names; one that is missing
// is left out.
func (r *SignalDeploymentReconciler) readRuleFiles(ctx context.Context, sd *v1alpha1.SignalDeployment) (map[v1alpha1.ConfigMapKey]string, error) {
	files := map[v1alpha1.ConfigMapKey]string{}
	for _, from := range sd.Spec.Alerts.RulesFrom {
		cm := &corev1.ConfigMap{}
		found, err := r.find(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: from.Name}, cm)
		if err != nil {
			return nil, err
		}
		if text, has := cm.Data[from.Key]; found && has {
			files[from] = text
		}
	}
	return files, nil
}

// observeSides counts the pods of each release.
func (r *SignalDeploymentReconciler) observeSides(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	sides, err := workload.Read(ctx, r, sd)
	if err != nil {
		return err
	}
	w.Sides = make(map[string]rollout.Side, len(sides))
	for hash, side := range sides {
		seen := rollout.Side{Desired: side.Desired, Created: side.Created, Ready: side.Ready, Verdict: side.Verdict, Templates: side.Templates}
		for _, crash := range side.Crashes {
			seen.Crashes = append(seen.Crashes, rollout.Crash(crash))
		}
		w.Sides[hash] = seen
	}
	r.scrape(sd, sides)
	return errors.Join(r.observeProof(ctx, sd, w, sides), r.observeDrift(ctx, sd, w))
}

// observeDrift looks at what the releases that have pods are made of.
func (r *SignalDeploymentReconciler) observeDrift(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	w.Drift = map[string][]verdict.Verdict{}
	for _, rel := range []*v1alpha1.Release{sd.Status.Stable, sd.Status.Candidate} {
		if rel == nil || w.Drift[rel.Hash] != nil {
			continue
		}
		drift, err := workload.Drift(ctx, r, sd, *rel, w.inputs)
		if err != nil {
			return err
		}
		w.Drift[rel.Hash] = drift
	}
	return nil
}

// observeServices reads what the Services select and reach.
func (r *SignalDeploymentReconciler) observeServices(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	selection, err := service.Read(ctx, r, sd)
	if err != nil {
		return err
	}
	w.services = selection
	w.Service = rollout.Service{
		Stable: selection.Stable, Canary: selection.Canary,
		Endpoints: selection.Endpoints, CanaryEndpoints: selection.CanaryEndpoints,
	}
	return nil
}

// observeRoutes reads back what the routes say.
func (r *SignalDeploymentReconciler) observeRoutes(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	routes := sd.Status.Rollout.Plan.Routes
	switch {
	case len(routes) == 0:
		w.Route = rollout.Route{Settled: true, Verdict: verdict.Pass(v1alpha1.SignalRoute, "NoRoutes", "No route is driven")}
		return nil
	case r.Router == nil:
		w.Route.Verdict = verdict.Fail(v1alpha1.SignalRoute, "NoGatewayAPI", "spec.traffic.httpRoutes needs the Gateway API, which was not installed when the operator started: install its CRDs and restart the operator")
		return nil
	}
	reading, err := r.Router.Read(ctx, sd, routes)
	if err != nil {
		return err
	}
	w.Route = rollout.Route(reading)
	return nil
}

// observeReport tells whether the latest attempt's report is archived.
func (r *SignalDeploymentReconciler) observeReport(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	if sd.Status.Candidate == nil || sd.Status.Rollout.EndTime.IsZero() {
		return nil
	}
	name := release.ArchiveName(sd.Name, *sd.Status.Candidate)
	found, err := r.find(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, &corev1.ConfigMap{})
	w.Reported = found
	return err
}

// find reads an object that may be absent.
func (r *SignalDeploymentReconciler) find(ctx context.Context, key types.NamespacedName, object client.Object) (bool, error) {
	err := r.Get(ctx, key, object)
	switch {
	case err == nil:
		return true, nil
	case apierrors.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("read %T %s: %w", object, key, err)
}

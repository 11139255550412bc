package controllers

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/alert/library"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/slo"
)

// rules are the groups of alert rules of a SignalDeployment: those that judge
// a release, those of its objectives, and those that are published for the
// time between two.
type rules struct {
	judging, objectives, published []alert.Group
}

// rulesOf reads the user's groups, and adds the default ones. Who evaluates
// the release has no say in what is published.
func (r *SignalDeploymentReconciler) rulesOf(sd *v1alpha1.SignalDeployment, files map[v1alpha1.ConfigMapKey]string) (rules, error) {
	own, err := alert.Parse(sd, files)
	if err != nil {
		return rules{}, err
	}
	asked := sd.Spec.Alerts
	server, known := asked.Server, asked.Server == v1alpha1.ServerBuiltIn || r.Alerts[asked.Server] != nil
	if !known {
		if len(own) == 0 && reflect.ValueOf(asked.Library).IsZero() {
			return rules{}, nil // nobody asked for anything of a server that there is not
		}
		names := append(slices.Sorted(maps.Keys(r.Alerts)), v1alpha1.ServerBuiltIn)
		return rules{}, fmt.Errorf("spec.alerts.server: %w", analysis.UnknownServer(server, names))
	}
	judging, err := library.Build(sd, asked.Library, library.Options{})
	if err != nil {
		return rules{}, fmt.Errorf("spec.alerts.library.%w", err)
	}
	published, err := library.Build(sd, asked.Library, library.Options{Window: library.PublishedWindow})
	if err != nil {
		return rules{}, fmt.Errorf("spec.alerts.library.%w", err)
	}
	all := rules{judging: slices.Concat(own, judging), objectives: slo.Groups(sd.Namespace, sd.Name, sd.Spec.Analysis.SLOs)}
	if server != v1alpha1.ServerBuiltIn { // which evaluates what is published, and nothing else
		all.judging = slices.Concat(own, published)
	}
	all.published = slices.Concat(own, published, all.objectives)
	return all, nil
}

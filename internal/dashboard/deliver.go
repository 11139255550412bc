package dashboard

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
)

// Settings are what the cluster, and its administrator, say of dashboards.
type Settings struct {
	Installed   bool   // whether the cluster has GrafanaDashboards
	ProberImage string // what the Job runs
}

// Deliver hands the dashboard over as asked; what is in place is left as it is,
// and what is no longer asked for goes. Grafana is called once for each attempt
// and content, while the release is under way; when only the content changes,
// the API is called for it, too.
func Deliver(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, underWay bool, s Settings) error {
	spec := sd.Spec.Dashboard
	switch {
	case spec == nil:
		return retire(ctx, c, sd)
	case spec.Delivery == v1alpha1.DeliverGrafanaDashboard && !s.Installed:
		return nil // Read says so
	case spec.Delivery == v1alpha1.DeliverGrafanaDashboard:
		return errors.Join(owned.Apply(ctx, c, sd, GrafanaDashboard(sd, Build(sd))), retire(ctx, c, sd))
	}
	d := Build(sd)
	live, err := find(ctx, c, sd)
	if err != nil {
		return err
	}
	changed := live == nil || live.Data[d.Key()] != string(d.JSON)
	call := asked(spec) && s.ProberImage != "" && (underWay || changed && spec.Delivery == v1alpha1.DeliverAPI)
	if call && (live == nil || owned.Owns(sd, live)) {
		// The Job comes first: once the ConfigMap is written, nobody would know
		// any more that Grafana has yet to be told.
		if err := owned.Create(ctx, c, sd, Caller(sd, rel, d, s.ProberImage)); err != nil {
			return errors.Join(err, owned.Apply(ctx, c, sd, ConfigMap(sd, d)))
		}
	}
	return owned.Apply(ctx, c, sd, ConfigMap(sd, d))
}

// retire deletes the ConfigMap. A GrafanaDashboard stays: the operator may not
// delete any.
func retire(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment) error {
	live, err := find(ctx, c, sd)
	if err != nil || live == nil || !owned.Owns(sd, live) {
		return err
	}
	if err := c.Delete(ctx, live, client.Preconditions{UID: &live.UID}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete ConfigMap %s/%s: %w", live.Namespace, live.Name, err)
	}
	return nil
}

// find is the ConfigMap of the dashboard's name, or nil.
func find(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment) (*corev1.ConfigMap, error) {
	cm := &corev1.ConfigMap{}
	err := c.Get(ctx, client.ObjectKey{Namespace: sd.Namespace, Name: Name(sd)}, cm)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	case err != nil:
		return nil, fmt.Errorf("read ConfigMap %s/%s: %w", sd.Namespace, Name(sd), err)
	}
	return cm, nil
}

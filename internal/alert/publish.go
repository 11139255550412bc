package alert

import (
	"context"
	"fmt"
	"maps"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// PrometheusRule is the object that publishes the groups, or nil when there
// are none; labels are those by which the cluster's Prometheus selects rules.
func PrometheusRule(sd *v1alpha1.SignalDeployment, groups []Group, labels map[string]string) *monitoringv1.PrometheusRule {
	if len(groups) == 0 {
		return nil
	}
	all := map[string]string{}
	maps.Copy(all, labels)
	maps.Copy(all, release.Labels(sd.Name))
	return &monitoringv1.PrometheusRule{
		ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: sd.Name, Labels: all},
		Spec:       monitoringv1.PrometheusRuleSpec{Groups: groups},
	}
}

// Publish makes the published rules those of the spec: without groups, there
// are none. What belongs to someone else is left alone.
func Publish(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, groups []Group, labels map[string]string) error {
	if rule := PrometheusRule(sd, groups, labels); rule != nil {
		return owned.Apply(ctx, c, sd, rule)
	}
	live := &monitoringv1.PrometheusRule{}
	err := c.Get(ctx, client.ObjectKeyFromObject(sd), live)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read PrometheusRule %s/%s: %w", sd.Namespace, sd.Name, err)
	case !owned.Owns(sd, live):
		return nil
	}
	if err := c.Delete(ctx, live); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete PrometheusRule %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	return nil
}

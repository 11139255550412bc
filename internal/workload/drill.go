package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Drill makes the Deployment on which turning back to the stable release is
// rehearsed: of the template in that release's manifest and on its
// configuration, under labels of its own, so that nothing that selects the
// release selects it. What is there already is left as it is. A release without
// a manifest is not rehearsed.
func Drill(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, stable v1alpha1.Release, replicas int32) error {
	text, err := written(ctx, c, sd, stable)
	if text == "" || err != nil {
		return err
	}
	drill := stable
	drill.Hash = release.DrillHash(stable.Hash)
	d := Deployment(sd, drill, replicas)
	d.Spec.Template = corev1.PodTemplateSpec{}
	if err := json.Unmarshal([]byte(text), &d.Spec.Template); err != nil {
		return fmt.Errorf("read the template of Deployment %s/%s: %w", sd.Namespace, d.Name, err)
	}
	labels := maps.Clone(d.Spec.Template.Labels)
	maps.Copy(labels, release.Selector(sd.Name, drill.Hash))
	d.Spec.Template.Labels = labels
	return owned.Create(ctx, c, sd, d)
}

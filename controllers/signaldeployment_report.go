package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/report"
)

// writeReport writes both ConfigMaps, the archive last: once it is there, the report
// counts as written. One that cannot be written does not keep the other from
// being written.
func writeReport(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, ended v1alpha1.Release, r report.Report) error {
	return errors.Join(
		owned.Apply(ctx, c, sd, report.Latest(sd, ended, r)),
		owned.Create(ctx, c, sd, report.Archive(sd, ended, r)),
	)
}

// retireReports deletes the archives whose names are not kept.
func retireReports(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, keep map[string]bool) error {
	list := &corev1.ConfigMapList{}
	if err := c.List(ctx, list, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: sd.Name, report.LabelReport: report.LabelArchive}); err != nil {
		return fmt.Errorf("list the reports of %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	var problems []error
	for i := range list.Items {
		cm := &list.Items[i]
		if keep[cm.Name] || !owned.Owns(sd, cm) {
			continue
		}
		if err := c.Delete(ctx, cm, client.Preconditions{UID: &cm.UID}); client.IgnoreNotFound(err) != nil {
			problems = append(problems, fmt.Errorf("delete report %s/%s: %w", cm.Namespace, cm.Name, err))
		}
	}
	return errors.Join(problems...)
}

package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// LabelReport says whether a report ConfigMap is the latest or an archive.
const LabelReport = "delivery.signal.dev/report"

// The values of LabelReport.
const (
	reportLatest  = "latest"
	reportArchive = "archive"
)

// maxMarkdown and maxJSON keep a ConfigMap well below the megabyte it may have.
const (
	maxMarkdown = 256 << 10
	maxJSON     = 512 << 10
)

// Latest is the ConfigMap with the report of the latest ended attempt.
func Latest(sd *v1alpha1.SignalDeployment, ended v1alpha1.Release, r Report) *corev1.ConfigMap {
	return build(sd, release.ReportName(sd.Name), reportLatest, ended, r)
}

// Archive is the immutable ConfigMap with the report of one attempt.
func Archive(sd *v1alpha1.SignalDeployment, ended v1alpha1.Release, r Report) *corev1.ConfigMap {
	cm := build(sd, release.ArchiveName(sd.Name, ended), reportArchive, ended, r)
	cm.Immutable = new(true)
	return cm
}

func build(sd *v1alpha1.SignalDeployment, name, which string, ended v1alpha1.Release, r Report) *corev1.ConfigMap {
	labels := release.Labels(sd.Name)
	labels[LabelReport] = which
	labels[v1alpha1.LabelRelease] = cmp.Or(ended.Hash, ended.Asked) // one that never got a digest has no hash
	data := map[string]string{"report.md": verdict.Clip(r.Markdown, maxMarkdown)}
	if len(r.JSON) <= maxJSON { // half a document would be no JSON
		data["report.json"] = string(r.JSON)
	}
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: name, Labels: labels}, Data: data}
}

// Apply writes both ConfigMaps, the archive last: once it is there, the report
// counts as written. One that cannot be written does not keep the other from
// being written.
func Apply(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, ended v1alpha1.Release, r Report) error {
	return errors.Join(
		owned.Apply(ctx, c, sd, Latest(sd, ended, r)),
		owned.Create(ctx, c, sd, Archive(sd, ended, r)),
	)
}

// Retire deletes the archives whose names are not kept.
func Retire(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, keep map[string]bool) error {
	list := &corev1.ConfigMapList{}
	if err := c.List(ctx, list, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: sd.Name, LabelReport: reportArchive}); err != nil {
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

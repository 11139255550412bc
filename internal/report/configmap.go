package report

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// LabelReport says whether a report ConfigMap is the latest or an archive.
const LabelReport = "delivery.signal.dev/report"

// The values of LabelReport.
const (
	LabelLatest  = "latest"
	LabelArchive = "archive"
)

// maxMarkdown and maxJSON keep a ConfigMap well below the megabyte it may have.
const (
	maxMarkdown = 256 << 10
	maxJSON     = 512 << 10
)

// Latest is the ConfigMap with the report of the latest ended attempt.
func Latest(sd *v1alpha1.SignalDeployment, ended v1alpha1.Release, r Report) *corev1.ConfigMap {
	return build(sd, release.ReportName(sd.Name), LabelLatest, ended, r)
}

// Archive is the immutable ConfigMap with the report of one attempt.
func Archive(sd *v1alpha1.SignalDeployment, ended v1alpha1.Release, r Report) *corev1.ConfigMap {
	cm := build(sd, release.ArchiveName(sd.Name, ended), LabelArchive, ended, r)
	cm.Immutable = new(true)
	return cm
}

func build(sd *v1alpha1.SignalDeployment, name, which string, ended v1alpha1.Release, r Report) *corev1.ConfigMap {
	labels := release.Labels(sd.Name)
	labels[LabelReport] = which
	labels[v1alpha1.LabelRelease] = cmp.Or(ended.Hash, ended.Asked) // one that never got a digest has no hash
	data := map[string]string{"report.md": verdict.Clip(r.Markdown, maxMarkdown)}
	if r.Drill != "" {
		data["drill.md"] = r.Drill
	}
	if len(r.JSON) <= maxJSON { // half a document would be no JSON
		data["report.json"] = string(r.JSON)
	}
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: name, Labels: labels}, Data: data}
}

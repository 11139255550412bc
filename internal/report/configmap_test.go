package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

func TestConfigMaps(t *testing.T) {
	r := Report{Markdown: "# text", JSON: []byte("{}")}
	of := func(name, which, hash string, immutable *bool) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name, Labels: map[string]string{
				v1alpha1.LabelName: "app", "app.kubernetes.io/managed-by": v1alpha1.FieldManager, LabelReport: which, v1alpha1.LabelRelease: hash,
			}},
			Immutable: immutable, Data: map[string]string{"report.md": "# text", "report.json": "{}"},
		}
	}
	for name, tc := range map[string]struct {
		ended     v1alpha1.Release
		hash, own string
	}{
		"first attempt":    {testkit.Release("v2"), "v2", "app-report-v2"},
		"later attempt":    {testkit.Release("v2", func(r *v1alpha1.Release) { r.Attempt = 3 }), "v2", "app-report-v2-3"},
		"never got a hash": {v1alpha1.Release{Asked: "asks", Attempt: 1}, "asks", "app-report-asks"},
	} {
		t.Run(name, func(t *testing.T) {
			latest, archive := Latest(testkit.SignalDeployment(), tc.ended, r), Archive(testkit.SignalDeployment(), tc.ended, r)
			if diff := cmp.Diff(of("app-report", "latest", tc.hash, nil), latest); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(of(tc.own, "archive", tc.hash, new(true)), archive); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Half a document is no JSON: one that is too large is left out whole.
func TestReportsFitIntoAConfigMap(t *testing.T) {
	cm := Latest(testkit.SignalDeployment(), testkit.Release("v1"), Report{Markdown: strings.Repeat("x", maxMarkdown+1), JSON: []byte(strings.Repeat("x", maxJSON+1))})
	if len(cm.Data["report.md"]) > maxMarkdown {
		t.Errorf("report.md has %d bytes", len(cm.Data["report.md"]))
	}
	if _, there := cm.Data["report.json"]; there {
		t.Error("report.json is there")
	}
}

package report

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

func TestArchivesStayAndOldOnesGo(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	sd := testkit.SignalDeployment()
	foreign := &corev1.ConfigMap{}
	foreign.Namespace, foreign.Name, foreign.Labels = sd.Namespace, "foreign", map[string]string{v1alpha1.LabelName: sd.Name, LabelReport: reportArchive}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(foreign).Build()
	for _, version := range []string{"v1", "v2"} {
		if err := Apply(t.Context(), c, sd, testkit.Release(version), Report{Markdown: "# " + version, JSON: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := Retire(t.Context(), c, sd, map[string]bool{"app-report-v2": true}); err != nil {
		t.Fatal(err)
	}
	list := &corev1.ConfigMapList{}
	if err := c.List(t.Context(), list, client.InNamespace(sd.Namespace)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, cm := range list.Items {
		names = append(names, cm.Name)
		if archive := strings.HasPrefix(cm.Name, "app-report-"); archive != (cm.Immutable != nil && *cm.Immutable) {
			t.Errorf("%s: immutable %v", cm.Name, cm.Immutable)
		}
	}
	if got := strings.Join(names, " "); got != "app-report app-report-v2 foreign" {
		t.Errorf("kept %s", got)
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

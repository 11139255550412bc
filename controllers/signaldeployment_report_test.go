package controllers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/report"
	"github.com/signal-delivery/operator/internal/testkit"
)

func cluster(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithReturnManagedFields().WithInterceptorFuncs(funcs).Build()
}

func configMap(t *testing.T, c client.Client, name string) *corev1.ConfigMap {
	t.Helper()
	got := &corev1.ConfigMap{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: name}, got); err != nil {
		t.Fatal(err)
	}
	return got
}

// The latest report follows the latest attempt; archives never change.
func TestReportsAreWritten(t *testing.T) {
	c, sd := cluster(t, interceptor.Funcs{}), testkit.SignalDeployment()
	for _, version := range []string{"v1", "v2", "v2"} {
		if err := writeReport(t.Context(), c, sd, testkit.Release(version), report.Report{Markdown: "of " + version}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeReport(t.Context(), c, sd, testkit.Release("v1"), report.Report{Markdown: "of v1, told anew"}); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"app-report", "app-report-v1", "app-report-v2"} {
		cm := configMap(t, c, name)
		got[name] = cm.Data["report.md"]
		if !owned.Owns(sd, cm) {
			t.Errorf("%s has no owner", name)
		}
	}
	if diff := cmp.Diff(map[string]string{"app-report": "of v1, told anew", "app-report-v1": "of v1", "app-report-v2": "of v2"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestReportsTakeNothingOver(t *testing.T) {
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app-report"}, Data: map[string]string{"report.md": "mine"}}
	c := cluster(t, interceptor.Funcs{}, foreign)
	err := writeReport(t.Context(), c, testkit.SignalDeployment(), testkit.Release("v1"), report.Report{Markdown: "of v1"})
	var refused *owned.ForeignError
	if !errors.As(err, &refused) || configMap(t, c, "app-report").Data["report.md"] != "mine" {
		t.Errorf("took over what is not its own: %v", err)
	}
	if got := configMap(t, c, "app-report-v1").Data["report.md"]; got != "of v1" {
		t.Errorf("the archive says %q", got)
	}
}

func TestRetiredReportsLeaveWhatIsNotItsOwn(t *testing.T) {
	sd := testkit.SignalDeployment()
	c := cluster(t, interceptor.Funcs{})
	for _, version := range []string{"v1", "v2", "v3"} {
		if err := writeReport(t.Context(), c, sd, testkit.Release(version), report.Report{}); err != nil {
			t.Fatal(err)
		}
	}
	archive := map[string]string{v1alpha1.LabelName: "app", report.LabelReport: report.LabelArchive}
	for _, cm := range []*corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "not-owned", Labels: archive}},
		{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "elsewhere", Labels: archive}},
	} {
		if cm.Namespace == "other" { // also one that says it is ours
			cm.OwnerReferences = configMap(t, c, "app-report-v1").OwnerReferences
		}
		if err := c.Create(t.Context(), cm); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // twice is once
		if err := retireReports(t.Context(), c, sd, map[string]bool{"app-report-v2": true}); err != nil {
			t.Fatal(err)
		}
	}
	list := &corev1.ConfigMapList{}
	if err := c.List(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	var left []string
	for i := range list.Items {
		left = append(left, list.Items[i].Name)
	}
	slices.Sort(left)
	if diff := cmp.Diff([]string{"app-report", "app-report-v2", "elsewhere", "not-owned"}, left); diff != "" {
		t.Error(diff)
	}
}

// One archive that cannot be deleted does not keep the others from it, and
// each is deleted as it was read.
func TestRetiringReportsGoesOn(t *testing.T) {
	sd := testkit.SignalDeployment()
	var tried []string
	refuse := interceptor.Funcs{Delete: func(_ context.Context, _ client.WithWatch, object client.Object, options ...client.DeleteOption) error {
		var o client.DeleteOptions
		o.ApplyOptions(options)
		if o.Preconditions == nil || o.Preconditions.UID == nil || *o.Preconditions.UID != object.GetUID() {
			t.Errorf("%s is deleted whatever it has become", object.GetName())
		}
		tried = append(tried, object.GetName())
		return errors.New("refused")
	}}
	c := cluster(t, refuse)
	for _, version := range []string{"v1", "v2"} {
		if err := writeReport(t.Context(), c, sd, testkit.Release(version), report.Report{}); err != nil {
			t.Fatal(err)
		}
	}
	err := retireReports(t.Context(), c, sd, nil)
	if err == nil || len(tried) != 2 {
		t.Errorf("tried %v: %v", tried, err)
	}
}

func TestArchivesStayAndOldOnesGo(t *testing.T) {
	sd := testkit.SignalDeployment()
	foreign := &corev1.ConfigMap{}
	foreign.Namespace, foreign.Name, foreign.Labels = sd.Namespace, "foreign", map[string]string{v1alpha1.LabelName: sd.Name, report.LabelReport: report.LabelArchive}
	c := cluster(t, interceptor.Funcs{}, foreign)
	for _, version := range []string{"v1", "v2"} {
		if err := writeReport(t.Context(), c, sd, testkit.Release(version), report.Report{Markdown: "# " + version, JSON: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := retireReports(t.Context(), c, sd, map[string]bool{"app-report-v2": true}); err != nil {
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

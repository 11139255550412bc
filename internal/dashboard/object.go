package dashboard

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Kind is what the grafana-operator makes dashboards of.
var Kind = schema.GroupVersionKind{Group: "grafana.integreatly.org", Version: "v1beta1", Kind: "GrafanaDashboard"}

// Object is a GrafanaDashboard with nothing in it.
func Object() *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(Kind)
	return u
}

// Name of the ConfigMap, or of the GrafanaDashboard, that hands the dashboard
// over.
func Name(sd *v1alpha1.SignalDeployment) string { return sd.Name + "-dashboard" }

// Key of the ConfigMap. Grafana's sidecar writes what it finds in all
// namespaces into one folder, by key.
func (d Dashboard) Key() string { return d.UID + ".json" }

// ConfigMap holds the dashboard: for the sidecar, which finds it by its label,
// or for the Job that sends it to Grafana, and then without that label.
func ConfigMap(sd *v1alpha1.SignalDeployment, d Dashboard) *corev1.ConfigMap {
	spec := sd.Spec.Dashboard
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: Name(sd), Labels: marks(sd)},
		Data:       map[string]string{d.Key(): string(d.JSON)},
	}
	if spec.Delivery == v1alpha1.DeliverAPI {
		cm.Labels = release.Labels(sd.Name)
		return cm
	}
	if spec.Folder != "" {
		cm.Annotations = map[string]string{orElse(spec.FolderAnnotation, "grafana_folder"): spec.Folder}
	}
	return cm
}

// marks are the labels by which the dashboard is found; whose it is, users cannot change.
func marks(sd *v1alpha1.SignalDeployment) map[string]string {
	all := map[string]string{"grafana_dashboard": "1"}
	for key, value := range sd.Spec.Dashboard.Labels {
		all[key] = string(value)
	}
	maps.Copy(all, release.Labels(sd.Name))
	return all
}

// GrafanaDashboard hands the dashboard to the grafana-operator. Its uid is that
// of the JSON: spec.uid could not be changed.
func GrafanaDashboard(sd *v1alpha1.SignalDeployment, d Dashboard) *unstructured.Unstructured {
	u := Object()
	u.SetNamespace(sd.Namespace)
	u.SetName(Name(sd))
	u.SetLabels(marks(sd))
	spec := map[string]any{
		"json": string(d.JSON), "allowCrossNamespaceImport": true,
		"instanceSelector": map[string]any{"matchLabels": instanceLabels(sd)},
	}
	if folder := sd.Spec.Dashboard.Folder; folder != "" {
		spec["folder"] = folder
	}
	u.Object["spec"] = spec
	return u
}

// instanceLabels of the Grafana objects; the default is the label that the
// grafana-operator's documentation uses.
func instanceLabels(sd *v1alpha1.SignalDeployment) map[string]any {
	if len(sd.Spec.Dashboard.InstanceLabels) == 0 {
		return map[string]any{"dashboards": "grafana"}
	}
	all := map[string]any{}
	for key, value := range sd.Spec.Dashboard.InstanceLabels {
		all[key] = string(value)
	}
	return all
}

func orElse(text, absent string) string {
	if text == "" {
		return absent
	}
	return text
}

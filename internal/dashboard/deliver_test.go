package dashboard

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
)

const callerOfV2 = "app-asks-v2-1-dashboard-"

func TestTheConfigMap(t *testing.T) {
	for name, tc := range map[string]struct {
		spec        v1alpha1.DashboardSpec
		labels      map[string]string
		annotations map[string]string
	}{
		"for the sidecar": {v1alpha1.DashboardSpec{}, map[string]string{"grafana_dashboard": "1"}, nil},
		"into a folder": {
			v1alpha1.DashboardSpec{Folder: "Signals", FolderAnnotation: "k8s-sidecar-target-directory"},
			map[string]string{"grafana_dashboard": "1"},
			map[string]string{"k8s-sidecar-target-directory": "Signals"},
		},
		"with labels of its own": {
			v1alpha1.DashboardSpec{Labels: map[string]v1alpha1.DashboardLabel{"team": "a", "grafana_dashboard": "yes", v1alpha1.LabelName: "other"}},
			map[string]string{"grafana_dashboard": "yes", "team": "a"},
			nil,
		},
		"for the Job: no sidecar finds it": {v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverAPI, API: api(), Folder: "Signals"}, map[string]string{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			sd := app(&tc.spec)
			d := Build(sd)
			tc.labels[v1alpha1.LabelName], tc.labels["app.kubernetes.io/managed-by"] = "app", v1alpha1.FieldManager
			want := &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app-dashboard", Labels: tc.labels, Annotations: tc.annotations},
				Data:       map[string]string{d.UID + ".json": string(d.JSON)},
			}
			if diff := cmp.Diff(want, ConfigMap(sd, d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheGrafanaDashboard(t *testing.T) {
	sd := byObject()
	sd.Spec.Dashboard.Folder = "Signals"
	d := Build(sd)
	want := map[string]any{
		"apiVersion": "grafana.integreatly.org/v1beta1", "kind": "GrafanaDashboard",
		"metadata": map[string]any{"namespace": "prod", "name": "app-dashboard", "labels": map[string]any{
			"grafana_dashboard": "1", v1alpha1.LabelName: "app", "app.kubernetes.io/managed-by": v1alpha1.FieldManager,
		}},
		"spec": map[string]any{
			"json": string(d.JSON), "folder": "Signals", "allowCrossNamespaceImport": true,
			"instanceSelector": map[string]any{"matchLabels": map[string]any{"dashboards": "grafana"}},
		},
	}
	if diff := cmp.Diff(want, GrafanaDashboard(sd, d).Object); diff != "" {
		t.Error(diff)
	}
	sd.Spec.Dashboard.InstanceLabels = map[string]v1alpha1.DashboardLabel{"team": "a"}
	spec := GrafanaDashboard(sd, d).Object["spec"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"matchLabels": map[string]any{"team": "a"}}, spec["instanceSelector"]); diff != "" {
		t.Error(diff)
	}
}

func TestTheJobThatCallsGrafana(t *testing.T) {
	for task, sd := range map[string]*v1alpha1.SignalDeployment{"import": byAPI(), "find": bySidecarAndAPI()} {
		sd.Spec.Dashboard.Folder = "$(SIGNAL_UID)"
		d := Build(sd)
		job := Caller(sd, rel, d, "prober")
		pod := job.Spec.Template
		if want := callerOfV2 + d.Content[:8]; job.Name != want || *job.Spec.ActiveDeadlineSeconds != 240 || *job.Spec.BackoffLimit != 3 {
			t.Errorf("%s, want %s; deadline %d", job.Name, want, *job.Spec.ActiveDeadlineSeconds)
		}
		c := pod.Spec.Containers[0]
		if diff := cmp.Diff([]string{"grafana", task}, c.Args); diff != "" {
			t.Error(diff)
		}
		env := map[string]string{}
		for _, variable := range c.Env {
			env[variable.Name] = variable.Value
		}
		if env["SIGNAL_UID"] != d.UID || env["SIGNAL_CONTENT"] != d.Content || env["SIGNAL_NAMESPACE"] != "prod" || strings.Contains(env["SIGNAL_DASHBOARD"], "$") {
			t.Errorf("%v", env)
		}
		mounts := map[string]string{}
		for i, v := range pod.Spec.Volumes {
			switch at := c.VolumeMounts[i]; {
			case !at.ReadOnly:
				t.Errorf("%s may be written", at.MountPath)
			case v.Secret != nil:
				mounts[at.MountPath] = v.Secret.SecretName + "/" + v.Secret.Items[0].Key + " as " + v.Secret.Items[0].Path
			default:
				mounts[at.MountPath] = v.ConfigMap.Name
			}
		}
		want := map[string]string{"/signal/grafana": "grafana/token as token"}
		if task == "import" {
			want["/signal/dashboard"] = "app-dashboard"
		}
		if diff := cmp.Diff(want, mounts); diff != "" {
			t.Error(diff)
		}
		if pod.Labels[v1alpha1.LabelName] != "" || pod.Labels[LabelDashboard] != "app" || pod.Labels[v1alpha1.LabelAttempt] != "1" {
			t.Errorf("a Service may select its pods: %v", pod.Labels)
		}
	}
}

// What is written the first time, the second time, and when only the content
// has changed, at rest.
func TestDelivered(t *testing.T) {
	for name, tc := range map[string]struct {
		sd                          *v1alpha1.SignalDeployment
		first, second, next, atRest []string
	}{
		"none":                    {app(nil), nil, nil, nil, nil},
		"by ConfigMap":            {byConfigMap(), []string{"apply app-dashboard"}, nil, nil, []string{"apply app-dashboard"}},
		"by ConfigMap, and asked": {bySidecarAndAPI(), []string{"apply app-dashboard", "create JOB"}, nil, []string{"create JOB"}, []string{"apply app-dashboard"}},
		"by the grafana-operator": {byObject(), []string{"apply app-dashboard"}, nil, nil, []string{"apply app-dashboard"}},
		"by the API":              {byAPI(), []string{"create JOB", "apply app-dashboard"}, nil, []string{"create JOB"}, []string{"create JOB", "apply app-dashboard"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t)
			wrote := func(what string, want []string) {
				t.Helper()
				got := slices.Clone(c.writes)
				for i := range got {
					if strings.HasPrefix(got[i], "create app-asks-") {
						got[i] = "create JOB"
					}
				}
				slices.Sort(got)
				want = slices.Sorted(slices.Values(want))
				if diff := cmp.Diff(want, got, cmp.Transformer("", func(s []string) string { return strings.Join(s, ", ") })); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
				c.writes = nil
			}
			c.deliver(t, tc.sd, true)
			wrote("first", tc.first)
			c.deliver(t, tc.sd, true)
			wrote("second", tc.second)
			c.deliver(t, tc.sd, false)
			wrote("at rest", nil)
			if err := Deliver(t.Context(), c, tc.sd, v1alpha1.Release{Asked: "asks-v3", Attempt: 1}, true, settings); err != nil {
				t.Fatal(err)
			}
			wrote("next release", tc.next)
			tc.sd.Spec.Environment = "eu-1" // changes the title, and with it the content
			c.deliver(t, tc.sd, false)
			wrote("changed at rest", tc.atRest)
			c.deliver(t, tc.sd, false)
			wrote("changed at rest, again", nil)
		})
	}
}

// The operator dies before the ConfigMap is written: Grafana is still told.
func TestAChangeAtRestThatIsCutShort(t *testing.T) {
	c, sd := cluster(t), byAPI()
	c.deliver(t, sd, true)
	sd.Spec.Environment, c.writes = "eu-1", nil
	c.refuse = errors.New("down")
	if Deliver(t.Context(), c, sd, rel, false, settings) == nil {
		t.Fatal("a write that did not get through is not told")
	}
	c.refuse, c.writes = nil, nil
	c.deliver(t, sd, false)
	job := &batchv1.Job{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: callerOfV2 + Build(sd).Content[:8]}, job); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.writes, "apply app-dashboard") {
		t.Errorf("wrote %v", c.writes)
	}
}

func TestWhatIsSomeoneElsesIsLeftAlone(t *testing.T) {
	theirs := func(object client.Object) client.Object {
		object.SetNamespace("prod")
		object.SetName("app-dashboard")
		return object
	}
	for name, tc := range map[string]struct {
		sd     *v1alpha1.SignalDeployment
		object client.Object
	}{
		"a ConfigMap":             {byConfigMap(), theirs(&corev1.ConfigMap{Data: map[string]string{"a": "b"}})},
		"a ConfigMap for the Job": {byAPI(), theirs(&corev1.ConfigMap{Data: map[string]string{"a": "b"}})},
		"a GrafanaDashboard":      {byObject(), theirs(Object())},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, tc.object)
			err := Deliver(t.Context(), c, tc.sd, rel, true, settings)
			var foreign *owned.ForeignError
			if !errors.As(err, &foreign) || foreign.Name != "app-dashboard" || len(c.writes) > 0 {
				t.Fatalf("error %v, wrote %v", err, c.writes)
			}
			if v := Problem(err); v.Outcome != v1alpha1.OutcomeFailed || v.Reason != ReasonForeign || !strings.Contains(v.Message, "delivery.signal.dev/adopt=app") {
				t.Errorf("%+v", v)
			}
			tc.object.SetAnnotations(map[string]string{v1alpha1.AnnotationAdopt: "app"})
			if err := c.Update(t.Context(), tc.object); err != nil {
				t.Fatal(err)
			}
			c.deliver(t, tc.sd, true) // handed over
		})
	}
}

func TestWhatIsNoLongerAskedForGoes(t *testing.T) {
	c := cluster(t)
	c.deliver(t, byConfigMap(), true)
	c.writes = nil
	c.deliver(t, byObject(), true)
	if diff := cmp.Diff([]string{"apply app-dashboard", "delete app-dashboard"}, c.writes); diff != "" {
		t.Error(diff)
	}
	c.deliver(t, byConfigMap(), true)
	c.writes = nil
	c.deliver(t, app(nil), false)
	c.deliver(t, app(nil), false)
	if diff := cmp.Diff([]string{"delete app-dashboard"}, c.writes); diff != "" {
		t.Error(diff)
	}
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app-dashboard"}}
	other := cluster(t, theirs)
	other.deliver(t, app(nil), true)
	if len(other.writes) > 0 {
		t.Errorf("someone else's is gone: %v", other.writes)
	}
}

// Without the API, without a prober, nothing is tried that cannot be.
func TestWhatCannotBeDelivered(t *testing.T) {
	c := cluster(t)
	if err := Deliver(t.Context(), c, byObject(), rel, true, Settings{}); err != nil || len(c.writes) > 0 {
		t.Errorf("error %v, wrote %v", err, c.writes)
	}
	if err := Deliver(t.Context(), c, byAPI(), rel, true, Settings{}); err != nil || len(c.writes) != 1 {
		t.Errorf("error %v, wrote %v", err, c.writes)
	}
}

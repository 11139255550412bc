package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/dashboard"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/stage"
)

func asksForDashboard(spec v1alpha1.DashboardSpec) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) { sd.Spec.Dashboard = &spec }
}

// told is what the latest release says of its dashboard, in status and in the
// report.
func told(t *testing.T, y *stage.Story) (v1alpha1.Verdict, string) {
	t.Helper()
	y.Rest("the release is over", stage.Succeeded)
	i := slices.IndexFunc(y.SD.Status.Rollout.Verdicts, func(v v1alpha1.Verdict) bool { return v.Kind == v1alpha1.SignalDashboard })
	if i < 0 {
		t.Fatalf("nothing is said of the dashboard: %+v", y.SD.Status.Rollout.Verdicts)
	}
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.ReportName(stage.Name)}, cm); err != nil {
		t.Fatal(err)
	}
	return y.SD.Status.Rollout.Verdicts[i], cm.Data["report.md"]
}

// section is the part of a report below a headline.
func section(report, title string) string {
	_, after, _ := strings.Cut(report, "## "+title)
	part, _, _ := strings.Cut(after, "\n## ")
	return part
}

func configMap(t *testing.T, y *stage.Story) *corev1.ConfigMap {
	t.Helper()
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name + "-dashboard"}, cm); err != nil {
		t.Fatal(err)
	}
	return cm
}

// The dashboard is there before traffic moves, is mended, stands still at rest,
// and goes when it is no longer asked for.
func TestADashboardForTheSidecar(t *testing.T) {
	t.Parallel()
	y := on.Story(t, asksForDashboard(v1alpha1.DashboardSpec{Folder: "Signals"})).Begin()
	v, report := told(t, y)
	if v.Outcome != v1alpha1.OutcomePassed || v.Reason != dashboard.ReasonDelivered || !strings.Contains(section(report, "What Worked Well"), "ConfigMap \"app-dashboard\"") {
		t.Errorf("%+v\n%s", v, report)
	}
	cm := configMap(t, y)
	want := dashboard.Build(y.SD)
	if cm.Data[want.Key()] != string(want.JSON) || cm.Labels["grafana_dashboard"] != "1" || cm.Annotations["grafana_folder"] != "Signals" {
		t.Errorf("%v %v", cm.Labels, cm.Annotations)
	}
	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Version == "v2-"+y.Namespace
	})
	if is := configMap(t, y); is.ResourceVersion != cm.ResourceVersion {
		t.Error("a release that changes nothing of the dashboard has written it")
	}
	if out, err := y.Kubectl("patch", "configmap", cm.Name, "--type=merge", "-p", fmt.Sprintf(`{"data":{%q:"mine"}}`, want.Key())); err != nil {
		t.Fatal(out, err)
	}
	y.Until("it is mended", func(*v1alpha1.SignalDeployment) bool { return configMap(t, y).Data[want.Key()] == string(want.JSON) })
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Dashboard = nil })
	y.Until("it is gone", func(*v1alpha1.SignalDeployment) bool {
		err := y.Client.Get(t.Context(), client.ObjectKeyFromObject(cm), &corev1.ConfigMap{})
		return client.IgnoreNotFound(err) == nil && err != nil
	})
}

// Someone else's ConfigMap is left alone, and that is an anomaly: the release
// succeeds, and is ready.
func TestADashboardThatIsInTheWay(t *testing.T) {
	t.Parallel()
	y := on.Story(t, asksForDashboard(v1alpha1.DashboardSpec{}))
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: stage.Name + "-dashboard"}, Data: map[string]string{"a": "b"}}
	if err := y.Client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	y.Begin()
	v, report := told(t, y)
	if v.Outcome != v1alpha1.OutcomeFailed || v.Reason != dashboard.ReasonForeign || !strings.Contains(section(report, "Anomalies Detected"), "DashboardForeign") {
		t.Errorf("%+v\n%s", v, report)
	}
	if is := configMap(t, y); is.ResourceVersion != theirs.ResourceVersion {
		t.Error("it was written")
	}
}

// The grafana-operator says when it has imported the dashboard.
func TestADashboardForTheGrafanaOperator(t *testing.T) {
	t.Parallel()
	y := on.Story(t, asksForDashboard(v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverGrafanaDashboard}), stage.Hold(1))
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	live := dashboard.Object()
	y.Until("the GrafanaDashboard is there", func(*v1alpha1.SignalDeployment) bool {
		return y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name + "-dashboard"}, live) == nil
	})
	if y.SD.Status.Rollout.Phase == v1alpha1.PhaseSucceeded {
		t.Error("it came after the release")
	}
	live.Object["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "DashboardSynchronized", "status": "True", "reason": "ApplySuccessful", "message": "ok", "observedGeneration": live.GetGeneration(),
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	}}}
	if err := y.Client.Status().Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	v, report := told(t, y)
	if v.Outcome != v1alpha1.OutcomePassed || v.Reason != dashboard.ReasonImported || v.Evidence == nil || v.Evidence.Window == "" ||
		!strings.Contains(section(report, "What Worked Well"), "after it was handed over") {
		t.Errorf("%+v\n%s", v, report)
	}
	before := live.GetResourceVersion() // as the update answered
	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Version == "v2-"+y.Namespace
	})
	if err := y.Client.Get(t.Context(), client.ObjectKeyFromObject(live), live); err != nil || live.GetResourceVersion() != before {
		t.Errorf("a release that changes nothing of the dashboard has written it: was %s, is %s, %v", before, live.GetResourceVersion(), err)
	}
}

// Through the API: a Job sends it with the token that it has mounted, and says
// how long that took.
func TestADashboardByTheAPI(t *testing.T) {
	t.Parallel()
	grafana, has := grafanaServer(t)
	api := &v1alpha1.GrafanaAPI{URL: grafana, TokenSecret: v1alpha1.SecretKey{Name: "grafana", Key: "token"}}
	y := on.Story(t, asksForDashboard(v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverAPI, API: api}), stage.Hold(1))
	y.Begin()
	v, report := told(t, y)
	if v.Outcome != v1alpha1.OutcomeFailed || v.Reason != "NoToken" || !strings.Contains(section(report, "Anomalies Detected"), "NoToken") {
		t.Errorf("%+v\n%s", v, report)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: "grafana"}, StringData: map[string]string{"token": "s3cret"}}
	if err := y.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	y.Ask("v2")
	y.Until("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Version == "v2-"+y.Namespace
	})
	v, report = told(t, y)
	if v.Outcome != v1alpha1.OutcomePassed || v.Reason != dashboard.ReasonImported || v.Evidence.Window == "" || !strings.Contains(section(report, "What Worked Well"), "Grafana has imported the dashboard") {
		t.Errorf("%+v\n%s", v, report)
	}
	if !strings.Contains(has(), dashboard.Build(y.SD).Content) {
		t.Errorf("Grafana has %s", has())
	}
}

// grafanaServer keeps one dashboard, for whoever has the token.
func grafanaServer(t *testing.T) (url string, has func() string) {
	t.Helper()
	var mu sync.Mutex
	var kept json.RawMessage
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Header.Get("Authorization") != "Bearer s3cret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost:
			var sent struct{ Dashboard json.RawMessage }
			_ = json.NewDecoder(r.Body).Decode(&sent)
			kept = sent.Dashboard
			fmt.Fprint(w, `{"status":"success"}`)
		case kept == nil:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"Dashboard not found"}`)
		default:
			fmt.Fprintf(w, `{"dashboard":%s,"meta":{"folderUid":""}}`, kept)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return string(kept)
	}
}

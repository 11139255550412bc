package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/leaky"
)

// planted asks for the check of leaks.
func planted(change ...func(*v1alpha1.SignalDeployment)) *v1alpha1.SignalDeployment {
	spec := leaky.Spec(func(s *v1alpha1.LeaksSpec) { s.Paths = []v1alpha1.ProbedPath{"/$(SIGNAL_HOST)"} })
	return testkit.SignalDeployment(append([]func(*v1alpha1.SignalDeployment){func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Leaks = &spec }}, change...)...)
}

// It is the only Job with a token: one that the node renews, for the API alone,
// of the ServiceAccount that the user named.
func TestTheJobOfLeaks(t *testing.T) {
	job := Leaks(planted(), rel, both, prober)
	pod := job.Spec.Template.Spec
	if job.Name != "app-v2-leaks-3" || *job.Spec.ActiveDeadlineSeconds != 300 || *job.Spec.BackoffLimit != 1 {
		t.Errorf("%s, deadline %d, retries %d", job.Name, *job.Spec.ActiveDeadlineSeconds, *job.Spec.BackoffLimit)
	}
	want := []corev1.Volume{{Name: "api", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(int64(600))}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
	}}}}}
	if diff := cmp.Diff(want, pod.Volumes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]corev1.VolumeMount{{Name: "api", MountPath: "/signal/api", ReadOnly: true}}, pod.Containers[0].VolumeMounts); diff != "" {
		t.Error(diff)
	}
	if pod.ServiceAccountName != "leaks" || *pod.AutomountServiceAccountToken || cmp.Diff([]string{"leaks"}, pod.Containers[0].Args) != "" {
		t.Errorf("%+v", pod)
	}
	for name, other := range map[string]*batchv1.Job{
		"smoke": Build(planted(), rel, v1alpha1.SmokeCheck{Name: "leaks", HTTP: &v1alpha1.HTTPCheck{}}, target, prober), "security": Security(secured(), rel, both, prober),
	} {
		if other.Spec.Template.Spec.ServiceAccountName != "" || other.Name == job.Name {
			t.Errorf("%s has an account, or the name %s", name, other.Name)
		}
	}
}

func TestWhatTheJobOfLeaksIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SignalDeployment)
		want   map[string]string
	}{
		"by default": {func(*v1alpha1.SignalDeployment) {}, map[string]string{
			"SIGNAL_TARGET": "198.19.0.7:80", "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE_ID": rel.ID, "SIGNAL_ATTEMPT": "3", "SIGNAL_NAMESPACE": "prod", "SIGNAL_NAME": "app",
			"SIGNAL_SELECTOR":       "delivery.signal.dev/name=app,delivery.signal.dev/release=v2",
			"SIGNAL_METRICS_SCHEME": "http", "SIGNAL_METRICS_PATH": "/metrics", "SIGNAL_METRICS_PORT": "80", "SIGNAL_TIMEOUT": "4m30s",
		}},
		"a target port": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Service.Ports[0].TargetPort = new(intstr.FromString("web"))
		}, map[string]string{"SIGNAL_METRICS_PORT": "web", "SIGNAL_TARGET": "198.19.0.7:80"}},
		"where it scrapes": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Analysis.Scrape = v1alpha1.ScrapeSpec{Path: "/stats", Port: new(intstr.FromInt32(9090)), Scheme: v1alpha1.ScrapeHTTPS}
		}, map[string]string{"SIGNAL_METRICS_SCHEME": "https", "SIGNAL_METRICS_PATH": "/stats", "SIGNAL_METRICS_PORT": "9090"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, e := range Leaks(planted(tc.change), rel, both, prober).Spec.Template.Spec.Containers[0].Env {
				got[e.Name] = e.Value
			}
			for key, want := range tc.want {
				if got[key] != want {
					t.Errorf("%s is %q, not %q", key, got[key], want)
				}
			}
			var spec v1alpha1.LeaksSpec
			if err := json.Unmarshal([]byte(got["SIGNAL_LEAKS"]), &spec); err != nil || strings.Contains(got["SIGNAL_LEAKS"], "$") || spec.Paths[0] != "/$(SIGNAL_HOST)" {
				t.Errorf("%v: %s", err, got["SIGNAL_LEAKS"])
			}
		})
	}
}

// hunted is the Job as it is in the cluster, with a pod.
func hunted(conditions []batchv1.JobCondition, change ...func(*corev1.Pod)) []client.Object {
	sd := planted()
	job := Leaks(sd, rel, both, prober)
	job.UID = "job-uid"
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	job.Status.Conditions = conditions
	all := []client.Object{job}
	for _, c := range change {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "prod", Name: job.Name + "-a", Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		}, Spec: *job.Spec.Template.Spec.DeepCopy()}
		c(pod)
		all = append(all, pod)
	}
	return all
}

func TestWhatTheCheckOfLeaksSays(t *testing.T) {
	const (
		sentence = "GitHubToken sent in Authorization appears base64-encoded in the log of container signal of pod app-v2-x, 2 lines"
		none     = `[{"kind":"Security","outcome":"Passed","reason":"NoLeaks","message":"None of 527 fake secrets was found","evidence":{"value":"0 of 527","samples":527}}]`
		unread   = `[{"kind":"Security","outcome":"Unknown","reason":"LeaksUnread","message":"the ServiceAccount may not get pods/log"}]`
	)
	leaked := fmt.Sprintf(`[{"kind":"Security","name":"leaks-1","outcome":"Failed","reason":"SecretsLeaked","message":%q},{"kind":"Security","outcome":"Failed","reason":"SecretsLeaked","message":"1 of 527 fake secrets leaked: %s"}]`, sentence, sentence)
	complete := []batchv1.JobCondition{condition(batchv1.JobComplete, "")}
	failed := []batchv1.JobCondition{condition(batchv1.JobFailed, "BackoffLimitExceeded")}
	for name, tc := range map[string]struct {
		cluster []client.Object
		want    []verdict.Verdict
	}{
		"not there": {nil, []verdict.Verdict{{Outcome: verdict.Unknown, Reason: ReasonRunning, Message: "The check of leaks is about to start"}}},
		"running":   {hunted(nil, running), []verdict.Verdict{{Outcome: verdict.Unknown, Reason: ReasonRunning, Message: `Check "leaks" is running`}}},
		"none":      {hunted(complete, ended(0, none)), []verdict.Verdict{{Outcome: verdict.Passed, Reason: "NoLeaks", Message: "None of 527 fake secrets was found"}}},
		"leaked": {hunted(complete, ended(0, leaked)), []verdict.Verdict{
			{Outcome: verdict.Failed, Reason: "SecretsLeaked", Message: "1 of 527 fake secrets leaked: " + sentence},
			{Outcome: verdict.Failed, Name: "leaks-1", Reason: "SecretsLeaked", Message: sentence},
		}},
		"cannot tell":  {hunted(failed, ended(1, unread)), []verdict.Verdict{{Outcome: verdict.Unknown, Reason: "LeaksUnread", Message: "the ServiceAccount may not get pods/log"}}},
		"said nothing": {hunted(complete, ended(0, "")), []verdict.Verdict{{Outcome: verdict.Unknown, Reason: ReasonInconclusive, Message: "The check of leaks ended and said nothing; unless the release is aborted or tried again, its deadline ends it"}}},
		"broke off":    {hunted(failed, ended(1, none)), []verdict.Verdict{{Outcome: verdict.Failed, Reason: ReasonFailed, Message: `Check "leaks" failed: it ended with exit code 1 and its last words: ` + none}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadLeaks(t.Context(), cluster(t, tc.cluster...), planted(), rel)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tc.want {
				if tc.want[i].Kind = v1alpha1.SignalSecurity; tc.want[i].Name == "" {
					tc.want[i].Name = "leaks"
				}
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(verdict.Verdict{}, "Evidence")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheCheckOfLeaksOfSomeoneElse(t *testing.T) {
	foreign := hunted(nil)[0].(*batchv1.Job) //nolint:forcetypeassert // it is one
	foreign.OwnerReferences = nil
	got, err := ReadLeaks(t.Context(), cluster(t, foreign), planted(), rel)
	if err != nil || len(got) != 1 || got[0].Reason != ReasonForeign || got[0].Name != "leaks" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ReadLeaks(t.Context(), broken{cluster(t)}, planted(), rel); err == nil {
		t.Error("a cluster that does not answer is an error")
	}
}

// Asked twice, there is one Job; without an image there is none.
func TestTheCheckOfLeaksIsStartedOnce(t *testing.T) {
	c := cluster(t)
	for range 2 {
		if err := EnsureLeaks(t.Context(), c, planted(), rel, both, prober); err != nil {
			t.Fatal(err)
		}
	}
	list := &batchv1.JobList{}
	if err := c.List(t.Context(), list); err != nil || len(list.Items) != 1 {
		t.Errorf("%d Jobs, %v", len(list.Items), err)
	}
	if err := EnsureLeaks(t.Context(), c, planted(), rel, both, ""); err == nil || !strings.Contains(err.Error(), "--prober-image") {
		t.Errorf("got %v", err)
	}
}

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
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// secured asks for the security checks.
func secured(change ...func(*v1alpha1.SecuritySpec)) *v1alpha1.SignalDeployment {
	s := &v1alpha1.SecuritySpec{Paths: []v1alpha1.ProbedPath{"/$(SIGNAL_HOST)"}, Compare: v1alpha1.CompareStable, RequestBudget: 2000, RatePerSecond: 20, TimeoutSeconds: 300}
	for _, c := range change {
		c(s)
	}
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Checks.Security = s
		sd.Spec.Service.Ports = append(sd.Spec.Service.Ports, v1alpha1.ServicePort{Name: "https", Port: 443})
	})
}

func TestTheJobOfSecurityChecks(t *testing.T) {
	value := func(change func(*v1alpha1.SecuritySpec), sides Sides) map[string]string {
		all := map[string]string{}
		for _, e := range Security(secured(change), rel, sides, prober).Spec.Template.Spec.Containers[0].Env {
			all[e.Name] = e.Value
		}
		return all
	}
	job := Security(secured(), rel, both, prober)
	if job.Name != "app-v2-security-3" || *job.Spec.ActiveDeadlineSeconds != 300 || *job.Spec.BackoffLimit != 1 {
		t.Errorf("%s, deadline %d, retries %d", job.Name, *job.Spec.ActiveDeadlineSeconds, *job.Spec.BackoffLimit)
	}
	c := job.Spec.Template.Spec.Containers[0]
	if diff := cmp.Diff([]string{"security"}, c.Args); diff != "" || len(job.Spec.Template.Spec.Volumes) != 0 || c.Env[len(c.Env)-2].ValueFrom.FieldRef.FieldPath != "status.podIP" {
		t.Error(diff, job.Spec.Template.Spec.Volumes, c.Env)
	}
	nothing := func(*v1alpha1.SecuritySpec) {}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SecuritySpec)
		sides  Sides
		want   map[string]string
	}{
		"beside a stable release": {nothing, both, map[string]string{"SIGNAL_TARGET": "198.19.0.7:80", "SIGNAL_STABLE": "198.19.0.6:80", "SIGNAL_HOST": "app.prod.svc", "SIGNAL_TIMEOUT": "4m30s", "SIGNAL_RELEASE_ID": rel.ID}},
		"a first release":         {nothing, Sides{Canary: "198.19.0.7"}, map[string]string{"SIGNAL_TARGET": "198.19.0.7:80", "SIGNAL_STABLE": ""}},
		"held against nothing":    {func(s *v1alpha1.SecuritySpec) { s.Compare = v1alpha1.CompareAbsolute }, both, map[string]string{"SIGNAL_STABLE": ""}},
		"IPv6":                    {nothing, Sides{Canary: "fd00::7"}, map[string]string{"SIGNAL_TARGET": "[fd00::7]:80"}},
		"another port":            {func(s *v1alpha1.SecuritySpec) { s.Port = "https" }, both, map[string]string{"SIGNAL_TARGET": "198.19.0.7:443", "SIGNAL_STABLE": "198.19.0.6:443"}},
		"TLS":                     {func(s *v1alpha1.SecuritySpec) { s.TLS = &v1alpha1.SecurityTLS{Port: "https"} }, both, map[string]string{"SIGNAL_TARGET_TLS": "198.19.0.7:443", "SIGNAL_STABLE_TLS": "198.19.0.6:443", "SIGNAL_TARGET": "198.19.0.7:80"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := value(tc.change, tc.sides)
			for key, want := range tc.want {
				if got[key] != want {
					t.Errorf("%s is %q, not %q", key, got[key], want)
				}
			}
			var spec v1alpha1.SecuritySpec
			if err := json.Unmarshal([]byte(got["SIGNAL_SECURITY"]), &spec); err != nil || strings.Contains(got["SIGNAL_SECURITY"], "$") || spec.Paths[0] != "/$(SIGNAL_HOST)" {
				t.Errorf("%v: %s", err, got["SIGNAL_SECURITY"])
			}
		})
	}
}

// The operator reads no Secret: the Job mounts it.
func TestUsersAndAuthoritiesAreMounted(t *testing.T) {
	job := Security(secured(func(s *v1alpha1.SecuritySpec) {
		s.Users = &v1alpha1.SecurityUsers{SecretName: "probe-users"}
		s.TLS = &v1alpha1.SecurityTLS{Port: "https", CAConfigMapName: "authority"}
		s.Resources = corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("1Gi")}}
	}), rel, both, prober)
	pod := job.Spec.Template.Spec
	want := []corev1.Volume{
		{Name: "users", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "probe-users"}}},
		{Name: "authority", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "authority"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}}},
	}
	if diff := cmp.Diff(want, pod.Volumes); diff != "" {
		t.Error(diff)
	}
	mounts := []corev1.VolumeMount{{Name: "users", MountPath: "/signal/users", ReadOnly: true}, {Name: "authority", MountPath: "/signal/authority", ReadOnly: true}}
	if diff := cmp.Diff(mounts, pod.Containers[0].VolumeMounts); diff != "" {
		t.Error(diff)
	}
	if pod.Containers[0].Resources.Limits.Memory().String() != "1Gi" || *pod.AutomountServiceAccountToken {
		t.Errorf("%+v", pod.Containers[0].Resources)
	}
}

func TestNothingTakesSecurityChecksForSomethingElse(t *testing.T) {
	job := Security(secured(), rel, both, prober)
	smoke := Build(deployment(v1alpha1.SmokeCheck{Name: "security", HTTP: &v1alpha1.HTTPCheck{}}), rel, v1alpha1.SmokeCheck{Name: "security", HTTP: &v1alpha1.HTTPCheck{}}, target, prober)
	if job.Name == smoke.Name || labels.SelectorFromSet(smoke.Spec.Template.Labels).Matches(labels.Set(job.Spec.Template.Labels)) {
		t.Errorf("a smoke check of that name has the Job %s with %v, too", smoke.Name, smoke.Spec.Template.Labels)
	}
	for key, value := range release.Selector("app", rel.Hash) {
		if labels.SelectorFromSet(labels.Set{key: value}).Matches(labels.Set(job.Spec.Template.Labels)) {
			t.Errorf("its pods have %s=%s", key, value)
		}
	}
}

// guarded is the Job as it is in the cluster, with a pod.
func guarded(conditions []batchv1.JobCondition, change ...func(*corev1.Pod)) []client.Object {
	sd := secured()
	job := Security(sd, rel, both, prober)
	job.UID = "job-uid"
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	job.Status.Conditions = conditions
	if len(change) == 0 {
		return []client.Object{job}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "prod", Name: job.Name + "-a", Labels: job.Spec.Template.Labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}, Spec: *job.Spec.Template.Spec.DeepCopy()}
	for _, c := range change {
		c(pod)
	}
	return []client.Object{job, pod}
}

func TestWhatSecurityChecksSay(t *testing.T) {
	const (
		held  = `[{"kind":"Security","outcome":"Passed","reason":"SecurityChecksPassed","message":"57 security checks found nothing","evidence":{"value":"0 of 57","samples":57}}]`
		found = `[{"kind":"Security","name":"security-11","outcome":"Failed","reason":"SecurityFindings","message":"11 (everyone is let in): / lets everyone in","evidence":{"query":"WSTG-CLNT-07"}},
			{"kind":"Security","outcome":"Failed","reason":"SecurityFindings","message":"Security checks found 11; password=hunter2","evidence":{"value":"1 of 57","samples":57,"failures":1}}]`
		open = `[{"kind":"Security","outcome":"Unknown","reason":"SecurityNoAnswer","message":"The candidate cannot be checked"}]`
	)
	complete := []batchv1.JobCondition{condition(batchv1.JobComplete, "")}
	broken := []batchv1.JobCondition{condition(batchv1.JobFailed, "BackoffLimitExceeded")}
	late := []batchv1.JobCondition{condition(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded)}
	for name, tc := range map[string]struct {
		cluster []client.Object
		want    []verdict.Verdict
	}{
		"not there": {nil, []verdict.Verdict{{Outcome: verdict.Unknown, Reason: ReasonRunning, Message: "The security checks are about to start"}}},
		"running":   {guarded(nil, running), []verdict.Verdict{{Outcome: verdict.Unknown, Reason: ReasonRunning, Message: `Check "security" is running`}}},
		"held":      {guarded(complete, ended(0, held)), []verdict.Verdict{{Outcome: verdict.Passed, Reason: "SecurityChecksPassed", Message: "57 security checks found nothing"}}},
		"found": {guarded(complete, ended(0, found)), []verdict.Verdict{
			{Outcome: verdict.Failed, Reason: "SecurityFindings", Message: "Security checks found 11; password=[redacted]"},
			{Outcome: verdict.Failed, Name: "security-11", Reason: "SecurityFindings", Message: "11 (everyone is let in): / lets everyone in"},
		}},
		"cannot tell":         {guarded(broken, ended(1, open)), []verdict.Verdict{{Outcome: verdict.Unknown, Reason: "SecurityNoAnswer", Message: "The candidate cannot be checked"}}},
		"said nothing":        {guarded(complete, ended(0, "")), []verdict.Verdict{{Outcome: verdict.Unknown, Reason: ReasonInconclusive, Message: "The security checks ended and said nothing; unless the release is aborted or tried again, its deadline ends it"}}},
		"broke off":           {guarded(broken, ended(2, "Cannot probe")), []verdict.Verdict{{Outcome: verdict.Failed, Reason: ReasonFailed, Message: `Check "security" failed: it ended with exit code 2 and its last words: Cannot probe`}}},
		"held, but broke off": {guarded(broken, ended(1, held)), []verdict.Verdict{{Outcome: verdict.Failed, Reason: ReasonFailed, Message: `Check "security" failed: it ended with exit code 1 and its last words: ` + held}}},
		"too late":            {guarded(late, ended(1, open)), []verdict.Verdict{{Outcome: verdict.Failed, Reason: ReasonTimedOut, Message: `Check "security" did not pass within its timeoutSeconds of 300, retries included: raise timeoutSeconds of this check, or make it faster; its last attempt: The candidate cannot be checked`}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadSecurity(t.Context(), cluster(t, tc.cluster...), secured(), rel)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tc.want {
				if tc.want[i].Kind = v1alpha1.SignalSecurity; tc.want[i].Name == "" {
					tc.want[i].Name = "security"
				}
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(verdict.Verdict{}, "Evidence")); diff != "" {
				t.Error(diff)
			}
			if e := got[0].Evidence; strings.HasPrefix(name, "held") && (e == nil || e.Source != "Job app-v2-security-3" || !e.Time.Equal(&noon) || !strings.Contains(name, "broke") && (e.Value != "0 of 57" || e.Samples != 57)) {
				t.Errorf("it rests on %+v", e)
			}
		})
	}
}

func TestSecurityChecksOfSomeoneElse(t *testing.T) {
	foreign := guarded(nil)[0].(*batchv1.Job) //nolint:forcetypeassert // it is one
	foreign.OwnerReferences = nil
	got, err := ReadSecurity(t.Context(), cluster(t, foreign), secured(), rel)
	if err != nil || len(got) != 1 || got[0].Reason != ReasonForeign || got[0].Outcome != verdict.Unknown {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ReadSecurity(t.Context(), broken{cluster(t)}, secured(), rel); err == nil {
		t.Error("a cluster that does not answer is an error")
	}
}

// Asked twice, there is one Job; without an image there is none.
func TestSecurityChecksAreStartedOnce(t *testing.T) {
	c := cluster(t)
	for range 2 {
		if err := EnsureSecurity(t.Context(), c, secured(), rel, both, prober); err != nil {
			t.Fatal(err)
		}
	}
	list := &batchv1.JobList{}
	if err := c.List(t.Context(), list); err != nil || len(list.Items) != 1 {
		t.Errorf("%d Jobs, %v", len(list.Items), err)
	}
	if err := EnsureSecurity(t.Context(), c, secured(), rel, both, ""); err == nil || !strings.Contains(err.Error(), "--prober-image") {
		t.Errorf("got %v", err)
	}
}

// What is taken out of the words of Jobs is nothing that a check says.
func TestTheWordsOfChecksAreRepeatedWhole(t *testing.T) {
	for _, c := range catalogue.All() {
		text := fmt.Sprintf("%d (%s): /v1 found; %s", c.ID, c.Name, c.Advice)
		if got := jobs.Fit(text, maxFinding); got != text {
			t.Errorf("check %d says %q, and %q is repeated", c.ID, text, got)
		}
	}
}

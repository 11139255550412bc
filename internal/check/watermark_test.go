package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// marked asks who answers, and how each step splits.
func marked() *v1alpha1.SignalDeployment {
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "https://signals.example", Address: "192.0.2.1:443"}
		sd.Spec.Checks.Watermark = &v1alpha1.WatermarkSpec{SecretName: "watermark", Path: "/$(SIGNAL_HOST)", Requests: 50, SplitRequests: 500}
		sd.Status.Rollout.Plan.Steps = sd.Spec.Strategy.Steps
	})
}

func proofs(sd *v1alpha1.SignalDeployment) map[string]Proof {
	return map[string]Proof{
		"candidate": Candidate(sd, rel, both), "entry": AtEntry(sd, rel),
		"split": Split(sd, rel, sd.Status.Rollout.Plan, 1, testkit.Release("v1")),
	}
}

func TestTheJobsOfWatermarks(t *testing.T) {
	sd := marked()
	entry := map[string]string{"SIGNAL_ENTRY_URL": "https://signals.example", "SIGNAL_ENTRY_ADDRESS": "192.0.2.1:443", "SIGNAL_TARGET": "", "SIGNAL_HOST": ""}
	for name, tc := range map[string]struct {
		job     string
		seconds int64
		env     []map[string]string
	}{
		"candidate": {"app-v2-watermark-3", 65, []map[string]string{{"SIGNAL_TARGET": "http://198.19.0.7:80", "SIGNAL_HOST": "app.prod.svc", "SIGNAL_ENTRY_URL": "", "SIGNAL_WEIGHT": ""}}},
		"entry":     {"app-v2-watermark-after-3", 65, []map[string]string{entry, {"SIGNAL_WEIGHT": ""}}},
		"split":     {"app-v2-split-1-3", 110, []map[string]string{entry, {"SIGNAL_WEIGHT": "25", "SIGNAL_STABLE_RELEASE": "v1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			job := proofs(sd)[name].Job(sd, rel, prober)
			if job.Name != tc.job || *job.Spec.ActiveDeadlineSeconds != tc.seconds || *job.Spec.BackoffLimit != 1 {
				t.Errorf("%s, deadline %d, retries %d", job.Name, *job.Spec.ActiveDeadlineSeconds, *job.Spec.BackoffLimit)
			}
			got := map[string]string{}
			for _, e := range job.Spec.Template.Spec.Containers[0].Env {
				got[e.Name] = e.Value
			}
			for _, part := range append(tc.env, map[string]string{"SIGNAL_RELEASE": "v2", "SIGNAL_RELEASE_ID": rel.ID}) {
				for key, want := range part {
					if got[key] != want {
						t.Errorf("%s is %q, not %q", key, got[key], want)
					}
				}
			}
			var spec v1alpha1.WatermarkSpec
			if err := json.Unmarshal([]byte(got["SIGNAL_WATERMARK"]), &spec); err != nil || strings.Contains(got["SIGNAL_WATERMARK"], "$") || spec != *sd.Spec.Checks.Watermark {
				t.Errorf("%v: %s", err, got["SIGNAL_WATERMARK"])
			}
			volumes := []corev1.Volume{{Name: "watermark", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "watermark", Optional: new(true), Items: []corev1.KeyToPath{{Key: "key", Path: "key"}, {Key: "previous", Path: "previous"}},
			}}}}
			if diff := cmp.Diff(volumes, job.Spec.Template.Spec.Volumes); diff != "" || *job.Spec.Template.Spec.AutomountServiceAccountToken {
				t.Error(diff)
			}
			for key, value := range release.Selector("app", rel.Hash) {
				if labels.SelectorFromSet(labels.Set{key: value}).Matches(labels.Set(job.Spec.Template.Labels)) {
					t.Errorf("its pods have %s=%s", key, value)
				}
			}
		})
	}
	names := map[string]bool{}
	for step := range int32(3) {
		p := Split(sd, rel, sd.Status.Rollout.Plan, step, testkit.Release("v1"))
		names[p.Job(sd, rel, prober).Name+p.check] = true
	}
	for _, p := range proofs(sd) {
		names[p.Job(sd, rel, prober).Name+p.check] = true
	}
	if len(names) != 5 {
		t.Errorf("looks share a name: %v", names)
	}
}

// What a Job found is believed; what it did not find is not known.
func TestWhatWatermarkJobsSay(t *testing.T) {
	const complete, lost = batchv1.JobComplete, batchv1.JobFailed
	good := `[{"outcome":"Passed","kind":"Smoke","name":"x","reason":"SplitMeasured","message":"as it should be","evidence":{"value":"25.0 % of 500","baseline":"75.0 % of 500","threshold":"19.0 % to 31.4 %","samples":500,"statistic":"exact"}}]`
	bad := `[{"outcome":"Failed","reason":"SplitWrong","message":"password=hunter2 is not as it should be"}]`
	for name, tc := range map[string]struct {
		condition *batchv1.JobCondition
		said      string
		ran       bool
		want      verdict.Verdict // without its evidence and message
		says      string
	}{
		"running":            {nil, "", false, verdict.Wait(v1alpha1.SignalWatermark, ReasonRunning, ""), "is running"},
		"right":              {new(condition(complete, "")), good, true, verdict.Pass(v1alpha1.SignalWatermark, "SplitMeasured", ""), "as it should be"},
		"wrong":              {new(condition(complete, "")), bad, true, verdict.Fail(v1alpha1.SignalWatermark, "SplitWrong", ""), "password=[redacted] is not"},
		"unknown":            {new(condition(lost, "BackoffLimitExceeded")), `[{"outcome":"Unknown","reason":"SplitUnmeasured","message":"too few"}]`, true, verdict.Wait(v1alpha1.SignalWatermark, "SplitUnmeasured", ""), "too few"},
		"ended and silent":   {new(condition(complete, "")), "", true, verdict.Wait(v1alpha1.SignalWatermark, ReasonPassed, ""), "came to nothing"},
		"crashed":            {new(condition(lost, "BackoffLimitExceeded")), "panic", true, verdict.Wait(v1alpha1.SignalWatermark, ReasonFailed, ""), "came to nothing"},
		"crashed after good": {new(condition(lost, "BackoffLimitExceeded")), good, true, verdict.Wait(v1alpha1.SignalWatermark, ReasonFailed, ""), "came to nothing"},
		"never started":      {new(condition(lost, batchv1.JobReasonDeadlineExceeded)), "", false, verdict.Wait(v1alpha1.SignalWatermark, ReasonNeverStarted, ""), "did not start within"},
	} {
		t.Run(name, func(t *testing.T) {
			sd := marked()
			p := proofs(sd)["split"]
			job := p.Job(sd, rel, prober)
			job.UID = "job-uid"
			job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
			objects := []batchv1.JobCondition{}
			if tc.condition != nil {
				objects = append(objects, *tc.condition)
			}
			job.Status.Conditions = objects
			c := cluster(t, job)
			if tc.ran {
				pod := podOf(alive, 1)
				pod.Namespace, pod.Labels = sd.Namespace, job.Spec.Template.Labels
				pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
				ended(0, tc.said)(&pod)
				c = cluster(t, job, &pod)
			}
			v, err := p.Read(t.Context(), c, sd, rel)
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tc.want.Outcome || v.Reason != tc.want.Reason || v.Kind != v1alpha1.SignalWatermark || v.Name != "split" || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v", v)
			}
			if name == "right" {
				want := &verdict.Evidence{Value: "25.0 % of 500", Baseline: "75.0 % of 500", Threshold: "19.0 % to 31.4 %", Samples: 500, Statistic: "exact", Source: "Job " + job.Name, Time: noon}
				if diff := cmp.Diff(want, v.Evidence); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestNoOrForeignWatermarkJob(t *testing.T) {
	sd := marked()
	p := proofs(sd)["candidate"]
	if v, err := p.Read(t.Context(), cluster(t), sd, rel); err != nil || v.Outcome != verdict.Unknown || v.Reason != ReasonRunning || v.Message != "The check of the candidate's watermark is about to start" {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := p.Read(t.Context(), cluster(t, p.Job(sd, rel, prober)), sd, rel); err != nil || v.Outcome != verdict.Unknown || v.Reason != ReasonForeign {
		t.Errorf("%+v, %v", v, err)
	}
	if err := p.Ensure(t.Context(), cluster(t), sd, rel, ""); err == nil || !strings.Contains(err.Error(), "--prober-image") {
		t.Errorf("%v", err)
	}
	c := cluster(t)
	for range 2 {
		if err := p.Ensure(t.Context(), c, sd, rel, prober); err != nil {
			t.Error(err)
		}
	}
}

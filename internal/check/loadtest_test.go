package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// tested asks for a load test by so many workers.
func tested(workers int32) *v1alpha1.SignalDeployment {
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Checks.Load.Test = &v1alpha1.LoadTest{
			Requests: []v1alpha1.LoadRequest{{Path: "/$(SIGNAL_HOST)", Weight: 1}}, Shape: v1alpha1.LoadConstant, RatePerSecond: 10,
			DurationSeconds: 10, AnswerSeconds: 5, Workers: workers, TimeoutSeconds: 300, Limits: v1alpha1.LoadLimits{ErrorPercent: "1", P99Milliseconds: 50},
		}
	})
}

func TestTheJobsOfALoadTest(t *testing.T) {
	for workers, start := range map[int32]string{1: "", 2: "2030-01-01T12:00:15Z"} {
		job := LoadTest(tested(workers), rel, int(workers-1), noon.Time, both, prober)
		env := map[string]string{}
		for _, e := range job.Spec.Template.Spec.Containers[0].Env {
			env[e.Name] = e.Value
		}
		var spec v1alpha1.LoadTest
		if err := json.Unmarshal([]byte(env["SIGNAL_LOAD_TEST"]), &spec); err != nil || strings.Contains(env["SIGNAL_LOAD_TEST"], "$") {
			t.Errorf("%v: %s", err, env["SIGNAL_LOAD_TEST"])
		}
		if diff := cmp.Diff(*tested(workers).Spec.Checks.Load.Test, spec); diff != "" {
			t.Error(diff)
		}
		delete(env, "SIGNAL_LOAD_TEST")
		want := map[string]string{
			"SIGNAL_TARGET": "http://198.19.0.7:80", "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE_ID": rel.ID,
			"SIGNAL_TIMEOUT": "4m30s", "SIGNAL_WORKER": fmt.Sprint(workers - 1), "SIGNAL_START": start,
		}
		if start == "" {
			delete(want, "SIGNAL_START")
		}
		if diff := cmp.Diff(want, env); diff != "" {
			t.Error(diff)
		}
		if job.Name != fmt.Sprintf("app-v2-load-%d-3", workers-1) || *job.Spec.ActiveDeadlineSeconds != 300 || *job.Spec.BackoffLimit != 0 {
			t.Errorf("%s, deadline %d, retries %d", job.Name, *job.Spec.ActiveDeadlineSeconds, *job.Spec.BackoffLimit)
		}
		for key, value := range release.Selector("app", rel.Hash) {
			if labels.SelectorFromSet(labels.Set{key: value}).Matches(labels.Set(job.Spec.Template.Labels)) {
				t.Errorf("its pods have %s=%s", key, value)
			}
		}
	}
}

// worked is a worker's Job as it is in the cluster, with a pod.
func worked(sd *v1alpha1.SignalDeployment, worker int, conditions []batchv1.JobCondition, change ...func(*corev1.Pod)) []client.Object {
	job := LoadTest(sd, rel, worker, noon.Time, both, prober)
	job.UID = types.UID(fmt.Sprintf("job-uid-%d", worker))
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	job.Status.Conditions = conditions
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "prod", Name: job.Name + "-a", Labels: job.Spec.Template.Labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}, Spec: *job.Spec.Template.Spec.DeepCopy()}
	for _, c := range change {
		c(pod)
	}
	return []client.Object{job, pod}
}

// sent is the answer of a worker whose fifty requests took so long, and of
// which some failed.
func sent(took time.Duration, failed int64, begin int64) func(*corev1.Pod) {
	h, c := &loadtest.Histogram{}, loadtest.Counts{Sent: 50, Timed: 50, Errors: failed}
	for range 50 {
		h.Add(took)
	}
	if took > 50*time.Millisecond {
		c.Over[3] = 50
	}
	r := loadtest.Result{Begin: begin, End: begin + 10_000, Windows: []loadtest.Counts{c}, Latency: h, Classes: map[string]int64{"503": failed}}
	return ended(0, string(verdict.Answer{Load: r.Encode(), Verdicts: []verdict.Verdict{verdict.Pass(v1alpha1.SignalLoad, "LoadMeasured", "sent")}}.Encode()))
}

func TestWhatALoadTestComesTo(t *testing.T) {
	complete := []batchv1.JobCondition{condition(batchv1.JobComplete, "")}
	late := []batchv1.JobCondition{condition(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded)}
	const ms = time.Millisecond
	two := func(first, second []client.Object) []client.Object { return append(first, second...) }
	sd := tested(2)
	for name, tc := range map[string]struct {
		cluster []client.Object
		outcome v1alpha1.Outcome
		reason  string
		message string
		record  *v1alpha1.LoadRecord
	}{
		"not there": {nil, verdict.Unknown, ReasonRunning, "The load test is about to start", nil},
		"one runs":  {two(worked(sd, 0, complete, sent(ms, 0, 0)), worked(sd, 1, nil, running)), verdict.Unknown, ReasonRunning, `Check "load" is running`, nil},
		"both held": {
			two(worked(sd, 0, complete, sent(10*ms, 0, 0)), worked(sd, 1, complete, sent(40*ms, 1, 100))), verdict.Passed, loadtest.ReasonHeld,
			"100 requests in 10s, p50 10.24ms, p90 40.96ms",
			&v1alpha1.LoadRecord{Release: rel.Hash, Requests: 100, Errors: 1, LatencyMicroseconds: []int64{10240, 40960, 40960, 40960, 40960}},
		},
		"one was slow": {two(worked(sd, 0, complete, sent(ms, 0, 0)), worked(sd, 1, complete, sent(80*ms, 0, 0))), verdict.Failed, loadtest.ReasonBroken, "p99 was 81.92ms, of at most 50ms", &v1alpha1.LoadRecord{Release: rel.Hash, Requests: 100, LatencyMicroseconds: []int64{1008, 81920, 81920, 81920, 81920}}},
		"apart":        {two(worked(sd, 0, complete, sent(ms, 0, 0)), worked(sd, 1, complete, sent(ms, 0, 5000))), verdict.Unknown, loadtest.ReasonApart, "only 5s of 10s", &v1alpha1.LoadRecord{Release: rel.Hash, Requests: 100, LatencyMicroseconds: []int64{1008, 1008, 1008, 1008, 1008}}},
		"one is mute":  {two(worked(sd, 0, complete, sent(ms, 0, 0)), worked(sd, 1, complete, ended(0, ""))), verdict.Unknown, ReasonInconclusive, "Job app-v2-load-1-3 of the load test ended without saying what it measured", nil},
		"one lies":     {two(worked(sd, 0, complete, sent(ms, 0, 0)), worked(sd, 1, complete, ended(0, `{"load":{"w":[],"h":"AAEB"}}`))), verdict.Unknown, ReasonInconclusive, "ended without saying", nil},
		"one is late":  {two(worked(sd, 0, complete, sent(ms, 0, 0)), worked(sd, 1, late, running)), verdict.Failed, ReasonTimedOut, "timeoutSeconds of 300", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, record, err := ReadLoadTest(t.Context(), cluster(t, tc.cluster...), sd, rel)
			if err != nil {
				t.Fatal(err)
			}
			if v := got[0]; v.Outcome != tc.outcome || v.Reason != tc.reason || !strings.Contains(v.Message, tc.message) || v.Kind != v1alpha1.SignalLoad || v.Name != "load" {
				t.Errorf("%+v", v)
			}
			if record != nil {
				if record.Test != loadtest.Hash(*sd.Spec.Checks.Load.Test) || got[1].Evidence.Source != "Job app-v2-load-0-3 and 1 more" {
					t.Errorf("%+v rests on %s", record, got[1].Evidence.Source)
				}
				record.Test = ""
			}
			if diff := cmp.Diff(tc.record, record); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A test is judged by what its Job was given, though the spec has changed since.
func TestALoadTestIsJudgedByItsOwnLimits(t *testing.T) {
	complete := []batchv1.JobCondition{condition(batchv1.JobComplete, "")}
	sd := tested(1)
	objects := worked(sd, 0, complete, sent(40*time.Millisecond, 0, 0))
	sd.Spec.Checks.Load.Test.Limits.P99Milliseconds = 1
	got, _, err := ReadLoadTest(t.Context(), cluster(t, objects...), sd, rel)
	if err != nil || got[0].Outcome != verdict.Passed {
		t.Errorf("%+v, %v", got[0], err)
	}
}

// It is compared with what the same test measured of the stable release.
func TestALoadTestIsComparedWithTheStableRelease(t *testing.T) {
	complete := []batchv1.JobCondition{condition(batchv1.JobComplete, "")}
	sd := tested(1)
	sd.Spec.Checks.Load.Test.Limits.NoWorseThanStablePercent = 50
	sd.Status.Stable = &v1alpha1.Release{Hash: "v1"}
	objects := worked(sd, 0, complete, sent(40*time.Millisecond, 0, 0))
	for want, micros := range map[v1alpha1.Outcome]int64{verdict.Passed: 30_000, verdict.Failed: 20_000} {
		sd.Status.Loads = []v1alpha1.LoadRecord{{Release: "v1", Test: loadtest.Hash(*sd.Spec.Checks.Load.Test), Requests: 50, LatencyMicroseconds: []int64{micros, micros, micros, micros, micros}}}
		if got, _, err := ReadLoadTest(t.Context(), cluster(t, objects...), sd, rel); err != nil || got[0].Outcome != want {
			t.Errorf("beside %d µs: %+v, %v", micros, got[0], err)
		}
	}
}

func TestALoadTestOfSomeoneElse(t *testing.T) {
	foreign := worked(tested(1), 0, nil)[0].(*batchv1.Job) //nolint:forcetypeassert // it is one
	foreign.OwnerReferences = nil
	got, _, err := ReadLoadTest(t.Context(), cluster(t, foreign), tested(1), rel)
	if err != nil || len(got) != 1 || got[0].Reason != ReasonForeign || got[0].Outcome != verdict.Unknown {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := ReadLoadTest(t.Context(), broken{cluster(t)}, tested(1), rel); err == nil {
		t.Error("a cluster that does not answer is an error")
	}
}

// Asked twice, there is one Job for each worker; without an image there is none.
func TestALoadTestIsStartedOnce(t *testing.T) {
	c := cluster(t)
	for range 2 {
		if err := EnsureLoadTest(t.Context(), c, tested(3), rel, noon.Time, both, prober); err != nil {
			t.Fatal(err)
		}
	}
	list := &batchv1.JobList{}
	if err := c.List(t.Context(), list); err != nil || len(list.Items) != 3 {
		t.Errorf("%d Jobs, %v", len(list.Items), err)
	}
	if err := EnsureLoadTest(t.Context(), c, tested(3), rel, noon.Time, both, ""); err == nil || !strings.Contains(err.Error(), "--prober-image") {
		t.Errorf("got %v", err)
	}
}

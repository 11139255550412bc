package check

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// background is the Job of background load as it is in the cluster.
func background() *batchv1.Job {
	sd := loaded()
	job := Background(sd, rel, plan, both, prober)
	job.UID = "job-uid"
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	return job
}

// sender is a pod of it.
func sender(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	job := background()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "prod", Name: job.Name + "-" + name, Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: *job.Spec.Template.Spec.DeepCopy(), Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
	for _, c := range change {
		c(pod)
	}
	return pod
}

func TestWhatBecameOfBackgroundLoad(t *testing.T) {
	const sent = `[{"kind":"Load","outcome":"Passed","reason":"BackgroundLoadSent","message":"Synthetic requests were sent","evidence":{"value":"9 sent","baseline":"8 sent","query":"q","window":"1s","samples":17}}]`
	wait := func(reason, format string, args ...any) verdict.Verdict {
		return verdict.Wait(v1alpha1.SignalLoad, reason, format, args...)
	}
	from := verdict.Evidence{Source: "Job app-v2-background-3"}
	account := from
	account.Value, account.Baseline, account.Query, account.Window, account.Samples = "9 sent", "8 sent", "q", "1s", 17
	for name, tc := range map[string]struct {
		pods     []client.Object
		want     verdict.Verdict
		evidence verdict.Evidence
	}{
		"it gave an account": {[]client.Object{sender("a", ended(0, sent))}, verdict.Pass(v1alpha1.SignalLoad, "BackgroundLoadSent", "Synthetic requests were sent"), account},
		"it runs": {[]client.Object{sender("a", running)}, verdict.Pass(v1alpha1.SignalLoad, ReasonBackgroundSending,
			"Background load was sent by Job app-v2-background-3, which had not ended when the release did"), from},
		"one was lost, another runs": {[]client.Object{sender("a", ended(137, "")), sender("b", running)}, verdict.Pass(v1alpha1.SignalLoad, ReasonBackgroundSending,
			"Background load was sent by Job app-v2-background-3, which had not ended when the release did"), from},
		"it broke off": {[]client.Object{sender("a", ended(2, "Cannot probe"))}, wait(ReasonBackgroundFailed, "Background load broke off: it ended with exit code 2 and its last words: Cannot probe"), from},
		"its image cannot be pulled": {[]client.Object{sender("a", waiting("ImagePullBackOff", ""))}, wait(ReasonBackgroundPending,
			"No background load was sent: its image registry.example/prober:v1 cannot be pulled; check that it exists, and that the imagePullSecrets of spec.template may read it"), from},
		"no node takes it": {[]client.Object{sender("a", unscheduled)}, wait(ReasonBackgroundPending,
			"No background load was sent: no node takes its pod (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu."), from},
		"it was about to start": {[]client.Object{sender("a")}, wait(ReasonBackgroundPending, "No background load was sent: its pod was still starting when the release ended"), from},
		"its pod is refused": {nil, wait(ReasonBackgroundNoPod,
			"No background load was sent: its Job has no pod, because of a quota or an admission policy, or because it was deleted; see kubectl describe job -n prod app-v2-background-3"), from},
		"something else claims to have failed": {
			[]client.Object{sender("a", ended(0, `[{"outcome":"Failed","reason":"Bad","message":"password=hunter2"}]`))},
			wait(ReasonBackgroundFailed, "password=[redacted]"), from,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadBackground(t.Context(), cluster(t, append(tc.pods, background())...), loaded(), rel)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(verdict.With(verdict.Named(tc.want, "background"), tc.evidence), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBackgroundLoadThatIsNotThere(t *testing.T) {
	got, err := ReadBackground(t.Context(), cluster(t), loaded(), rel)
	if diff := cmp.Diff(verdict.Verdict{}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	foreign := background()
	foreign.OwnerReferences = nil
	got, err = ReadBackground(t.Context(), cluster(t, foreign), loaded(), rel)
	if err != nil || got.Outcome != verdict.Unknown || got.Reason != ReasonForeign {
		t.Errorf("foreign: %+v, %v", got, err)
	}
	if _, err := ReadBackground(t.Context(), broken{cluster(t)}, loaded(), rel); err == nil {
		t.Error("a cluster that does not answer is an error")
	}
	got = RefusedBackground(errors.New("create Job prod/x: password=hunter2"))
	if want := "No background load was sent: create Job prod/x: password=[redacted]"; got.Message != want || got.Outcome != verdict.Unknown {
		t.Errorf("refused: %+v", got)
	}
}

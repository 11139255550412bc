package artifact

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func keyOf(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "prod", Name: name}
}

func TestWhatTheProberFoundIsBelieved(t *testing.T) {
	record := &v1alpha1.ArtifactRecord{Signer: "us", Accepted: []string{pinned}}
	for name, tc := range map[string]struct {
		conditions []batchv1.JobCondition
		code       int32
		message    string
		want       Reading
	}{
		"a digest":                          {[]batchv1.JobCondition{complete}, 0, answer(pinned, record, good("Resolved"), good("SignatureVerified")), Reading{pinned, record, []verdict.Verdict{good("Resolved"), good("SignatureVerified")}}},
		"a moment before the Job has ended": {nil, 0, answer(pinned, record, good("Resolved")), Reading{pinned, record, []verdict.Verdict{good("Resolved")}}},
		"a signer is missing": {
			[]batchv1.JobCondition{complete},
			0, answer(pinned, record, good("Resolved"), fail("SignatureMissing", "nobody signed")),
			Reading{Verdicts: []verdict.Verdict{good("Resolved"), fail("SignatureMissing", "nobody signed")}},
		},
		"the registry is silent": {nil, 1, answer("", nil, wait("RegistryUnavailable", "no answer")), Reading{Verdicts: []verdict.Verdict{wait("RegistryUnavailable", "no answer")}}},
		"silent to the end": {
			[]batchv1.JobCondition{condition(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded)},
			1, answer("", nil, wait("RegistryUnavailable", "no answer")),
			Reading{Verdicts: []verdict.Verdict{wait("RegistryUnavailable", "no answer")}},
		},
		"good words without a digest": {
			[]batchv1.JobCondition{complete},
			0, answer("", nil, good("Resolved")),
			said(fail(ReasonUnanswered, `Job "app-asks-v2-3-resolve" ended without a digest: it ended with exit code 0 and its last words: [{"kind":"Artifact"`)),
		},
		"another digest than a digest": {
			[]batchv1.JobCondition{complete},
			0, answer("sha256:1", record, good("Resolved")),
			said(fail(ReasonUnanswered, `Job "app-asks-v2-3-resolve" ended without a digest: it ended`)),
		},
		"a crash": {
			[]batchv1.JobCondition{condition(batchv1.JobFailed, "BackoffLimitExceeded")},
			2, "panic: token=hunter2",
			said(fail(ReasonUnanswered, `Job "app-asks-v2-3-resolve" ended without a digest: it ended with exit code 2 and its last words: panic: token=[redacted]`)),
		},
		"a crash before the pod that ended well is read": {[]batchv1.JobCondition{complete}, 2, "panic", said(wait(ReasonResolving, "A Job is resolving the image"))},
		"a crash that is tried again":                    {nil, 2, "panic", said(wait(ReasonResolving, "A Job is resolving the image"))},
	} {
		t.Run(name, func(t *testing.T) {
			job := own(Prober(app(), rel, "", settings), tc.conditions...)
			got, err := Read(t.Context(), cluster(t, job, podOf(job, tc.code, tc.message)), app(), rel)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Verdicts { // what is quoted is the quote's matter
				if want := tc.want.Verdicts[min(i, len(tc.want.Verdicts)-1)].Message; strings.HasPrefix(got.Verdicts[i].Message, want) {
					got.Verdicts[i].Message = want
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutAnAnswer(t *testing.T) {
	job := own(Prober(app(), rel, "", settings))
	foreign := Prober(app(), rel, "", settings)
	stuck := podOf(job, 0, "")
	stuck.Status = corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "check", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}},
	}}}
	stranger := podOf(job, 0, answer(pinned, nil, good("Resolved")))
	stranger.OwnerReferences = nil
	for name, tc := range map[string]struct {
		objects []client.Object
		reason  string
		says    string
	}{
		"no Job":                  {nil, ReasonResolving, "is resolving"},
		"no pod":                  {[]client.Object{job}, ReasonResolving, "is resolving"},
		"a pod that does not run": {[]client.Object{job, stuck}, ReasonPending, "cannot be pulled"},
		"a pod that is read late": {[]client.Object{own(Prober(app(), rel, "", settings), complete)}, ReasonResolving, "is resolving"},
		"a pod of someone else's": {[]client.Object{job, stranger}, ReasonResolving, "is resolving"},
		"a Job of someone else's": {[]client.Object{foreign, podOf(foreign, 0, answer(pinned, nil, good("Resolved")))}, ReasonForeign, "delete it"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(t.Context(), cluster(t, tc.objects...), app(), rel)
			if err != nil || got.Digest != "" || len(got.Verdicts) != 1 {
				t.Fatalf("%+v %v", got, err)
			}
			if v := got.Verdicts[0]; v.Outcome != verdict.Unknown || v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestADigestThatIsGivenNeedsNobody(t *testing.T) {
	sd := app(func(a *v1alpha1.ArtifactSpec) { a.Image = repository + "@" + pinned })
	got, err := Read(t.Context(), cluster(t), sd, rel)
	if err != nil || got.Digest != pinned || got.Record != nil || got.Verdicts[0].Outcome != verdict.Passed || got.Verdicts[0].Evidence.Value != pinned {
		t.Errorf("%+v %v", got, err)
	}
}

func TestABuilderIsHeldToItsContract(t *testing.T) {
	for name, tc := range map[string]struct {
		conditions []batchv1.JobCondition
		code       int32
		message    string
		outcome    v1alpha1.Outcome
		says       string
	}{
		"it runs":                    {nil, 0, "", verdict.Unknown, "running"},
		"it ended without a digest":  {[]batchv1.JobCondition{complete}, 0, "done", verdict.Failed, "did not write the digest"},
		"it spoke on after a digest": {[]batchv1.JobCondition{complete}, 0, pinned + " pushed", verdict.Failed, "did not write the digest"},
		"it failed":                  {[]batchv1.JobCondition{condition(batchv1.JobFailed, "BackoffLimitExceeded")}, 1, "compile error\npassword=hunter2", verdict.Failed, "compile error password=[redacted]"},
		"it took too long":           {[]batchv1.JobCondition{condition(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded)}, 1, "still at it", verdict.Failed, "timeoutSeconds of 100"},
		"it pushed":                  {[]batchv1.JobCondition{complete}, 0, pinned + "\n", verdict.Unknown, "is resolving"},
	} {
		t.Run(name, func(t *testing.T) {
			sd := app(building())
			job := own(Builder(sd, rel), tc.conditions...)
			got, err := Read(t.Context(), cluster(t, job, podOf(job, tc.code, tc.message)), sd, rel)
			if err != nil || got.Digest != "" {
				t.Fatalf("%+v %v", got, err)
			}
			if v := got.Verdicts[0]; v.Outcome != tc.outcome || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestReadSeal(t *testing.T) {
	for name, tc := range map[string]struct {
		conditions []batchv1.JobCondition
		code       int32
		message    string
		reasons    int
		ended      bool
	}{
		"it has answered":      {nil, 0, answer("", nil, good("Resolved"), good("Attached")), 2, true},
		"it does not know":     {nil, 1, answer("", nil, wait("RegistryUnavailable", "no answer")), 1, false},
		"it never got to know": {[]batchv1.JobCondition{condition(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded)}, 1, answer("", nil, wait("RegistryUnavailable", "no answer")), 1, true},
		"it said nothing":      {[]batchv1.JobCondition{complete}, 0, "", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			job := own(Sealer(app(), rel, settings), tc.conditions...)
			got, ended, err := ReadSeal(t.Context(), cluster(t, job, podOf(job, tc.code, tc.message)), app(), rel)
			if err != nil || len(got) != tc.reasons || ended != tc.ended {
				t.Errorf("%+v, ended %t, %v", got, ended, err)
			}
		})
	}
	if got, ended, err := ReadSeal(t.Context(), cluster(t, own(Sealer(app(), rel, settings), complete)), app(), rel); err != nil || len(got) != 0 || ended {
		t.Errorf("with a pod that is read late: %v, ended %t, %v", got, ended, err)
	}
	if got, ended, err := ReadSeal(t.Context(), cluster(t), app(), rel); err != nil || got != nil || ended {
		t.Errorf("without a Job: %v, ended %t, %v", got, ended, err)
	}
}

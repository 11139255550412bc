package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func read(t *testing.T, sd *v1alpha1.SignalDeployment, objects ...client.Object) []verdict.Verdict {
	t.Helper()
	verdicts, err := Read(t.Context(), cluster(t, objects...), sd, rel, v1alpha1.StageCandidate)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

func TestAVerdictForEachCheckInItsOrder(t *testing.T) {
	other := alive
	other.Name = "other"
	lost := podOf(own, 0, ended(1, "lost"))
	got := read(t, deployment(own, other, alive), &lost,
		jobOf(own, condition(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded)), jobOf(alive, condition(batchv1.JobComplete, "")))
	want := []verdict.Verdict{
		verdict.Named(verdict.With(fail(ReasonFailed, `Check "own" failed: it ended with exit code 1 and its last words: lost`),
			verdict.Evidence{Source: "Job app-v2-3-own", Time: noon}), "own"),
		verdict.Named(wait(ReasonRunning, `Check "other" is about to start`), "other"),
		verdict.Named(verdict.With(verdict.Pass(v1alpha1.SignalSmoke, ReasonPassed, `Check "alive" passed`),
			verdict.Evidence{Source: "Job app-v2-3-alive", Time: noon}), "alive"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutChecksThereIsNoVerdict(t *testing.T) {
	if got := read(t, deployment()); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestAForeignJobDoesNotSpeak(t *testing.T) {
	for name, change := range map[string]func(*batchv1.Job){
		"of nobody":     func(j *batchv1.Job) { j.OwnerReferences = nil },
		"of a namesake": func(j *batchv1.Job) { j.OwnerReferences[0].UID = "before" },
		"only handed over": func(j *batchv1.Job) {
			j.OwnerReferences, j.Annotations = nil, map[string]string{v1alpha1.AnnotationAdopt: "app"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(alive, condition(batchv1.JobComplete, ""))
			change(job)
			got := read(t, deployment(alive), job)[0]
			if got.Outcome != verdict.Unknown || got.Reason != ReasonForeign || !strings.Contains(got.Message, "app-v2-3-alive") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Failure mode 37: what another attempt or release said is not read again.
func TestJobsOfOthersAreNotRead(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.Release){
		"another attempt": func(r *v1alpha1.Release) { r.Attempt = 4 },
		"another release": func(r *v1alpha1.Release) { r.Hash = "v3" },
	} {
		t.Run(name, func(t *testing.T) {
			next := rel
			change(&next)
			verdicts, err := Read(t.Context(), cluster(t, jobOf(alive, condition(batchv1.JobComplete, ""))), deployment(alive), next, v1alpha1.StageCandidate)
			if err != nil || verdicts[0].Outcome != verdict.Unknown || verdicts[0].Reason != ReasonRunning {
				t.Errorf("got %+v, %v", verdicts, err)
			}
		})
	}
}

// Anyone who may create pods can put our labels on one.
func TestOnlyPodsOfTheJobSpeak(t *testing.T) {
	const lie = `[{"outcome":"Failed","reason":"Lie","message":"a lie"}]`
	truth, forged, other := podOf(alive, 0, ended(0, "")), podOf(alive, 1, ended(0, lie)), podOf(own, 2, ended(0, lie))
	forged.OwnerReferences[0].UID = "another"
	unowned := podOf(alive, 3, ended(0, lie))
	unowned.OwnerReferences = nil
	elsewhere := podOf(alive, 4, ended(0, lie))
	elsewhere.Namespace = "dev"
	got := read(t, deployment(alive), jobOf(alive, condition(batchv1.JobComplete, "")), &truth, &forged, &other, &unowned, &elsewhere)[0]
	if got.Outcome != verdict.Passed {
		t.Errorf("got %+v", got)
	}
}

func TestTheLatestFinishedPodSpeaks(t *testing.T) {
	first, second, third := podOf(own, 2, ended(1, "first")), podOf(own, 3, ended(1, "second")), podOf(own, 3, ended(1, "third"))
	first.Name = "z" + first.Name
	third.Name += "z" // created in the same second as the second
	going := podOf(own, 5, running)
	got := read(t, deployment(own), jobOf(own, condition(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded)), &third, &second, &going, &first)[0]
	if !strings.Contains(got.Message, "third") {
		t.Errorf("got %+v", got)
	}
}

func TestAClusterThatDoesNotAnswerIsAnError(t *testing.T) {
	verdicts, err := Read(t.Context(), broken{cluster(t)}, deployment(alive), rel, v1alpha1.StageCandidate)
	if err == nil || verdicts != nil || err.Error() != "read Job prod/app-v2-3-alive: no answer" {
		t.Errorf("got %v, %v", verdicts, err)
	}
}

func TestAConditionThatIsNotTrueSaysNothing(t *testing.T) {
	no := condition(batchv1.JobComplete, "")
	no.Status = corev1.ConditionFalse
	if got := read(t, deployment(alive), jobOf(alive, no))[0]; got.Outcome != verdict.Unknown || got.Reason != ReasonRunning {
		t.Errorf("got %+v", got)
	}
}

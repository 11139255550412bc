package errand

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

const prober = "registry.example/prober:v1"

var (
	noon   = metav1.NewTime(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	rel    = testkit.Release("v2", func(r *v1alpha1.Release) { r.Attempt = 3 })
	ticket = v1alpha1.Gate{Name: "ticket", Job: &v1alpha1.JobGate{
		Image: "registry.example/gates:v3", Command: []string{"ask"}, Args: []string{"it"}, TimeoutSeconds: 30, Retries: 2,
		Env: []v1alpha1.CheckEnv{{Name: "LEVEL", Value: "full"}},
	}}
	keys    = v1alpha1.Gate{Name: "keys", Secret: &v1alpha1.SecretGate{Name: "web-tls", Keys: []string{"tls.crt", "tls.key"}}}
	untimed = cmpopts.IgnoreFields(verdict.Verdict{}, "Evidence")
)

func cluster(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// jobOf is the Job of a round as it is in the cluster.
func jobOf(g v1alpha1.Gate, round int, conditions ...batchv1.JobCondition) *batchv1.Job {
	sd := testkit.SignalDeployment()
	job := errand{sd, rel, g}.build(round, prober)
	job.UID = "job-uid"
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	job.Status.Conditions = conditions
	return job
}

func is(kind batchv1.JobConditionType, reason string) batchv1.JobCondition {
	return batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: noon}
}

// podOf is a pod of a Job in a state.
func podOf(job *batchv1.Job, phase corev1.PodPhase, state corev1.ContainerState) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "prod", Name: job.Name + "-pod", Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec:   job.Spec.Template.Spec,
		Status: corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "check", State: state}}},
	}
}

func leaves(code int32, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message, StartedAt: noon}}
}

func says(outcome, message string) string {
	return `{"verdicts":[{"kind":"Gate","outcome":"` + outcome + `","reason":"Said","message":"` + message + `"}]}`
}

func TestTheJobOfAGate(t *testing.T) {
	sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) { sd.Status.Stable = new(testkit.Release("v1")) })
	job := errand{sd, rel, ticket}.build(0, prober)
	pod := job.Spec.Template.Spec
	if job.Name != "app-v2-gate-ticket-3-"+(errand{sd, rel, ticket}).specified()+"-0" || *job.Spec.BackoffLimit != 2 || *job.Spec.ActiveDeadlineSeconds != 30 || *job.Spec.TTLSecondsAfterFinished != 86400 {
		t.Errorf("%s: %+v", job.Name, job.Spec)
	}
	for _, label := range []string{v1alpha1.LabelName, v1alpha1.LabelRelease} {
		if value, has := job.Spec.Template.Labels[label]; has {
			t.Errorf("a Service that selects %s=%s takes the pod for a release's", label, value)
		}
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || job.Spec.Template.Labels[LabelGates] != "app" {
		t.Errorf("labels %v, token %v", job.Spec.Template.Labels, pod.AutomountServiceAccountToken)
	}
	want := map[string]string{"SIGNAL_RELEASE": "v2", "SIGNAL_RELEASE_ID": rel.ID, "SIGNAL_VERSION": "v2", "SIGNAL_IMAGE": rel.Image, "SIGNAL_STABLE_VERSION": "v1", "LEVEL": "full"}
	got := map[string]string{}
	for _, variable := range pod.Containers[0].Env {
		got[variable.Name] = variable.Value
	}
	if diff := cmp.Diff(want, got); diff != "" || pod.Containers[0].Image != "registry.example/gates:v3" {
		t.Errorf("image %s, %s", pod.Containers[0].Image, diff)
	}
	edited := ticket
	edited.Job = ticket.Job.DeepCopy()
	edited.Job.Args = []string{"again"}
	for _, other := range []*batchv1.Job{(errand{sd, rel, ticket}).build(1, prober), (errand{sd, rel, edited}).build(0, prober), (errand{sd, testkit.Release("v2"), ticket}).build(0, prober)} {
		if other.Name == job.Name {
			t.Errorf("another round, attempt or gate has the name %s, too", job.Name)
		}
	}
}

// The files of the Secret are there, and nobody may read them.
func TestASecretIsLookedForAndNotRead(t *testing.T) {
	job := errand{testkit.SignalDeployment(), rel, keys}.build(0, prober)
	want := &corev1.SecretVolumeSource{
		SecretName: "web-tls", Optional: new(true), DefaultMode: new(int32(0)),
		Items: []corev1.KeyToPath{{Key: "tls.crt", Path: "tls.crt"}, {Key: "tls.key", Path: "tls.key"}},
	}
	c := job.Spec.Template.Spec.Containers[0]
	if diff := cmp.Diff(want, job.Spec.Template.Spec.Volumes[0].Secret); diff != "" || c.Image != prober || strings.Join(c.Args, " ") != "secret" || !c.VolumeMounts[0].ReadOnly {
		t.Errorf("%+v %s", c, diff)
	}
	last := pauses[len(pauses)-1]
	if kept := time.Duration(*job.Spec.TTLSecondsAfterFinished) * time.Second; kept <= last {
		t.Errorf("a Job is kept for %s, and the next comes after %s: what was found out is forgotten between", kept, last)
	}
}

func TestWhatAJobSays(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: noon}}
	unpullable := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}
	complete, failed, late := is(batchv1.JobComplete, ""), is(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded), is(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded)
	fail := func(format string, args ...any) verdict.Verdict {
		return verdict.Fail(v1alpha1.SignalGate, ReasonFailed, format, args...)
	}
	asked := wait(ReasonRunning, `Gate "ticket" is being asked by a Job`)
	const unread = `Gate "keys" could not find out whether there is a Secret "web-tls": `
	for name, tc := range map[string]struct {
		gate      v1alpha1.Gate
		condition *batchv1.JobCondition
		phase     corev1.PodPhase // absent: there is no pod
		state     corev1.ContainerState
		want      verdict.Verdict
	}{
		"no pod yet":            {ticket, nil, "", running, asked},
		"it runs":               {ticket, nil, corev1.PodRunning, running, asked},
		"its image is missing":  {ticket, nil, corev1.PodPending, unpullable, wait(ReasonPending, `Gate "ticket" cannot be asked yet: its image registry.example/gates:v3 cannot be pulled; check that it exists, and that the imagePullSecrets of spec.template may read it`)},
		"exit code 0":           {ticket, &complete, corev1.PodSucceeded, leaves(0, ""), verdict.Pass(v1alpha1.SignalGate, ReasonPassed, `The Job of gate "ticket" ended well`)},
		"its pod is seen later": {ticket, &complete, corev1.PodRunning, running, asked},
		"its pod is gone":       {ticket, &complete, "", running, verdict.Pass(v1alpha1.SignalGate, ReasonPassed, `The Job of gate "ticket" ended well`)},
		"it says that it passed": {
			ticket, &complete, corev1.PodSucceeded, leaves(0, says("Passed", "change 42 is approved")),
			verdict.Pass(v1alpha1.SignalGate, ReasonPassed, `The Job of gate "ticket" ended well: change 42 is approved`),
		},
		"it says that it failed": {ticket, &complete, corev1.PodSucceeded, leaves(0, says("Failed", "change 42 is refused")), fail(`Gate "ticket" refuses the release: change 42 is refused`)},
		"it does not know":       {ticket, &complete, corev1.PodSucceeded, leaves(0, says("Unknown", "change 42 is open")), wait(ReasonInconclusive, `Gate "ticket" does not know, and is asked again: change 42 is open`)},
		"it tells a secret":      {ticket, &complete, corev1.PodSucceeded, leaves(0, says("Failed", "password=hunter2")), fail(`Gate "ticket" refuses the release: password=[redacted]`)},
		"exit code 3": {
			ticket, &failed, corev1.PodFailed, leaves(3, "the answer was 42"),
			fail(`The Job of gate "ticket" failed: it ended with exit code 3 and its last words: the answer was 42; once that is mended, ask for another attempt with annotation delivery.signal.dev/retry`),
		},
		"it failed, and its pod is gone": {
			ticket, &failed, "", running,
			fail(`The Job of gate "ticket" failed: its pod is gone; see kubectl describe job -n prod %s; once that is mended, ask for another attempt with annotation delivery.signal.dev/retry`, jobOf(ticket, 0).Name),
		},
		"it took too long":   {ticket, &late, corev1.PodFailed, leaves(137, ""), fail(`The Job of gate "ticket" did not end within its timeoutSeconds of 30, retries included: raise it, or make the Job faster`)},
		"it never ran":       {ticket, &late, corev1.PodPending, unpullable, wait(ReasonInconclusive, `The Job of gate "ticket" did not start within its timeoutSeconds of 30, and is tried again: its image registry.example/gates:v3 cannot be pulled; check that it exists, and that the imagePullSecrets of spec.template may read it`)},
		"it never got a pod": {ticket, &late, "", running, wait(ReasonInconclusive, `The Job of gate "ticket" did not start within its timeoutSeconds of 30, and is tried again: it got no pod in time`)},

		"a Secret is there":          {keys, &complete, corev1.PodSucceeded, leaves(0, says("Passed", "it exists")), verdict.Pass(v1alpha1.SignalGate, ReasonSecretThere, `Secret "web-tls" exists, and has what gate "keys" asks for`)},
		"a Secret is not":            {keys, &complete, corev1.PodSucceeded, leaves(0, says("Unknown", "it does not exist, or has no key tls.key")), wait(ReasonSecretMissing, `Gate "keys" waits for Secret "web-tls": it does not exist, or has no key tls.key`)},
		"who looked says nothing":    {keys, &complete, corev1.PodSucceeded, leaves(0, ""), wait(ReasonSecretUnknown, unread+"its Job said nothing")},
		"who looked could not":       {keys, &failed, corev1.PodFailed, leaves(2, "no such mount"), wait(ReasonSecretUnknown, unread+"it ended with exit code 2 and its last words: no such mount")},
		"who looked did not in time": {keys, &late, "", running, wait(ReasonSecretUnknown, unread+"its pod is gone; see kubectl describe job -n prod %s", jobOf(keys, 0).Name)},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(tc.gate, 0)
			if tc.condition != nil {
				job.Status.Conditions = []batchv1.JobCondition{*tc.condition}
			}
			objects := []client.Object{job}
			if tc.phase != "" {
				objects = append(objects, podOf(job, tc.phase, tc.state))
			}
			said, err := Read(t.Context(), cluster(t, objects...), testkit.SignalDeployment(), rel, []v1alpha1.Gate{tc.gate, {Name: "other", Quota: &v1alpha1.QuotaGate{}}})
			want := map[string]verdict.Verdict{tc.gate.Name: verdict.Named(tc.want, tc.gate.Name)}
			if diff := cmp.Diff(want, said, untimed); diff != "" || err != nil {
				t.Error(err, diff)
			}
			if rests := said[tc.gate.Name].Evidence; rests == nil || rests.Source != "Job "+job.Name {
				t.Errorf("rests on %+v", rests)
			}
		})
	}
}

// What the Job of another owner, attempt or gate says is not believed.
func TestWhoIsNotAsked(t *testing.T) {
	for name, change := range map[string]func(*batchv1.Job){
		"of nobody":         func(j *batchv1.Job) { j.OwnerReferences = nil },
		"of a namesake":     func(j *batchv1.Job) { j.OwnerReferences[0].UID = "before" },
		"of another gate":   func(j *batchv1.Job) { j.Labels[labelGate] = "other" },
		"before an edit":    func(j *batchv1.Job) { j.Labels[labelAsked] = "0" },
		"of the last time":  func(j *batchv1.Job) { j.Labels[v1alpha1.LabelAttempt] = "2" },
		"of another's name": func(j *batchv1.Job) { j.Labels[v1alpha1.LabelName] = "web" },
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(ticket, 0, is(batchv1.JobComplete, ""))
			change(job)
			said, err := Read(t.Context(), cluster(t, job), testkit.SignalDeployment(), rel, []v1alpha1.Gate{ticket})
			if err != nil || len(said) != 0 {
				t.Errorf("said %+v, %v", said, err)
			}
		})
	}
}

// While it is asked again, what was said last counts.
func TestTheLatestAnswerCounts(t *testing.T) {
	first, second, third := jobOf(keys, 0, is(batchv1.JobComplete, "")), jobOf(keys, 1, is(batchv1.JobComplete, "")), jobOf(keys, 2)
	first.UID, second.UID, third.UID = "1", "2", "3"
	said, err := Read(t.Context(), cluster(t, first, podOf(first, corev1.PodSucceeded, leaves(0, says("Passed", ""))), third,
		second, podOf(second, corev1.PodSucceeded, leaves(0, says("Unknown", "it is gone")))), testkit.SignalDeployment(), rel, []v1alpha1.Gate{keys})
	if err != nil || said["keys"].Reason != ReasonSecretMissing || !strings.HasSuffix(said["keys"].Message, "it is gone") {
		t.Errorf("said %+v, %v", said, err)
	}
}

func TestWhenItIsAskedAgain(t *testing.T) {
	complete := is(batchv1.JobComplete, "")
	unknown := leaves(0, says("Unknown", "not yet"))
	passed := leaves(0, says("Passed", "it is"))
	for name, tc := range map[string]struct {
		gate  v1alpha1.Gate
		round int
		state *corev1.ContainerState // of the latest round's pod; absent: it has not ended, or there is none
		after time.Duration
		want  int // Jobs
	}{
		"it is still asked":            {keys, 0, nil, time.Hour, 1},
		"a Secret, a moment later":     {keys, 0, &unknown, 9 * time.Second, 1},
		"a Secret, after a while":      {keys, 0, &unknown, 10 * time.Second, 2},
		"a Secret, the fifth time":     {keys, 4, &unknown, 119 * time.Second, 1},
		"a Secret, the fifth time, on": {keys, 4, &unknown, 120 * time.Second, 2},
		"a Secret, the hundredth":      {keys, 99, &unknown, 5 * time.Minute, 2},
		"one that was there, soon":     {keys, 0, &passed, 4 * time.Minute, 1},
		"one that was there, later":    {keys, 0, &passed, 5 * time.Minute, 2},
		"a Job that does not know":     {ticket, 0, &unknown, 10 * time.Second, 2},
		"a Job that passed":            {ticket, 0, &passed, time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(tc.gate, tc.round)
			objects := []client.Object{job}
			if tc.state != nil {
				job.Status.Conditions = []batchv1.JobCondition{complete}
				objects = append(objects, podOf(job, corev1.PodSucceeded, *tc.state))
			}
			c := cluster(t, objects...)
			for range 2 { // twice is once
				if err := Ensure(t.Context(), c, testkit.SignalDeployment(), rel, []v1alpha1.Gate{tc.gate}, prober, noon.Add(tc.after)); err != nil {
					t.Fatal(err)
				}
			}
			list := &batchv1.JobList{}
			if err := c.List(t.Context(), list); err != nil || len(list.Items) != tc.want {
				t.Errorf("%d Jobs, want %d: %v", len(list.Items), tc.want, err)
			}
		})
	}
}

func TestOneThatCannotBeStartedKeepsNoOther(t *testing.T) {
	c := cluster(t)
	err := Ensure(t.Context(), c, testkit.SignalDeployment(), rel, []v1alpha1.Gate{keys, ticket}, "", noon.Time)
	list := &batchv1.JobList{}
	if listed := c.List(t.Context(), list); listed != nil || len(list.Items) != 1 || list.Items[0].Labels[labelGate] != "ticket" {
		t.Errorf("Jobs %+v, %v", list.Items, listed)
	}
	if err == nil || err.Error() != `ask gate "keys": the operator was started without --prober-image` {
		t.Errorf("error %v", err)
	}
}

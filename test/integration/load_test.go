package integration

import (
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// loaded asks for background load, and for a moment in which its account can
// come in.
func loaded(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Checks.Load.Background = &v1alpha1.BackgroundLoad{Requests: []v1alpha1.LoadRequest{{Path: "/v1/signals"}}}
	sd.Spec.Strategy.VerifySeconds, sd.Spec.Strategy.DrainSeconds = new(int32(2)), new(int32(2))
}

// loads are the Jobs that send load, by name.
func loads(t *testing.T, y *stage.Story) map[string]batchv1.Job {
	t.Helper()
	list := &batchv1.JobList{}
	if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace), client.MatchingLabels{v1alpha1.LabelCheck: "load.background"}); err != nil {
		t.Fatal(err)
	}
	all := map[string]batchv1.Job{}
	for _, job := range list.Items {
		all[job.Name] = job
	}
	return all
}

// reportOf is the report of the latest attempt, once it is written: that is
// after its end is remembered.
func reportOf(t *testing.T, y *stage.Story) string {
	t.Helper()
	cm := &corev1.ConfigMap{}
	y.Until("the report is written", func(sd *v1alpha1.SignalDeployment) bool {
		err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name + "-report"}, cm)
		return err == nil && strings.Contains(cm.Data["report.md"], sd.Status.Candidate.ID)
	})
	return cm.Data["report.md"]
}

// env is the environment of a Job's container.
func env(job batchv1.Job) map[string]string {
	all := map[string]string{}
	for _, variable := range job.Spec.Template.Spec.Containers[0].Env {
		all[variable.Name] = variable.Value
	}
	return all
}

// One Job for each attempt that asks for it, to both sides once there are two;
// it ends by itself in time for the report.
func TestBackgroundLoad(t *testing.T) {
	t.Parallel()
	counter := &stage.Counter{}
	y := on.Story(t, loaded)
	y.Operator = on.Operator(t, y.Namespace, counter.Wrap)
	y.Apply()
	y.Rest("v1 is released", stage.Succeeded)
	v1 := y.SD.Status.Stable.Hash
	first, there := loads(t, y)["app-"+v1+"-background-1"]
	if target := env(first); !there || target["SIGNAL_TARGET"] == "" || target["SIGNAL_STABLE"] != "" {
		t.Fatalf("of the first release: %v", target)
	}
	counter.Reset()
	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v1 })
	costs := map[string]int{}
	for _, call := range counter.Calls() {
		costs[call.Kind+" "+call.Verb]++
	}
	if costs["jobs create"] != 3+1 || costs["services apply"] != 2+1 { // more than without, by one each
		t.Errorf("it costs %v", costs)
	}
	all := loads(t, y)
	second, there := all["app-"+y.SD.Status.Stable.Hash+"-background-1"]
	target := env(second)
	if !there || len(all) != 2 || target["SIGNAL_STABLE"] == "" || target["SIGNAL_STABLE"] == target["SIGNAL_TARGET"] || target["SIGNAL_RELEASE_ID"] != y.SD.Status.Stable.ID {
		t.Errorf("%d Jobs; of the second release: %v", len(all), target)
	}
	if all["app-"+v1+"-background-1"].ResourceVersion == "" || second.Status.Succeeded != 1 {
		t.Errorf("it has not ended by itself: %+v", second.Status)
	}
	if report := reportOf(t, y); !strings.Contains(report, "Synthetic requests were sent, until the canary Service took no more connections") {
		t.Errorf("the report has no account:\n%s", report)
	}
	v2 := y.SD.Status.Stable.Hash
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Load.Background = nil }) // which releases nothing
	y.Ask("v3")
	y.Rest("v3 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v2 })
	if all := loads(t, y); len(all) != 2 || len(y.SD.Status.History) != 3 {
		t.Errorf("it was not asked for again: %d Jobs, %d releases", len(all), len(y.SD.Status.History))
	}
}

// It is told, and nothing else, that there was no load, whatever kept it away.
func TestBackgroundLoadThatCannotBeSentHoldsNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hinder func(*testing.T, *stage.Story)
		want   string
	}{
		"its image cannot be pulled": {func(_ *testing.T, y *stage.Story) { y.World.Misbehave(y.Namespace, stage.Faults{Job: "nopull"}) }, "cannot be pulled"},
		"admission refuses it":       {refuseLoad, "No background load was sent: create Job"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := on.Story(t, func(sd *v1alpha1.SignalDeployment) { loaded(sd); sd.Spec.Checks.Smoke = nil }).Begin()
			tc.hinder(t, y)
			v1 := y.SD.Status.Stable.Hash
			y.Ask("v2")
			y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v1 })
			if report := reportOf(t, y); !strings.Contains(report, tc.want) {
				t.Errorf("the report does not say %q:\n%s", tc.want, report)
			}
		})
	}
}

// refuseLoad has the API server refuse the Jobs of load in the story's
// namespace, and waits until it does.
func refuseLoad(t *testing.T, y *stage.Story) {
	t.Helper()
	fail := admissionv1.Fail
	name := "no-load-" + y.Namespace
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: &fail,
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Create},
			Rule:       admissionv1.Rule{APIGroups: []string{"batch"}, APIVersions: []string{"v1"}, Resources: []string{"jobs"}},
		}}}},
		Validations: []admissionv1.Validation{{Expression: `object.metadata.?labels['delivery.signal.dev/check'].orValue('') != 'load.background'`, Message: "no load here"}},
	}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		MatchResources: &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: y.Namespace}}},
	}}
	for _, object := range []client.Object{policy, binding} {
		if err := y.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	tried := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: "tried", Labels: map[string]string{v1alpha1.LabelCheck: "load.background"}},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "a", Image: "a"}},
		}}},
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err := y.Client.Create(t.Context(), tried.DeepCopy(), client.DryRunAll); err != nil {
			if !strings.Contains(err.Error(), "no load here") {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the policy never came into force")
}

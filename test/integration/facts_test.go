package integration

import (
	"context"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

func gates(all ...v1alpha1.Gate) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) { sd.Spec.Gates = all }
}

func TestASecretIsWaitedFor(t *testing.T) {
	t.Parallel()
	y := on.Story(t, gates(v1alpha1.Gate{Name: "keys", Secret: &v1alpha1.SecretGate{Name: "web-tls", Keys: []string{"tls.crt", "tls.key"}}}))
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("it says what there is not", stage.Because("SecretMissing"))
	if got := y.SD.Status.Rollout.Message; got != `Gate "keys" waits for Secret "web-tls": it does not exist, or has no key tls.crt, tls.key` || deployments(y) != 0 {
		t.Errorf("%d deployments, says %s", deployments(y), got)
	}
	create(y, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "web-tls"}, Data: map[string][]byte{"tls.crt": []byte("hunter2"), "tls.key": []byte("hunter2")}})
	y.Rest("v1 is released", stage.Succeeded)
	if !remembered(y.SD, v1alpha1.OutcomePassed, "keys", "SecretThere") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
}

// crd of one plural in a group of the story's own.
func crd(y *stage.Story) *unstructured.Unstructured {
	group := y.Namespace + ".example.com"
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgets." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "widgets", "kind": "Widget"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}},
		},
	}}
}

func TestACRDIsWaitedFor(t *testing.T) {
	t.Parallel()
	y := on.Story(t)
	widgets := crd(y)
	gates(
		v1alpha1.Gate{Name: "widgets", CRD: &v1alpha1.CRDGate{Name: widgets.GetName()}},
		v1alpha1.Gate{Name: "in-v1", CRD: &v1alpha1.CRDGate{Name: widgets.GetName(), Version: "v1"}},
		v1alpha1.Gate{Name: "routes", CRD: &v1alpha1.CRDGate{Name: "httproutes.gateway.networking.k8s.io", Version: "v1"}},
	)(y.SD)
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("it waits for the CRD", stage.Because("GatesClosed"))
	if got := y.SD.Status.Rollout.Message; !strings.HasPrefix(got, "2 gates are closed: ") || strings.Contains(got, "routes") || deployments(y) != 0 {
		t.Errorf("%d deployments, says %s", deployments(y), got)
	}
	if err := y.Client.Create(t.Context(), widgets); err != nil {
		t.Fatal(err)
	}
	y.Rest("v1 is released", stage.Succeeded)
	if !remembered(y.SD, v1alpha1.OutcomePassed, "in-v1", "CRDEstablished") || !remembered(y.SD, v1alpha1.OutcomeUnknown, "in-v1", "CRDMissing") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
}

// A Job of the user's runs once everything else is open. That it fails ends the
// attempt; the next one asks again.
func TestAJobOfTheUsersDecides(t *testing.T) {
	t.Parallel()
	y := on.Story(t, gates(
		v1alpha1.Gate{Name: "flags", ConfigMap: &v1alpha1.ConfigMapGate{Name: "flags"}},
		v1alpha1.Gate{Name: "pre-flight", Job: &v1alpha1.JobGate{Image: "registry.example/acme/gates:v1", TimeoutSeconds: 60}},
	))
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "fail"})
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("both are told", stage.Because("GatesClosed"))
	asked := func() int {
		list := &batchv1.JobList{}
		if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace), client.MatchingLabels{"delivery.signal.dev/gate": "pre-flight"}); err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	if n := asked(); n != 0 {
		t.Errorf("%d Jobs run while another gate is closed", n)
	}
	create(y, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "flags"}})
	y.Rest("v1 does not start", stage.In(v1alpha1.PhaseFailed))
	if got := y.SD.Status.Rollout; got.Reason != "JobFailed" || !strings.Contains(got.Message, "the answer was 42") || deployments(y) != 0 || asked() != 1 {
		t.Errorf("%d deployments, %d Jobs, %s: %s", deployments(y), asked(), got.Reason, got.Message)
	}
	y.World.Misbehave(y.Namespace, stage.Faults{})
	y.Annotate(v1alpha1.AnnotationRetry, "again")
	y.Rest("the next attempt is released", stage.Succeeded)
	if !remembered(y.SD, v1alpha1.OutcomePassed, "pre-flight", "JobPassed") || asked() != 2 {
		t.Errorf("%d Jobs, verdicts %+v", asked(), y.SD.Status.Rollout.Verdicts)
	}
}

func TestNodesMustBeReadyAndHaveRoom(t *testing.T) {
	t.Parallel()
	y := on.Story(t, gates(v1alpha1.Gate{Name: "cluster", Nodes: &v1alpha1.NodesGate{}}), func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	})
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: y.Namespace}}
	state := func(ready corev1.ConditionStatus, cpu string) {
		t.Helper()
		before := node.DeepCopy()
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourcePods: resource.MustParse("110"), corev1.ResourceCPU: resource.MustParse(cpu)}
		if err := y.Client.Status().Patch(t.Context(), node, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	if err := y.Client.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := y.Client.Delete(context.WithoutCancel(y.Context()), node); err != nil {
			t.Error(err)
		}
	})
	// The API server taints a new node until its controller, which does not run here, knows that it is ready.
	before := node.DeepCopy()
	node.Spec.Taints = nil
	if err := y.Client.Patch(t.Context(), node, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	state(corev1.ConditionUnknown, "1")
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("it waits for the node", stage.Because("NodesNotReady"))
	state(corev1.ConditionTrue, "1")
	y.Until("it waits for room", stage.Because("NodesFull"))
	if deployments(y) != 0 {
		t.Errorf("%d deployments", deployments(y))
	}
	state(corev1.ConditionTrue, "64")
	y.Rest("v1 is released", stage.Succeeded)
	if !remembered(y.SD, v1alpha1.OutcomePassed, "cluster", "NodeRoom") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
}

// Without a metric server, what serves is listened to before the release starts.
func TestAlertsAreHeardBeforeTheStart(t *testing.T) {
	t.Parallel()
	y := on.Story(t, unserved, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Groups[0].Rules[0].For = "18s" })
	y.Pods.Expose(y.Namespace, "", "broken 0\n")
	y.Begin()
	y.Change(gates(v1alpha1.Gate{Name: "quiet", Alerts: &v1alpha1.AlertsGate{}}))
	y.Pods.Expose(y.Namespace, y.SD.Status.Stable.Hash, "broken 1\n")
	y.Ask("v2")
	y.Until("it listens", stage.Because("AlertsUnknown"))
	y.Until("it has heard", stage.Because("AlertsFiring"))
	if got := y.SD.Status.Rollout.Message; got != `Gate "quiet" waits for alerts to stop firing: Broken` || deployments(y) != 1 {
		t.Errorf("%d deployments, says %s", deployments(y), got)
	}
	y.Pods.Expose(y.Namespace, y.SD.Status.Stable.Hash, "broken 0\n")
	y.Rest("v2 is released", stage.Succeeded)
	if !remembered(y.SD, v1alpha1.OutcomePassed, "quiet", "AlertsQuiet") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
}

// v1 has failed half of its requests: nothing is left of the day's budget. The
// first release had none to spend.
func TestABudgetHasToBeLeft(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Analysis.SLOs = []v1alpha1.SLO{objective("publish")}
		sd.Spec.Gates = []v1alpha1.Gate{{Name: "budget", ErrorBudget: &v1alpha1.ErrorBudgetGate{SLO: "publish"}}}
	}).Begin()
	if !remembered(y.SD, v1alpha1.OutcomePassed, "budget", "BudgetUntouched") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
	y.Ask("v2")
	y.Until("nobody knows anything", stage.Because("BudgetUnknown"))
	y.Answer(y.SD.Status.Stable.Hash, 100, 100)
	y.Until("nothing is left", func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Reason == "BudgetSpent" })
	if got := y.SD.Status.Rollout.Message; got != `Gate "budget" waits for error budgets to recover: objective "publish" has less than 10 % left` || deployments(y) != 1 {
		t.Errorf("%d deployments, says %s", deployments(y), got)
	}
	y.Change(gates())
	y.Rest("v2 is released past its budget", stage.Succeeded)
}

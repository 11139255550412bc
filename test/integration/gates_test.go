package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// frozen for a while from now on.
func frozen(lasts time.Duration) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) {
		now := time.Now()
		sd.Spec.Gates = []v1alpha1.Gate{{Name: "calendar", Freezes: []v1alpha1.Freeze{{
			Name: "sale", StartTime: metav1.NewTime(now.Add(-time.Minute)), EndTime: metav1.NewTime(now.Add(lasts)),
		}}}}
	}
}

// remembered reports whether a verdict of a gate is remembered.
func remembered(sd *v1alpha1.SignalDeployment, outcome v1alpha1.Outcome, name, reason string) bool {
	return slices.ContainsFunc(sd.Status.Rollout.Verdicts, func(v v1alpha1.Verdict) bool {
		return v.Kind == v1alpha1.SignalGate && v.Outcome == outcome && v.Name == name && v.Reason == reason
	})
}

// deployments that there are.
func deployments(y *stage.Story) int {
	list := &appsv1.DeploymentList{}
	if err := y.Client.List(y.Context(), list, client.InNamespace(y.Namespace)); err != nil {
		y.Fatal(err)
	}
	return len(list.Items)
}

func TestAFreezeIsWaitedForAndHoldsNoWayBack(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.Change(frozen(15 * time.Second))
	y.Ask("v2")
	y.Until("it says what it waits for", stage.Because("Frozen"))
	open := meta.FindStatusCondition(y.SD.Status.Conditions, v1alpha1.ConditionGatesOpen)
	if open == nil || open.Status != metav1.ConditionUnknown || open.Reason != "Frozen" || deployments(y) != 1 {
		t.Errorf("%d deployments, condition %+v", deployments(y), open)
	}
	y.Rest("v2 is released once the freeze is over", stage.Succeeded)
	if !meta.IsStatusConditionTrue(y.SD.Status.Conditions, v1alpha1.ConditionGatesOpen) ||
		!remembered(y.SD, v1alpha1.OutcomeUnknown, "calendar", "Frozen") || !remembered(y.SD, v1alpha1.OutcomePassed, "calendar", "NoFreeze") {
		t.Errorf("conditions %+v, verdicts %+v", y.SD.Status.Conditions, y.SD.Status.Rollout.Verdicts)
	}
	y.Change(frozen(time.Hour))
	y.AskAgain("v1")
	y.Rest("v1 serves again, freeze or not", stage.Succeeded)
	if !remembered(y.SD, v1alpha1.OutcomePassed, "", "NotAsked") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
}

func TestEveryClosedGateIsTold(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = []v1alpha1.Gate{
			{Name: "database", Service: &v1alpha1.ServiceGate{Name: "postgres"}},
			{Name: "flags", ConfigMap: &v1alpha1.ConfigMapGate{Name: "flags"}},
			{Name: "alone", Group: &v1alpha1.GroupGate{Name: "shop"}},
		}
	})
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("it says all that it waits for", stage.Because("GatesClosed"))
	const want = `2 gates are closed: Gate "database" waits for Service "postgres" to have 1 ready endpoints; Gate "flags" waits for ConfigMap "flags", which does not exist`
	if got := y.SD.Status.Rollout.Message; got != want || deployments(y) != 0 {
		t.Errorf("%d deployments, says %s", deployments(y), got)
	}
	create(y, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "flags"}})
	y.Until("it waits for the other", stage.Because("ServiceNotReady"))
	create(y, &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "postgres-1", Labels: map[string]string{discoveryv1.LabelServiceName: "postgres"}},
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.1"}}},
	})
	y.Rest("v1 is released", stage.Succeeded)
	for _, reason := range []string{"ServiceReady", "ConfigMapThere", "GroupFree"} {
		if !slices.ContainsFunc(y.SD.Status.Rollout.Verdicts, func(v v1alpha1.Verdict) bool { return v.Reason == reason && v.Name != "" }) {
			t.Errorf("%s is not remembered: %+v", reason, y.SD.Status.Rollout.Verdicts)
		}
	}
}

func create(y *stage.Story, object client.Object) {
	y.Helper()
	object.SetNamespace(y.Namespace)
	if err := y.Client.Create(y.Context(), object); err != nil {
		y.Fatal(err)
	}
}

func TestATypoFailsBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = []v1alpha1.Gate{{Name: "template", Template: &v1alpha1.TemplateGate{}}}
	}).Begin()
	if !remembered(y.SD, v1alpha1.OutcomePassed, "template", "TemplateAccepted") {
		t.Errorf("verdicts %+v", y.SD.Status.Rollout.Verdicts)
	}
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "no-such-volume", MountPath: "/data"}}
	})
	y.Rest("v1 with a typo is refused", stage.In(v1alpha1.PhaseFailed))
	if got := y.SD.Status.Rollout; got.Reason != "TemplateRefused" || !strings.Contains(got.Message, "no-such-volume") || deployments(y) != 1 {
		t.Errorf("%d deployments, %s: %s", deployments(y), got.Reason, got.Message)
	}
}

func TestAGateIsApproved(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = []v1alpha1.Gate{
			{Name: "board", Approval: &v1alpha1.ApprovalGate{}},
			{Name: "quiet", Alerts: &v1alpha1.AlertsGate{}},
			{Name: "ticket", Expression: &v1alpha1.ExpressionGate{Rule: `object.metadata.annotations["ticket"] != ""`}},
		}
	})
	y.Prometheus.Fire(y.Namespace, "Broken", map[string]string{"severity": "critical", "namespace": y.Namespace})
	y.Ask("v2")
	y.Until("all is told", func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Reason == "GatesClosed" && strings.HasPrefix(sd.Status.Rollout.Message, "3 gates are closed")
	})
	y.Annotate(v1alpha1.AnnotationApprove, y.SD.Status.Candidate.ID+"/board")
	y.Until("the approval is remembered", func(sd *v1alpha1.SignalDeployment) bool {
		return remembered(sd, v1alpha1.OutcomePassed, "board", "Approved")
	})
	y.Annotate(v1alpha1.AnnotationApprove, "")
	y.Annotate("ticket", "42")
	y.Until("only alerts are waited for", stage.Because("AlertsFiring"))
	y.Prometheus.Fire(y.Namespace, "Broken", nil)
	y.Rest("v2 is released", stage.Succeeded)
}

func TestAQuotaHasToHaveRoom(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	}).Begin()
	few := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "few"}, Spec: corev1.ResourceQuotaSpec{Hard: pods(1000)}}
	create(y, few)
	count := func(free int64) { // as the quota controller, which does not run here
		before := few.DeepCopy()
		few.Status = corev1.ResourceQuotaStatus{Hard: pods(1000), Used: pods(1000 - free)}
		if err := y.Client.Status().Patch(t.Context(), few, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	count(2) // the Job that resolves the image takes one
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = []v1alpha1.Gate{{Name: "room", Quota: &v1alpha1.QuotaGate{}}}
	})
	y.Ask("v2")
	y.Until("it waits for room", stage.Because("QuotaFull"))
	if deployments(y) != 1 {
		t.Errorf("%d deployments", deployments(y))
	}
	count(900)
	y.Rest("v2 is released", stage.Succeeded)
}

func pods(n int64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(n, resource.DecimalSI)}
}

func inShop(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Gates = []v1alpha1.Gate{{Name: "one-at-a-time", Group: &v1alpha1.GroupGate{Name: "shop"}}}
}

func TestOneReleaseOfAGroupAtATime(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(60), inShop).BeginHolding(t)
	other := stage.SignalDeployment(y.Namespace, y.SD.Spec.Artifact.Image)
	other.Name, other.Spec.Traffic, other.Spec.Strategy.Steps = "cart", v1alpha1.TrafficSpec{}, nil
	inShop(other)
	create(y, other)
	cart := func(what string, holds stage.Condition) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !holds(other); time.Sleep(50 * time.Millisecond) {
			if err := y.Client.Get(t.Context(), client.ObjectKeyFromObject(other), other); err != nil || time.Now().After(deadline) {
				t.Fatalf("waited for: %s: %v: %s: %s", what, err, other.Status.Phase, other.Status.Rollout.Message)
			}
		}
	}
	cart("it waits for the release of app", stage.Because("GroupBusy"))
	y.Annotate(v1alpha1.AnnotationAbort, "now")
	y.Until("app has turned back", stage.RolledBack)
	cart("it is let go", stage.In(v1alpha1.PhaseSucceeded))
	if ended := y.SD.Status.Rollout.EndTime; other.Status.Rollout.Timeline == nil || startedBefore(other, ended) {
		t.Errorf("cart started before app ended at %s: %+v", ended, other.Status.Rollout.Timeline)
	}
}

// startedBefore reports whether pods were started before the time.
func startedBefore(sd *v1alpha1.SignalDeployment, end metav1.Time) bool {
	return slices.ContainsFunc(sd.Status.Rollout.Timeline, func(e v1alpha1.TimelineEntry) bool {
		return e.Phase == v1alpha1.PhaseStaging && e.Time.Before(&end)
	})
}

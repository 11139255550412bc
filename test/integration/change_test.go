package integration

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/stage"
)

func TestFailureMode22ASecondReleaseBeforeTheFirstHasEnded(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Change(stage.Hold(0))
	y.Ask("v3")
	y.Rest("v3 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Candidate.Version == "v3-"+y.Namespace
	})
	if got := y.SD.Status.History[1].Result; got != v1alpha1.ResultSuperseded {
		t.Errorf("v2 ended as %s", got)
	}
}

func TestFailureMode35TheOldManifestTurnsBack(t *testing.T) {
	t.Parallel()
	y, stable := begun(t)
	y.AskAgain("v1")
	y.Rest("v1 serves again", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Candidate.Hash == stable
	})
	if got := y.SD.Status.History[0].Result; got != v1alpha1.ResultReverted {
		t.Errorf("v2 ended as %s", got)
	}
	if y.SD.Status.Reason != "Reverted" {
		t.Errorf("reason %s", y.SD.Status.Reason)
	}
}

func TestFailureMode23ReplicasAndTemplateChangeTogetherWhilePaused(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Paused = true })
	y.Until("it is paused", stage.Because("Paused"))
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		stage.Hold(0)(sd)
		sd.Spec.Paused, sd.Spec.Replicas = false, new(int32(3))
		sd.Spec.Template.Labels = map[string]string{"new": "label"}
	})
	y.Rest("the new release serves with three pods", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.ReadyReplicas == 3
	})
}

// An autoscaler goes through /scale while steps are made: neither side falls,
// and spec.replicas is never written by the operator.
func TestFailureMode10AnAutoscalerDuringSteps(t *testing.T) {
	t.Parallel()
	y, stable := begun(t)
	for _, replicas := range []int32{6, 2} {
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
		y.Read()
		if err := y.Client.SubResource("scale").Update(t.Context(), y.SD, client.WithSubResourceBody(scale)); err != nil {
			t.Fatal(err)
		}
		y.Until("the stable side has as many pods, or more", func(sd *v1alpha1.SignalDeployment) bool {
			d := &appsv1.Deployment{}
			if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.DeploymentName(stage.Name, stable)}, d); err != nil {
				t.Fatal(err)
			}
			return d.Status.ReadyReplicas == 6 && *sd.Spec.Replicas == replicas
		})
	}
	if y.SD.Status.Selector != "delivery.signal.dev/name=app,delivery.signal.dev/release="+stable {
		t.Errorf("selector %q", y.SD.Status.Selector)
	}
}

// configured is a service that reads the ConfigMap settings.
func configured(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
}

func settingsOf(y *stage.Story) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: "settings"}, Data: map[string]string{"level": "one"}}
}

// Configuration goes back with the image: each release has its own copy.
func TestConfigurationBelongsToTheRelease(t *testing.T) {
	t.Parallel()
	y := on.Story(t, configured)
	y.Operator = on.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("the missing ConfigMap is named", stage.Because("ConfigMapMissing"))
	settings := settingsOf(y)
	if err := y.Client.Create(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	y.Rest("the first release serves", stage.Succeeded)
	first := y.SD.Status.Stable.Hash

	settings.Data["level"] = "two"
	if err := y.Client.Update(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	y.Rest("changed content is a new release", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Hash != first
	})
	for hash, want := range map[string]string{first: "one", y.SD.Status.Stable.Hash: "two"} {
		cm := &corev1.ConfigMap{}
		if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.ConfigName(stage.Name, hash, "settings")}, cm); err != nil {
			t.Fatal(err)
		}
		if cm.Data["level"] != want || cm.Immutable == nil || !*cm.Immutable {
			t.Errorf("copy of %s: %v, immutable %v", hash, cm.Data, cm.Immutable)
		}
	}
}

// A second actor writes labels all the time.
func TestFailureMode21AnotherActorWritesToo(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			sd := &v1alpha1.SignalDeployment{}
			if y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, sd) != nil {
				continue
			}
			before := sd.DeepCopy()
			sd.Labels = map[string]string{"count": time.Duration(n).String()}
			_ = y.Client.Patch(t.Context(), sd, client.MergeFrom(before)) // losing a race is the point
		}
	}()
	first := y.SD.Status.Stable.Hash
	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != first })
	close(done)
	<-stopped
}

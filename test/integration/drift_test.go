package integration

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/stage"
)

// What someone edits or deletes is put back, and told.
func TestDriftIsCorrected(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do    []string // by kubectl; RUN is the name of the Deployment that serves
		whole func(*appsv1.Deployment, *corev1.Service, string) bool
	}{
		"an edited template": {
			[]string{"set", "env", "deployment/RUN", "DEBUG=true"},
			func(d *appsv1.Deployment, _ *corev1.Service, _ string) bool {
				return len(d.Spec.Template.Spec.Containers) == 1 && len(d.Spec.Template.Spec.Containers[0].Env) == 0
			},
		},
		"a deleted Deployment": {
			[]string{"delete", "deployment/RUN"},
			func(d *appsv1.Deployment, _ *corev1.Service, _ string) bool { return d.Status.ReadyReplicas > 0 },
		},
		"an edited selector": {
			[]string{"set", "selector", "service/" + stage.Name, "app=other"},
			func(_ *appsv1.Deployment, s *corev1.Service, hash string) bool {
				return s.Spec.Selector[v1alpha1.LabelRelease] == hash
			},
		},
		"a deleted Service": {
			[]string{"delete", "service/" + stage.Name},
			func(_ *appsv1.Deployment, s *corev1.Service, hash string) bool {
				return s.Spec.Selector[v1alpha1.LabelRelease] == hash
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := on.Story(t).Begin()
			y.Rest("v1 is at rest", stage.Succeeded)
			hash := y.SD.Status.Stable.Hash
			run := release.DeploymentName(stage.Name, hash)
			for i, word := range tc.do {
				tc.do[i] = strings.ReplaceAll(word, "RUN", run)
			}
			if out, err := y.Kubectl(tc.do...); err != nil {
				t.Fatal(out, err)
			}
			y.Rest("the drift is told, and gone", func(sd *v1alpha1.SignalDeployment) bool {
				d, s := &appsv1.Deployment{}, &corev1.Service{}
				gone := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: run}, d) != nil ||
					y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, s) != nil
				told := slices.ContainsFunc(sd.Status.Rollout.Verdicts, func(v v1alpha1.Verdict) bool { return v.Reason == "DriftCorrected" })
				return !gone && stage.Succeeded(sd) && told && tc.whole(d, s, hash)
			})
			cm := &corev1.ConfigMap{}
			if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.ReportName(stage.Name)}, cm); err != nil {
				t.Fatal(err)
			}
			if text := cm.Data["report.md"]; !strings.Contains(text, "DriftCorrected") {
				t.Errorf("the report does not tell:\n%s", text)
			}
		})
	}
}

// The copy of a ConfigMap that serving pods need is made again: else the next
// pod could not start.
func TestADeletedCopyIsMadeAgain(t *testing.T) {
	t.Parallel()
	y := on.Story(t, configured)
	if err := y.Client.Create(t.Context(), settingsOf(y)); err != nil {
		t.Fatal(err)
	}
	y.Begin().Rest("v1 is at rest", stage.Succeeded)
	copied := release.ConfigName(stage.Name, y.SD.Status.Stable.Hash, "settings")
	if out, err := y.Kubectl("delete", "configmap/"+copied); err != nil {
		t.Fatal(out, err)
	}
	y.Rest("the copy is there again", func(*v1alpha1.SignalDeployment) bool {
		cm := &corev1.ConfigMap{}
		err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: copied}, cm)
		return err == nil && cm.Data["level"] == "one"
	})
}

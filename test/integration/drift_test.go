package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// settle waits until the release that serves is at rest and its drift told.
func settle(y *stage.Story, reason string, whole func() bool) {
	y.Helper()
	y.Rest("the drift is told", func(sd *v1alpha1.SignalDeployment) bool {
		return whole() && slices.ContainsFunc(sd.Status.Rollout.Verdicts, func(v v1alpha1.Verdict) bool { return v.Reason == reason })
	})
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(y.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.ReportName(stage.Name)}, cm); err != nil {
		y.Fatal(err)
	}
	if text := cm.Data["report.md"]; !strings.Contains(text, reason) {
		y.Errorf("the report does not tell:\n%s", text)
	}
}

// What a release is made of is frozen: its copies of ConfigMaps and its manifest
// are put back when someone deletes or replaces them, by which they may have
// meant to change what the next pod runs with, and so are the labels.
func TestWhatIsFrozenIsPutBack(t *testing.T) {
	t.Parallel()
	type frozen struct{ copied, manifest, run string }
	for name, tc := range map[string]struct {
		do    func(*stage.Story, frozen) error
		whole func(*stage.Story, frozen) bool
	}{
		"a copy is deleted": {
			func(y *stage.Story, f frozen) error { return replace(y, f.copied, nil) },
			func(y *stage.Story, f frozen) bool { return says(y, f.copied, "level", "one") },
		},
		"a copy is replaced": {
			func(y *stage.Story, f frozen) error {
				return replace(y, f.copied, func(cm *corev1.ConfigMap) { cm.Data["level"] = "forged" })
			},
			func(y *stage.Story, f frozen) bool { return says(y, f.copied, "level", "one") },
		},
		"the manifest is deleted": {
			func(y *stage.Story, f frozen) error { return replace(y, f.manifest, nil) },
			func(y *stage.Story, f frozen) bool {
				return says(y, f.manifest, release.ManifestKey, y.SD.Status.Stable.Digest)
			},
		},
		"the manifest is replaced": {
			func(y *stage.Story, f frozen) error {
				return replace(y, f.manifest, func(cm *corev1.ConfigMap) { cm.Data[release.ManifestKey] = "{}" })
			},
			func(y *stage.Story, f frozen) bool {
				return says(y, f.manifest, release.ManifestKey, y.SD.Status.Stable.Digest)
			},
		},
		"a label is edited": {
			func(y *stage.Story, f frozen) error {
				out, err := y.Kubectl("label", "--overwrite", "deployment/"+f.run, v1alpha1.LabelRelease+"=other")
				if err != nil {
					return fmt.Errorf("%s: %w", out, err)
				}
				return nil
			},
			func(y *stage.Story, f frozen) bool {
				d := &appsv1.Deployment{}
				err := y.Client.Get(y.Context(), types.NamespacedName{Namespace: y.Namespace, Name: f.run}, d)
				return err == nil && d.Labels[v1alpha1.LabelRelease] == y.SD.Status.Stable.Hash
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y, f := on.Story(t, configured), frozen{}
			if err := y.Client.Create(t.Context(), settingsOf(y)); err != nil {
				t.Fatal(err)
			}
			y.Begin().Rest("v1 is at rest", stage.Succeeded)
			stable := *y.SD.Status.Stable
			f.copied, f.manifest = release.ConfigName(stage.Name, stable.Hash, "settings"), release.ManifestName(stage.Name, stable)
			f.run = release.DeploymentName(stage.Name, stable.Hash)
			if err := tc.do(y, f); err != nil {
				t.Fatal(err)
			}
			settle(y, "DriftCorrected", func() bool { return tc.whole(y, f) })
		})
	}
}

// The copy that serving pods need is made again also when the spec asks for
// something else by now; once its content is nowhere any more, that is told.
func TestACopyOfWhatTheSpecHasLeft(t *testing.T) {
	t.Parallel()
	y := on.Story(t, configured)
	settings := settingsOf(y)
	if err := y.Client.Create(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	y.Begin()
	copied := release.ConfigName(stage.Name, y.SD.Status.Stable.Hash, "settings")
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "fail"})
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	if err := replace(y, copied, nil); err != nil {
		t.Fatal(err)
	}
	settle(y, "DriftCorrected", func() bool { return says(y, copied, "level", "one") })

	settings.Data["level"] = "two" // which asks for another release, that fails as well
	if err := y.Client.Update(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	asked := y.SD.Status.Candidate.Asked
	y.Rest("it has failed again", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Failed(sd) && sd.Status.Candidate.Asked != asked
	})
	if err := replace(y, copied, nil); err != nil {
		t.Fatal(err)
	}
	settle(y, "DriftRemains", func() bool { return true })
}

// replace deletes a ConfigMap, and makes another one of its name and owner.
func replace(y *stage.Story, name string, forge func(*corev1.ConfigMap)) error {
	y.Helper()
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(y.Context(), types.NamespacedName{Namespace: y.Namespace, Name: name}, cm); err != nil {
		return err
	}
	if err := y.Client.Delete(y.Context(), cm); err != nil || forge == nil {
		return err
	}
	forge(cm)
	cm.ResourceVersion, cm.UID = "", ""
	err := y.Client.Create(y.Context(), cm)
	if apierrors.IsAlreadyExists(err) { // the operator was faster
		return replace(y, name, forge)
	}
	return err
}

func says(y *stage.Story, name, key, word string) bool {
	cm := &corev1.ConfigMap{}
	err := y.Client.Get(y.Context(), types.NamespacedName{Namespace: y.Namespace, Name: name}, cm)
	return err == nil && strings.Contains(cm.Data[key], word) && cm.Immutable != nil && *cm.Immutable
}

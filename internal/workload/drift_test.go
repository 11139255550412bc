package workload

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

func settings(level string) release.Inputs {
	return release.Inputs{Configs: release.Configs{"settings": {Data: map[string]string{"level": level}}}}
}

// serves is a release that serves, with all that it is made of.
func serves(t *testing.T) (client.Client, *v1alpha1.SignalDeployment, v1alpha1.Release) {
	t.Helper()
	sd := deployment()
	rel := v1alpha1.Release{
		ID: "v1-prod", Image: "registry:5000/team/app:v1", Digest: digest, Attempt: 1, Hash: release.Hash(&sd.Spec, settings("1"), digest),
	}
	sd.Status.Stable = &rel
	c := fake.NewClientBuilder().Build()
	if err := Start(t.Context(), c, sd, rel, settings("1"), 1); err != nil {
		t.Fatal(err)
	}
	return c, sd, rel
}

func change[T client.Object](t *testing.T, c client.Client, name string, object T, do func(T)) {
	t.Helper()
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: name}, object); err != nil {
		t.Fatal(err)
	}
	if do == nil {
		if err := c.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := c.Delete(t.Context(), object); err != nil { // what is immutable is replaced
		t.Fatal(err)
	}
	do(object)
	object.SetResourceVersion("")
	if err := c.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// all is everything there is, without versions.
func all(t *testing.T, c client.Client) map[string]any {
	t.Helper()
	var configs corev1.ConfigMapList
	var deployments appsv1.DeploymentList
	if err := errors.Join(c.List(t.Context(), &configs), c.List(t.Context(), &deployments)); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, cm := range configs.Items {
		cm.ResourceVersion = ""
		out["ConfigMap "+cm.Name] = cm
	}
	for _, d := range deployments.Items {
		d.ResourceVersion = ""
		out["Deployment "+d.Name] = d
	}
	return out
}

// What someone did to a release's own objects is told, and put back as far as
// there is something to put it back from.
func TestDrift(t *testing.T) {
	_, _, rel := serves(t)
	copied, manifest, run := "app-"+rel.Hash+"-settings", "app-manifest-"+rel.Hash, "app-"+rel.Hash
	config := func(name string, do func(*corev1.ConfigMap)) func(*testing.T, client.Client) {
		return func(t *testing.T, c client.Client) {
			t.Helper()
			change(t, c, name, &corev1.ConfigMap{}, do)
		}
	}
	another := func(sd *v1alpha1.SignalDeployment) { sd.Spec.Template.Labels = map[string]string{"moved": "on"} }
	for name, tc := range map[string]struct {
		do    func(*testing.T, client.Client)
		spec  func(*v1alpha1.SignalDeployment)
		now   string // what the ConfigMap that was copied says by now; 1 is what was copied
		tells string
		stays bool // it cannot be put back
	}{
		"nothing":                      {do: func(*testing.T, client.Client) {}},
		"nothing, and the spec moved":  {do: func(*testing.T, client.Client) {}, spec: another, now: "2"},
		"a copy is deleted":            {do: config(copied, nil), tells: "DriftCorrected Someone deleted ConfigMap " + copied + ", which v1-prod runs with: it is made again"},
		"and the spec has moved on":    {do: config(copied, nil), spec: another, tells: "DriftCorrected Someone deleted ConfigMap " + copied},
		"and its content is gone":      {do: config(copied, nil), spec: another, now: "2", tells: `DriftRemains Someone deleted ConfigMap ` + copied + `, which v1-prod runs with, and ConfigMap "settings" does not have that content any more`, stays: true},
		"a copy has another content":   {do: config(copied, func(cm *corev1.ConfigMap) { cm.Data["level"] = "9" }), tells: "DriftCorrected Someone replaced ConfigMap " + copied},
		"a copy may change":            {do: config(copied, func(cm *corev1.ConfigMap) { cm.Immutable = nil }), tells: "DriftCorrected Someone replaced ConfigMap " + copied},
		"a copy is of another release": {do: config(copied, func(cm *corev1.ConfigMap) { cm.Labels[v1alpha1.LabelRelease] = "other" }), tells: "DriftCorrected Someone changed the label delivery.signal.dev/release of ConfigMap " + copied},
		"the manifest is deleted":      {do: config(manifest, nil), tells: "DriftCorrected Someone deleted or replaced ConfigMap " + manifest},
		"the manifest may change":      {do: config(manifest, func(cm *corev1.ConfigMap) { cm.Immutable = nil }), tells: "DriftCorrected Someone deleted or replaced ConfigMap " + manifest},
		"the manifest is no JSON":      {do: config(manifest, func(cm *corev1.ConfigMap) { cm.Data[release.ManifestKey] = "{" }), tells: "DriftCorrected Someone deleted or replaced ConfigMap " + manifest},
		"the manifest says other parts": {do: config(manifest, func(cm *corev1.ConfigMap) {
			cm.Data[release.ManifestKey] = strings.Replace(cm.Data[release.ManifestKey], `"settings":"`, `"settings":"0`, 1)
		}), tells: "DriftCorrected Someone deleted or replaced ConfigMap " + manifest},
		"it goes, and the spec has too": {do: config(manifest, nil), spec: another, tells: "DriftRemains Someone deleted or replaced ConfigMap " + manifest, stays: true},
		"the Deployment is of another": {do: func(t *testing.T, c client.Client) {
			t.Helper()
			change(t, c, run, &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Labels[v1alpha1.LabelRelease] = "other" })
		}, tells: "DriftCorrected Someone changed the label delivery.signal.dev/release of Deployment " + run},
	} {
		t.Run(name, func(t *testing.T) {
			c, sd, rel := serves(t)
			before := all(t, c)
			tc.do(t, c)
			if tc.spec != nil {
				tc.spec(sd)
			}
			if tc.now == "" {
				tc.now = "1"
			}
			told, err := Drift(t.Context(), c, sd, rel, settings(tc.now))
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, v := range told {
				text += v.Reason + " " + v.Message
				if v.Evidence == nil || v.Evidence.Source == "" {
					t.Errorf("%s rests on nothing", v.Message)
				}
			}
			if !strings.HasPrefix(text, tc.tells) || (text == "") != (tc.tells == "") {
				t.Errorf("told  %q\nwant %q", text, tc.tells)
			}
			for range 2 { // twice is once
				if err := Restore(t.Context(), c, sd, rel, settings(tc.now)); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(before, all(t, c)); (diff != "") != tc.stays {
				t.Errorf("restored %t:\n%s", !tc.stays, diff)
			}
			if again, err := Drift(t.Context(), c, sd, rel, settings(tc.now)); err != nil || (len(again) > 0) != tc.stays {
				t.Errorf("told again %v, %v", again, err)
			}
		})
	}
}

// What belongs to someone else is not put back over them, and does not keep
// what is decided about the release from being done.
func TestDriftLeavesWhatIsForeign(t *testing.T) {
	c, sd, rel := serves(t)
	for _, name := range []string{"app-" + rel.Hash + "-settings", "app-manifest-" + rel.Hash} {
		change(t, c, name, &corev1.ConfigMap{}, func(cm *corev1.ConfigMap) { cm.OwnerReferences, cm.Data = nil, map[string]string{"level": "9"} })
	}
	before := all(t, c)
	if told, err := Drift(t.Context(), c, sd, rel, settings("1")); err != nil || len(told) != 1 {
		t.Errorf("told %v, %v", told, err)
	}
	err := Restore(t.Context(), c, sd, rel, settings("1"))
	if want := (&owned.ForeignError{}); !errors.As(err, &want) {
		t.Errorf("Restore = %v, want a ForeignError", err)
	}
	if diff := cmp.Diff(before, all(t, c)); diff != "" {
		t.Errorf("it was touched:\n%s", diff)
	}
}

// A candidate that has not started has no manifest yet, and one that is found
// again after its memory was lost has no digest to know it by.
func TestDriftOfWhatIsNotThereYet(t *testing.T) {
	sd := deployment()
	rel := v1alpha1.Release{Digest: digest, Attempt: 1, Hash: release.Hash(&sd.Spec, settings("1"), digest)}
	found := v1alpha1.Release{Hash: rel.Hash, ID: rel.Hash}
	c := fake.NewClientBuilder().Build()
	if told, err := Drift(t.Context(), c, sd, rel, settings("1")); err != nil || told != nil {
		t.Errorf("told %v, %v", told, err)
	}
	sd.Status.Stable = &found
	if told, err := Drift(t.Context(), c, sd, found, settings("1")); err != nil || told != nil {
		t.Errorf("told %v, %v", told, err)
	}
}

// Another attempt at what serves is made of the same.
func TestALaterAttemptIsHeldToTheSame(t *testing.T) {
	c, sd, rel := serves(t)
	rel.Attempt = 3
	sd.Status.Stable = &rel
	if told, err := Drift(t.Context(), c, sd, rel, settings("1")); err != nil || told != nil {
		t.Errorf("told %v, %v", told, err)
	}
}

// A cluster that does not answer is no drift.
func TestDriftThatCannotBeSeen(t *testing.T) {
	_, sd, rel := serves(t)
	if told, err := Drift(t.Context(), deaf{}, sd, rel, settings("1")); err == nil || told != nil {
		t.Errorf("told %v, %v", told, err)
	}
}

// deaf is a cluster that answers nothing.
type deaf struct{ client.Reader }

// Get fails.
func (deaf) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("no answer")
}

package workload

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// world is a cluster that notes the patches it gets.
func world(patches *[]string, objects ...client.Object) client.WithWatch {
	return interceptor.NewClient(fake.NewClientBuilder().WithObjects(objects...).Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			data, err := patch.Data(object)
			if err != nil {
				return err
			}
			*patches = append(*patches, object.GetName()+" "+string(patch.Type())+" "+string(data))
			return c.Patch(ctx, object, patch, opts...)
		},
	})
}

// names are the names of the Deployments and ConfigMaps that are there.
func names(t *testing.T, c client.Reader) []string {
	t.Helper()
	var deployments appsv1.DeploymentList
	var configs corev1.ConfigMapList
	if err := errors.Join(c.List(t.Context(), &deployments), c.List(t.Context(), &configs)); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, d := range deployments.Items {
		out = append(out, d.Name)
	}
	for _, cm := range configs.Items {
		out = append(out, cm.Name)
	}
	return out
}

func TestStart(t *testing.T) {
	configs := release.Configs{"settings": {Data: map[string]string{"a": "1"}}}
	rel := v1alpha1.Release{Digest: digest, Hash: release.Hash(&deployment().Spec, release.Inputs{Configs: configs}, digest)}
	run, config, manifest := "app-"+rel.Hash, "app-"+rel.Hash+"-settings", "app-manifest-"+rel.Hash
	for name, tc := range map[string]struct {
		configs release.Configs
		image   string
		want    []string
	}{
		"as described":                         {configs, "registry:5000/team/app:v1", []string{run, config, manifest}},
		"under another tag of the same digest": {configs, "registry:5000/team/app:v2", []string{run, config, manifest}},
		"the configuration has moved on":       {release.Configs{"settings": {Data: map[string]string{"a": "2"}}}, "registry:5000/team/app:v1", []string{}},
		"the configuration is no longer there": {nil, "registry:5000/team/app:v1", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			c, sd := fake.NewClientBuilder().Build(), deployment()
			sd.Spec.Artifact.Image = tc.image
			for range 2 { // twice is once
				if err := Start(t.Context(), c, sd, rel, release.Inputs{Configs: tc.configs}, 3); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tc.want, names(t, c)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStartLeavesReplicasAlone(t *testing.T) {
	rel := v1alpha1.Release{Digest: digest, Hash: release.Hash(&deployment().Spec, release.Inputs{}, digest)}
	c := fake.NewClientBuilder().WithObjects(running(rel.Hash, 5, appsv1.DeploymentStatus{})).Build()
	if err := Start(t.Context(), c, deployment(), rel, release.Inputs{}, 1); err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: "app-" + rel.Hash}, &d); err != nil || *d.Spec.Replicas != 5 {
		t.Errorf("replicas = %d, %v; want 5", *d.Spec.Replicas, err)
	}
}

func TestScale(t *testing.T) {
	unset := running("bbb", 1, appsv1.DeploymentStatus{})
	unset.Spec.Replicas = nil
	for name, tc := range map[string]struct {
		hash     string
		replicas int32
		want     []string
	}{
		"more":          {"aaa", 3, []string{`app-aaa application/merge-patch+json {"spec":{"replicas":3}}`}},
		"none":          {"aaa", 0, []string{`app-aaa application/merge-patch+json {"spec":{"replicas":0}}`}},
		"as it is":      {"aaa", 2, nil},
		"never set":     {"bbb", 1, []string{`app-bbb application/merge-patch+json {"spec":{"replicas":1}}`}},
		"no Deployment": {"ccc", 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var patches []string
			c := world(&patches, running("aaa", 2, appsv1.DeploymentStatus{}), unset.DeepCopy())
			if err := Scale(t.Context(), c, deployment(), tc.hash, tc.replicas); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, patches); diff != "" {
				t.Errorf("patches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScaleLeavesForeignDeploymentsAlone(t *testing.T) {
	var patches []string
	foreign := running("aaa", 2, appsv1.DeploymentStatus{})
	foreign.OwnerReferences = nil
	err := Scale(t.Context(), world(&patches, foreign), deployment(), "aaa", 3)
	if want := (&owned.ForeignError{}); !errors.As(err, &want) || patches != nil {
		t.Errorf("Scale = %v with patches %v, want a ForeignError and none", err, patches)
	}
}

// What is put back is what was written when the release started, whatever the
// specification says by now.
func TestMend(t *testing.T) {
	rel := v1alpha1.Release{Image: "registry:5000/team/app:v1", Digest: digest, Attempt: 1, Hash: release.Hash(&deployment().Spec, release.Inputs{}, digest)}
	for name, tc := range map[string]struct {
		change func(*corev1.ConfigMap)
		mended bool
	}{
		"by its manifest":              {func(*corev1.ConfigMap) {}, true},
		"not by one that can change":   {func(cm *corev1.ConfigMap) { cm.Immutable = nil }, false},
		"not by one without templates": {func(cm *corev1.ConfigMap) { delete(cm.Data, templateKey) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			manifest, d := Manifest(deployment(), rel, release.Inputs{}), Deployment(deployment(), rel, 1)
			tc.change(manifest)
			own(manifest)
			own(d)
			want := d.Spec.Template.DeepCopy()
			d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "DEBUG", Value: "true"}}
			c, sd := fake.NewClientBuilder().WithObjects(manifest, d).Build(), deployment()
			sd.Spec.Template.Labels = map[string]string{"moved": "on"}
			if err := Mend(t.Context(), c, sd, rel, 1); err != nil {
				t.Fatal(err)
			}
			got := &appsv1.Deployment{}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(d), got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, &got.Spec.Template); (diff == "") != tc.mended {
				t.Errorf("mended %t:\n%s", !tc.mended, diff)
			}
		})
	}
	if err := Mend(t.Context(), fake.NewClientBuilder().Build(), deployment(), rel, 1); err != nil {
		t.Errorf("of what is gone: %v", err)
	}
}

// A Deployment that someone deleted comes back as it was, though the
// specification has moved on.
func TestMendMakesAgain(t *testing.T) {
	rel := v1alpha1.Release{Image: "registry:5000/team/app:v1", Digest: digest, Attempt: 1, Hash: release.Hash(&deployment().Spec, release.Inputs{}, digest)}
	manifest, want := Manifest(deployment(), rel, release.Inputs{}), Deployment(deployment(), rel, 3)
	own(manifest)
	c, sd := fake.NewClientBuilder().WithObjects(manifest).Build(), deployment()
	sd.Spec.Template.Labels = map[string]string{"moved": "on"}
	if err := Mend(t.Context(), c, sd, rel, 3); err != nil {
		t.Fatal(err)
	}
	got := &appsv1.Deployment{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(want), got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Spec, got.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

// Someone may put a ConfigMap of their own where the manifest was.
func TestMendBelievesNoForeignManifest(t *testing.T) {
	rel := v1alpha1.Release{Image: "registry:5000/team/app:v1", Digest: digest, Attempt: 1, Hash: release.Hash(&deployment().Spec, release.Inputs{}, digest)}
	for name, change := range map[string]func(*corev1.ConfigMap){
		"of another owner": func(cm *corev1.ConfigMap) { cm.OwnerReferences = nil },
		"of another name":  func(cm *corev1.ConfigMap) { cm.Labels[v1alpha1.LabelName] = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			manifest := Manifest(deployment(), rel, release.Inputs{})
			own(manifest)
			change(manifest)
			err := Mend(t.Context(), fake.NewClientBuilder().WithObjects(manifest).Build(), deployment(), rel, 1)
			if foreign := new(owned.ForeignError); !errors.As(err, &foreign) {
				t.Errorf("Mend = %v, want a ForeignError", err)
			}
		})
	}
}

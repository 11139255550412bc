package artifact

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func env(job *batchv1.Job) map[string]string {
	out := map[string]string{}
	for _, variable := range job.Spec.Template.Spec.Containers[0].Env {
		out[variable.Name] = variable.Value
	}
	return out
}

// mountsOf are what a Job has mounted where; writable ones are marked.
func mountsOf(job *batchv1.Job) map[string]string {
	sources := map[string]string{}
	for _, v := range job.Spec.Template.Spec.Volumes {
		switch {
		case v.Secret != nil:
			sources[v.Name] = "Secret " + v.Secret.SecretName
		case v.ConfigMap != nil:
			sources[v.Name] = "ConfigMap " + v.ConfigMap.Name
		case v.PersistentVolumeClaim != nil:
			sources[v.Name] = "claim " + v.PersistentVolumeClaim.ClaimName
		case v.EmptyDir != nil:
			sources[v.Name] = "scratch"
		}
	}
	out := map[string]string{}
	for _, m := range job.Spec.Template.Spec.Containers[0].VolumeMounts {
		out[m.MountPath] = sources[m.Name]
		if !m.ReadOnly {
			out[m.MountPath] += ", to write"
		}
	}
	return out
}

func TestTheJobThatResolves(t *testing.T) {
	sd := app()
	sd.Spec.Template.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "pull"}}
	job := Prober(sd, rel, "", settings)
	if got, want := job.Name, "app-asks-v2-3-resolve"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	want := map[string]string{
		"SIGNAL_TIMEOUT": "4m30s", "SIGNAL_ARTIFACT": `{"image":"registry.example/acme/app:v2"}`, "SIGNAL_NAME": "app", "SIGNAL_NAMESPACE": "prod",
		"SIGNAL_INSECURE_REGISTRIES": "plain.example", "SIGNAL_BUILT": "", "SIGNAL_PLATFORMS": "linux/amd64",
	}
	if diff := cmp.Diff(want, env(job)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"/signal/pull/pull": "Secret pull"}, mountsOf(job)); diff != "" {
		t.Error(diff)
	}
	if !*job.Spec.Template.Spec.Volumes[0].Secret.Optional {
		t.Error("a Secret that does not exist keeps the pod from saying so")
	}
	if *job.Spec.ActiveDeadlineSeconds != 300 || *job.Spec.BackoffLimit != maxRetries {
		t.Errorf("deadline %d, retries %d", *job.Spec.ActiveDeadlineSeconds, *job.Spec.BackoffLimit)
	}
}

func TestTheJobThatVerifiesHasWhatItNeeds(t *testing.T) {
	root := &v1alpha1.KeylessIdentity{TrustRoot: v1alpha1.ConfigMapFile{Name: "roots", Key: "a.json"}}
	sd := app(func(a *v1alpha1.ArtifactSpec) {
		a.Signatures = []v1alpha1.SignaturePolicy{
			{Name: "a", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: "x"}, {ConfigMap: &v1alpha1.ConfigMapFile{Name: "keys", Key: "b.pem"}}}}},
			{Name: "b", Signer: v1alpha1.Signer{Keyless: root}},
		}
		a.Attestations = []v1alpha1.AttestationPolicy{{Name: "c", Signer: v1alpha1.Signer{Keyless: root}}}
	})
	want := map[string]string{"/signal/trust/keys": "ConfigMap keys", "/signal/trust/roots": "ConfigMap roots"}
	if diff := cmp.Diff(want, mountsOf(Prober(sd, rel, "", settings))); diff != "" {
		t.Error(diff)
	}
}

func TestTheJobThatAppendsHasItsVolumes(t *testing.T) {
	sd := app(func(a *v1alpha1.ArtifactSpec) {
		a.Image, a.Repository = "", repository
		a.Build = &v1alpha1.BuildSpec{TimeoutSeconds: 100, Append: &v1alpha1.AppendBuild{Layers: []v1alpha1.LayerSource{
			{Artifact: "x"}, {Volume: &v1alpha1.VolumeTarball{Claim: "files", Path: "a"}}, {Volume: &v1alpha1.VolumeTarball{Claim: "files", Path: "b"}},
		}}}
	})
	job := Prober(sd, rel, "", settings)
	if diff := cmp.Diff(map[string]string{"/signal/volumes/files": "claim files", "/tmp": "scratch, to write"}, mountsOf(job)); diff != "" {
		t.Error(diff)
	}
	if *job.Spec.ActiveDeadlineSeconds != 100 {
		t.Errorf("deadline %d", *job.Spec.ActiveDeadlineSeconds)
	}
}

func building(change ...func(*v1alpha1.JobBuild)) func(*v1alpha1.ArtifactSpec) {
	return func(a *v1alpha1.ArtifactSpec) {
		a.Image, a.Repository = "", repository
		a.Build = &v1alpha1.BuildSpec{TimeoutSeconds: 100, Job: &v1alpha1.JobBuild{Image: "builder", Env: []v1alpha1.CheckEnv{{Name: "LEVEL", Value: "2"}}}}
		for _, c := range change {
			c(a.Build.Job)
		}
	}
}

func TestTheJobOfABuilder(t *testing.T) {
	for name, tc := range map[string]struct {
		privilege v1alpha1.BuildPrivilege
		escalates bool
		seccomp   corev1.SeccompProfileType
	}{
		"restricted": {v1alpha1.BuildRestricted, false, corev1.SeccompProfileTypeRuntimeDefault},
		"rootless":   {v1alpha1.BuildRootless, true, corev1.SeccompProfileTypeUnconfined},
	} {
		t.Run(name, func(t *testing.T) {
			sd := app(building(func(j *v1alpha1.JobBuild) { j.Privilege, j.CacheClaim = tc.privilege, "cache" }))
			sd.Spec.Template.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "first"}, {Name: "second"}}
			job := Builder(sd, rel)
			want := map[string]string{
				"SIGNAL_REPOSITORY": repository, "SIGNAL_NAME": "app", "SIGNAL_NAMESPACE": "prod", "SIGNAL_VERSION": "v2",
				"DOCKER_CONFIG": "/signal/docker", "HOME": "/tmp", "LEVEL": "2",
			}
			if diff := cmp.Diff(want, env(job)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]string{"/signal/docker": "Secret first", "/tmp": "scratch, to write", "/cache": "claim cache, to write"}, mountsOf(job)); diff != "" {
				t.Error(diff)
			}
			pod, container := job.Spec.Template.Spec.SecurityContext, job.Spec.Template.Spec.Containers[0].SecurityContext
			if *container.AllowPrivilegeEscalation != tc.escalates || pod.SeccompProfile.Type != tc.seccomp || (container.Capabilities == nil) != tc.escalates {
				t.Errorf("pod %+v, container %+v", pod, container)
			}
			if !*pod.RunAsNonRoot || *job.Spec.BackoffLimit != 0 {
				t.Errorf("as root %t, retries %d", !*pod.RunAsNonRoot, *job.Spec.BackoffLimit)
			}
		})
	}
}

func TestTheJobThatSeals(t *testing.T) {
	for name, attach := range map[string]bool{"looks at the tag": false, "attaches the manifest": true} {
		t.Run(name, func(t *testing.T) {
			sd := app(func(a *v1alpha1.ArtifactSpec) { a.Attach = attach })
			job := Sealer(sd, rel, settings)
			if got := env(job); got["SIGNAL_DIGEST"] != pinned || got["SIGNAL_REFERENCE"] != rel.Image {
				t.Errorf("environment %v", got)
			}
			want := map[string]string{}
			if attach {
				want["/signal/manifest"] = "ConfigMap app-manifest-v2-3"
			}
			if diff := cmp.Diff(want, mountsOf(job)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Twice is once, and a Job is started only where there is something to ask.
func TestEnsure(t *testing.T) {
	for name, tc := range map[string]struct {
		change   func(*v1alpha1.ArtifactSpec)
		settings Settings
		want     []string
		problem  string
	}{
		"a tag":    {func(*v1alpha1.ArtifactSpec) {}, settings, []string{"app-asks-v2-3-resolve"}, ""},
		"a digest": {func(a *v1alpha1.ArtifactSpec) { a.Image = repository + "@" + pinned }, Settings{}, nil, ""},
		"a digest that must be signed": {func(a *v1alpha1.ArtifactSpec) {
			a.Image, a.Signatures = repository+"@"+pinned, []v1alpha1.SignaturePolicy{{Name: "us"}}
		}, settings, []string{"app-asks-v2-3-resolve"}, ""},
		"a builder that is still at it": {building(), settings, []string{"app-asks-v2-3-build"}, ""},
		"no prober":                     {func(*v1alpha1.ArtifactSpec) {}, Settings{}, nil, "--prober-image"},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t)
			for range 2 {
				err := Ensure(t.Context(), c, app(tc.change), rel, tc.settings)
				if (err != nil) != (tc.problem != "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
					t.Fatal(err)
				}
			}
			list := &batchv1.JobList{}
			if err := c.List(t.Context(), list); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, job := range list.Items {
				got = append(got, job.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheProberIsToldWhatTheBuilderPushed(t *testing.T) {
	sd := app(building())
	builder := own(Builder(sd, rel), complete)
	c := cluster(t, builder, podOf(builder, 0, "pushed\n"+pinned+"\n"))
	if err := Ensure(t.Context(), c, sd, rel, settings); err != nil {
		t.Fatal(err)
	}
	job := &batchv1.Job{}
	if err := c.Get(t.Context(), keyOf("app-asks-v2-3-resolve"), job); err != nil {
		t.Fatal(err)
	}
	if got := env(job)["SIGNAL_BUILT"]; got != pinned {
		t.Errorf("told %q", got)
	}
}

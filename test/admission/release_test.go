package admission_test

import (
	"context"
	"errors"
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/report"
	"github.com/signal-delivery/operator/internal/traffic/service"
	"github.com/signal-delivery/operator/internal/workload"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// made is a release with everything that the operator and Kubernetes make of
// it, by what the tests call it.
type made struct {
	sd      *v1alpha1.SignalDeployment
	rel     v1alpha1.Release
	inputs  release.Inputs
	objects map[string]client.Object
}

func signalDeployment(namespace string) *v1alpha1.SignalDeployment {
	return &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"},
		Spec: v1alpha1.SignalDeploymentSpec{
			Artifact: v1alpha1.ArtifactSpec{Image: "registry.example/acme/app@" + digest},
			Service:  v1alpha1.ServiceSpec{Ports: []v1alpha1.ServicePort{{Name: "http", Port: 80, TargetPort: new(intstr.FromInt32(8080))}}},
			Checks: v1alpha1.ChecksSpec{Smoke: []v1alpha1.SmokeCheck{{
				Name: "alive", TimeoutSeconds: 60, HTTP: &v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{{Path: "/"}}},
			}}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "app", Args: []string{"serve"}, Env: []corev1.EnvVar{{Name: "LEVEL", Value: "info"}},
				EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}},
			}}}},
		},
	}
}

// make lets the operator make a release in a new namespace, and Kubernetes what
// follows from it.
func (g *guard) make(ctx context.Context, namespace string, labels map[string]string) (*made, error) {
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}, Data: map[string]string{"COLOUR": "blue"}}
	m := &made{sd: signalDeployment(namespace), inputs: release.Inputs{Configs: release.Configs{"settings": settings}}}
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: labels}}
	if err := g.admin.Create(ctx, space); err != nil {
		return nil, fmt.Errorf("create the namespace: %w", err)
	}
	if err := g.admin.Create(ctx, m.sd); err != nil {
		return nil, fmt.Errorf("create the SignalDeployment: %w", err)
	}
	m.rel = v1alpha1.Release{
		ID: "v1-prod-20300101_120000", Version: "v1", Image: m.sd.Spec.Artifact.Image, Digest: digest, Attempt: 1,
		Asked: release.Asked(&m.sd.Spec, m.inputs), Hash: release.Hash(&m.sd.Spec, m.inputs, digest),
	}
	if err := g.byOperator(ctx, m); err != nil {
		return nil, fmt.Errorf("the operator: %w", err)
	}
	m.name()
	return m, g.byKubernetes(ctx, m)
}

// byOperator makes what the operator makes, as it makes it.
func (g *guard) byOperator(ctx context.Context, m *made) error {
	c := g.as(g.operator)
	rules := []alert.Group{{Name: "app", Rules: []monitoringv1.Rule{{Alert: "Errors", Expr: intstr.FromString("errors > 1")}}}}
	for _, step := range []func() error{
		func() error { return service.ApplyStable(ctx, c, m.sd, v1alpha1.NoRelease) },
		func() error { return service.ApplyStable(ctx, c, m.sd, m.rel.Hash) },
		func() error { return service.ApplyCanary(ctx, c, m.sd, m.rel.Hash) },
		func() error { return workload.Start(ctx, c, m.sd, m.rel, m.inputs, 1) },
		func() error { return workload.Scale(ctx, c, m.sd, m.rel.Hash, 2) },
		func() error { return later(ctx, m, c) },
		func() error { return workload.Protect(ctx, c, m.sd, m.rel.Hash) },
		func() error {
			return check.Ensure(ctx, c, m.sd, m.rel, check.Target{Stage: v1alpha1.StageCandidate, Address: "10.0.0.1", Host: "app"}, "prober:v1")
		},
		func() error { return owned.Apply(ctx, c, m.sd, alert.PrometheusRule(m.sd, rules, nil)) },
		func() error { return told(ctx, c, m, "# Good") },
		func() error { return told(ctx, c, m, "# Better") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// told writes a report as the latest, and as the archive that stays as it is.
func told(ctx context.Context, c client.Client, m *made, markdown string) error {
	r := report.Report{Markdown: markdown, JSON: []byte("{}")}
	return errors.Join(owned.Apply(ctx, c, m.sd, report.Latest(m.sd, m.rel, r)), owned.Create(ctx, c, m.sd, report.Archive(m.sd, m.rel, r)))
}

// later sets a field that has no default, as a later operator may.
func later(ctx context.Context, m *made, c client.Client) error {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: release.DeploymentName(m.sd.Name, m.rel.Hash)}}
	return c.Patch(ctx, d, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"minReadySeconds":1}}`)))
}

// name finds the objects by the names that the operator gives.
func (m *made) name() {
	at := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: name} }
	m.objects = map[string]client.Object{
		"sd":         m.sd,
		"deployment": &appsv1.Deployment{ObjectMeta: at(release.DeploymentName(m.sd.Name, m.rel.Hash))},
		"copy":       &corev1.ConfigMap{ObjectMeta: at(release.ConfigName(m.sd.Name, m.rel.Hash, "settings"))},
		"manifest":   &corev1.ConfigMap{ObjectMeta: at(release.ManifestName(m.sd.Name, m.rel))},
		"report":     &corev1.ConfigMap{ObjectMeta: at(release.ReportName(m.sd.Name))},
		"archive":    &corev1.ConfigMap{ObjectMeta: at(release.ArchiveName(m.sd.Name, m.rel))},
		"stable":     &corev1.Service{ObjectMeta: at(release.StableName(m.sd.Name))},
		"canary":     &corev1.Service{ObjectMeta: at(release.CanaryName(m.sd.Name))},
		"job":        &batchv1.Job{ObjectMeta: at(release.JobName(m.sd.Name, m.rel.Hash, 1, "alive"))},
		"budget":     &policyv1.PodDisruptionBudget{ObjectMeta: at(m.sd.Name)},
		"rules":      &monitoringv1.PrometheusRule{ObjectMeta: at(m.sd.Name)},
	}
}

// byKubernetes makes what Kubernetes' controllers make of the release, and two
// pods and a Service of someone else.
func (g *guard) byKubernetes(ctx context.Context, m *made) error {
	for _, o := range m.objects {
		if err := g.admin.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return fmt.Errorf("the operator has not made it: %w", err)
		}
	}
	deployment, job := m.objects["deployment"].(*appsv1.Deployment), m.objects["job"].(*batchv1.Job)
	set := replicaSet(deployment, "5d4f")
	own := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: "own"}, Spec: *template(deployment).Spec.DeepCopy()}
	mine := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: "mine"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	labelled := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: "labelled", Labels: release.Labels(m.sd.Name)}}
	for _, step := range []struct {
		name, user string
		make       func() client.Object
	}{
		{"replicaset", system + "deployment-controller", func() client.Object { return set }},
		{"pod", system + "replicaset-controller", func() client.Object { return podOf(set, "ReplicaSet", set.Spec.Template, "pod") }},
		{"check pod", system + "job-controller", func() client.Object { return podOf(job, "Job", job.Spec.Template, "check-pod") }},
		{"own pod", alice, func() client.Object { return own }},
		{"own service", alice, func() client.Object { return mine }},
		{"labelled", alice, func() client.Object { return labelled }},
	} {
		o := step.make()
		if err := g.as(step.user).Create(ctx, o); err != nil {
			return fmt.Errorf("%s makes a %s: %w", step.user, step.name, err)
		}
		m.objects[step.name] = o
	}
	return nil
}

func template(d *appsv1.Deployment) *corev1.PodTemplateSpec { return &d.Spec.Template }

// replicaSet is what the deployment controller makes of a Deployment.
func replicaSet(d *appsv1.Deployment, hash string) *appsv1.ReplicaSet {
	t := *d.Spec.Template.DeepCopy()
	t.Labels["pod-template-hash"] = hash
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-" + hash, Labels: t.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: t.Labels}, Template: t},
	}
}

// podOf is a pod that a controller makes of a template.
func podOf(owner client.Object, kind string, t corev1.PodTemplateSpec, name string) *corev1.Pod {
	group := appsv1.SchemeGroupVersion
	if kind == "Job" {
		group = batchv1.SchemeGroupVersion
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: owner.GetNamespace(), Name: name, Labels: t.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, group.WithKind(kind))},
		},
		Spec: t.Spec,
	}
}

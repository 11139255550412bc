package dashboard

import (
	"context"
	"errors"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

var (
	rel      = testkit.Release("v2")
	settings = Settings{Installed: true, ProberImage: "prober"}
)

// app asks for a dashboard; nil for none.
func app(spec *v1alpha1.DashboardSpec) *v1alpha1.SignalDeployment {
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		if spec != nil && spec.SlowSeconds == 0 {
			spec.SlowSeconds = 60
		}
		sd.Spec.Dashboard = spec
	})
}

func api() *v1alpha1.GrafanaAPI {
	return &v1alpha1.GrafanaAPI{URL: "http://grafana.monitoring:3000", TokenSecret: v1alpha1.SecretKey{Name: "grafana", Key: "token"}}
}

func byConfigMap() *v1alpha1.SignalDeployment {
	return app(&v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverConfigMap, FolderAnnotation: "grafana_folder"})
}

func bySidecarAndAPI() *v1alpha1.SignalDeployment {
	return app(&v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverConfigMap, API: api()})
}

func byAPI() *v1alpha1.SignalDeployment {
	return app(&v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverAPI, API: api()})
}

func byObject() *v1alpha1.SignalDeployment {
	return app(&v1alpha1.DashboardSpec{Delivery: v1alpha1.DeliverGrafanaDashboard})
}

// recorder is a cluster that counts what is written to it.
type recorder struct {
	client.Client
	writes []string
	refuse error // what writes are answered with
}

func cluster(t *testing.T, objects ...client.Object) *recorder {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	note := func(verb string, object client.Object) error {
		r.writes = append(r.writes, verb+" "+object.GetName())
		return r.refuse
	}
	r.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithReturnManagedFields().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return errors.Join(note("create", o), c.Create(ctx, o, opts...))
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := note("apply", o); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return errors.Join(note("delete", o), c.Delete(ctx, o, opts...))
		},
	}).Build()
	return r
}

func (r *recorder) deliver(t *testing.T, sd *v1alpha1.SignalDeployment, underWay bool) {
	t.Helper()
	if err := Deliver(t.Context(), r, sd, rel, underWay, settings); err != nil {
		t.Fatal(err)
	}
}

func (r *recorder) read(t *testing.T, sd *v1alpha1.SignalDeployment, s Settings) verdict.Verdict {
	t.Helper()
	v, err := Read(t.Context(), r, sd, rel, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// own makes an object the SignalDeployment's, as it is in the cluster.
func own(o client.Object) {
	o.SetUID("uid")
	o.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(app(nil), v1alpha1.GroupVersion.WithKind("SignalDeployment"))})
}

// jobOf is the Job that calls Grafana, as it is in the cluster.
func jobOf(sd *v1alpha1.SignalDeployment, conditions ...batchv1.JobConditionType) *batchv1.Job {
	job := Caller(sd, rel, Build(sd), "prober")
	own(job)
	for _, kind := range conditions {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue})
	}
	return job
}

// podOf is its pod, which ended with a code and a message.
func podOf(job *batchv1.Job, code int32, message string) *corev1.Pod {
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: job.Namespace, Name: job.Name + "-pod", Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: job.Spec.Template.Spec,
		Status: corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{
			Name: jobs.Container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message}},
		}}},
	}
}

var forbidden = apierrors.NewForbidden(corev1.Resource("configmaps"), "app-dashboard", errors.New("no"))

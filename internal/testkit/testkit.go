// Package testkit makes the objects that tests begin with: valid, small, and
// changed where a test says so. Only tests import it. It expects nothing and
// fails no test.
package testkit

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// SignalDeployment is prod/app, which asks for version v1 on four pods and
// goes by route web in steps of 5, 25 and 50 percent.
func SignalDeployment(change ...func(*v1alpha1.SignalDeployment)) *v1alpha1.SignalDeployment {
	sd := &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app", UID: "app-uid", Generation: 1},
		Spec: v1alpha1.SignalDeploymentSpec{
			Replicas: new(int32(4)),
			Artifact: v1alpha1.ArtifactSpec{Image: Image("v1")},
			Service:  v1alpha1.ServiceSpec{Ports: []v1alpha1.ServicePort{{Name: "http", Port: 80}}},
			Traffic:  v1alpha1.TrafficSpec{HTTPRoutes: []v1alpha1.RouteReference{{Name: "web"}}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}},
			Checks:   v1alpha1.ChecksSpec{Smoke: []v1alpha1.SmokeCheck{{Name: "alive", TimeoutSeconds: 60}}},
			Analysis: v1alpha1.AnalysisSpec{Metrics: []v1alpha1.Metric{{
				Name: "errors", Query: `errors{release="${release}"}`, Max: new(intstr.FromString("0.01")),
			}}},
			Strategy: v1alpha1.StrategySpec{
				Steps:                   []v1alpha1.Step{Step("first", 5), Step("quarter", 25), Step("half", 50)},
				VerifySeconds:           new(int32(120)),
				ProgressDeadlineSeconds: new(int32(300)),
				DrainSeconds:            new(int32(30)),
			},
			Rollback: v1alpha1.RollbackSpec{Automatic: new(true), WindowSeconds: new(int32(3600))},
		},
	}
	for _, c := range change {
		c(sd)
	}
	return sd
}

// Image is the reference of a version of the service.
func Image(version string) string { return "registry.example/acme/app:" + version }

// Step is a step that holds its weight for a minute.
func Step(name string, weight int32, change ...func(*v1alpha1.Step)) v1alpha1.Step {
	step := v1alpha1.Step{Name: name, Weight: weight, HoldSeconds: new(int32(60)), Approval: v1alpha1.ApprovalNotRequired}
	for _, c := range change {
		c(&step)
	}
	return step
}

// Release is the first attempt at a version, whose name is its hash as well.
func Release(version string, change ...func(*v1alpha1.Release)) v1alpha1.Release {
	r := v1alpha1.Release{
		Hash: version, Asked: "asks-" + version, ID: version + "-prod-20300101_120000", Version: version,
		Image: Image(version), Digest: "sha256:" + version, Attempt: 1,
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// Passed is a verdict in favour.
func Passed(kind v1alpha1.SignalKind) verdict.Verdict {
	return verdict.Pass(kind, string(kind)+"Passed", "The %s is good", kind)
}

// Failed is a verdict against.
func Failed(kind v1alpha1.SignalKind, reason string) verdict.Verdict {
	return verdict.Fail(kind, reason, "The %s is bad: %s", kind, reason)
}

// Unknown is a verdict that is not in.
func Unknown(kind v1alpha1.SignalKind) verdict.Verdict {
	return verdict.Wait(kind, string(kind)+"Silent", "The %s has not answered", kind)
}

package cluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// ServiceName is the sample service's name: its SignalDeployment's, its
// Service's and its route's.
const ServiceName = "signal-service"

// Namespace makes a namespace, held to the restricted pod security standard.
func (c *Cluster) Namespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if err := c.Create(ctx, namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return nil
}

// Host is the host name by which the Gateway knows the sample service of a
// namespace.
func Host(namespace string) string { return ServiceName + "." + namespace + ".example" }

// Route is the user's HTTPRoute, as it would be in Git.
func Route(namespace string) *gatewayv1.HTTPRoute {
	port := gatewayv1.PortNumber(80)
	gateway := gatewayv1.Namespace("gateway-system")
	return &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ServiceName},
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "public", Namespace: &gateway}}},
			Hostnames:       []gatewayv1.Hostname{gatewayv1.Hostname(Host(namespace))},
			Rules: []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
				BackendObjectReference: gatewayv1.BackendObjectReference{Name: ServiceName, Port: &port},
			}}}}},
		},
	}
}

// SignalDeployment is the sample service as a user would write it: three
// steps, a smoke check, two metrics, an objective, an alert rule and a dashboard.
func SignalDeployment(namespace, image string) *v1alpha1.SignalDeployment {
	target := intstr.FromString("http")
	limit := intstr.FromString("0.01")
	latency := intstr.FromString("0.5")
	return &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ServiceName},
		Spec: v1alpha1.SignalDeploymentSpec{
			Environment: "demo", Replicas: new(int32(2)),
			Template: pod(),
			Artifact: v1alpha1.ArtifactSpec{Image: image},
			Service:  v1alpha1.ServiceSpec{Ports: []v1alpha1.ServicePort{{Name: "http", Port: 80, TargetPort: &target}}},
			Traffic:  v1alpha1.TrafficSpec{HTTPRoutes: []v1alpha1.RouteReference{{Name: ServiceName}}},
			Checks: v1alpha1.ChecksSpec{Smoke: []v1alpha1.SmokeCheck{{Name: "signals", TimeoutSeconds: 30, HTTP: &v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{
				{Path: "/healthz"},
				{Path: "/v1/signals", Expect: v1alpha1.HTTPExpectation{JSON: "size(body.signals) > 0", MaxLatencyMilliseconds: 1000}},
			}}}}},
			Analysis: v1alpha1.AnalysisSpec{Metrics: []v1alpha1.Metric{
				{
					Name: "error-rate", MinSamples: 3, ConsecutiveFailures: 20, Max: &limit,
					Query: `sum(rate(http_requests_total{namespace="${namespace}",delivery_signal_dev_release="${release}",code=~"5.."}[5s]) or vector(0)) / sum(rate(http_requests_total{namespace="${namespace}",delivery_signal_dev_release="${release}"}[5s]))`,
				},
				{
					Name: "latency-p95", MinSamples: 3, ConsecutiveFailures: 20, Max: &latency,
					Query: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{namespace="${namespace}",delivery_signal_dev_release="${release}",route="/v1/signals"}[5s])))`,
				},
			}, SLOs: []v1alpha1.SLO{Availability()}},
			Alerts: v1alpha1.AlertsSpec{Server: "default", Groups: []v1alpha1.AlertRuleGroup{{Name: "availability", Rules: []v1alpha1.AlertRule{{
				Alert:       "SignalErrors",
				Expr:        `sum by (namespace, delivery_signal_dev_name, delivery_signal_dev_release) (rate(http_requests_total{namespace="${namespace}",delivery_signal_dev_name="${name}",code=~"5.."}[5s])) / sum by (namespace, delivery_signal_dev_name, delivery_signal_dev_release) (rate(http_requests_total{namespace="${namespace}",delivery_signal_dev_name="${name}"}[5s])) > 0.05`,
				Labels:      map[string]string{"severity": "critical"},
				Annotations: map[string]string{"summary": "More than 5 % of a release's answers are errors"},
			}}}}},
			Dashboard: &v1alpha1.DashboardSpec{},
			Strategy: v1alpha1.StrategySpec{
				Steps: []v1alpha1.Step{
					{Name: "first", Weight: 10, HoldSeconds: new(int32(8))},
					{Name: "quarter", Weight: 25, HoldSeconds: new(int32(8))},
					{Name: "half", Weight: 50, HoldSeconds: new(int32(8))},
				},
				VerifySeconds: new(int32(8)), ProgressDeadlineSeconds: new(int32(60)), DrainSeconds: new(int32(5)),
			},
		},
	}
}

// pod is what the sample service runs in.
func pod() corev1.PodTemplateSpec {
	target, no, yes := intstr.FromString("http"), false, true
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: &no,
			SecurityContext:              &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name:  "signal",
				Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				ReadinessProbe: &corev1.Probe{
					ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: target}},
					PeriodSeconds: 1,
				},
				Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("128Mi"),
				}, Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse("32Mi"),
				}},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
}

// Availability is an objective for the one operation that matters.
func Availability() v1alpha1.SLO {
	return v1alpha1.SLO{
		Name: "available", Objective: intstr.FromString("99.9"), Availability: &v1alpha1.SLOAvailability{},
		Operation: v1alpha1.SLOOperation{Route: "/v1/signals"},
	}
}

// Plain is the sample service with one pod, released at once: without routes,
// checks, metrics and alerts.
func Plain(namespace, name, image string) *v1alpha1.SignalDeployment {
	sd := SignalDeployment(namespace, image)
	sd.Name = name
	sd.Spec.Replicas = new(int32(1))
	sd.Spec.Traffic, sd.Spec.Analysis, sd.Spec.Alerts, sd.Spec.Checks = v1alpha1.TrafficSpec{}, v1alpha1.AnalysisSpec{}, v1alpha1.AlertsSpec{}, v1alpha1.ChecksSpec{}
	sd.Spec.Dashboard = nil
	sd.Spec.Strategy = v1alpha1.StrategySpec{VerifySeconds: new(int32(0)), ProgressDeadlineSeconds: new(int32(45)), DrainSeconds: new(int32(0))}
	return sd
}

// Until polls a SignalDeployment until it is as wanted, calling seen at every
// change; it gives up after the timeout and says where it stood.
func (c *Cluster) Until(ctx context.Context, sd *v1alpha1.SignalDeployment, timeout time.Duration, seen func(*v1alpha1.SignalDeployment), wanted func(*v1alpha1.SignalDeployment) bool) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	version := ""
	for {
		if err := c.Get(ctx, client.ObjectKeyFromObject(sd), sd); err != nil {
			return fmt.Errorf("read %s/%s: %w", sd.Namespace, sd.Name, err)
		}
		if sd.ResourceVersion != version && seen != nil {
			seen(sd)
		}
		version = sd.ResourceVersion
		if wanted(sd) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s/%s is %s (%s) after %s: %s", sd.Namespace, sd.Name, sd.Status.Phase, sd.Status.Reason, timeout, sd.Status.Rollout.Message)
		}
	}
}

// Ended reports whether the release that the spec asks for has ended in the
// phase.
func Ended(phase v1alpha1.Phase, version string) func(*v1alpha1.SignalDeployment) bool {
	return func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.ObservedGeneration == sd.Generation && sd.Status.Phase == phase &&
			sd.Status.Candidate != nil && sd.Status.Candidate.Version == version
	}
}

package stage

import (
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/go-logr/logr"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Name of the SignalDeployment, its Service and its route in every story.
const Name = "app"

// patience bounds every wait; nothing asserts how long something takes.
const patience = 60 * time.Second

// Story is one SignalDeployment in a namespace of its own.
type Story struct {
	testing.TB
	*Stage
	Namespace string
	Operator  *Operator
	SD        *v1alpha1.SignalDeployment
	Log       logr.Logger // of the operator; without one nothing is logged

	witness *witness
}

// Story sets the scene: a namespace, a route, version v1 in the registry and a
// SignalDeployment that has not been applied yet.
func (s *Stage) Story(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *Story {
	t.Helper()
	y := &Story{TB: t, Stage: s, Namespace: s.Space(t)}
	image, _ := s.Push(t, y.tag("v1"))
	y.SD = SignalDeployment(y.Namespace, image)
	for _, c := range change {
		c(y.SD)
	}
	if err := s.Client.Create(t.Context(), Route(y.Namespace)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(y.clear)
	y.watch()
	return y
}

// clear empties the namespace, so that the world has less to look at. It runs
// after the operator has stopped, so it takes the finalizer away itself.
func (y *Story) clear() {
	ctx := background(y.TB)
	sd := &v1alpha1.SignalDeployment{}
	if err := y.Client.Get(ctx, types.NamespacedName{Namespace: y.Namespace, Name: Name}, sd); err == nil {
		before := sd.DeepCopy()
		sd.Finalizers = nil
		if err := errors.Join(y.Client.Patch(ctx, sd, client.MergeFrom(before)), client.IgnoreNotFound(y.Client.Delete(ctx, sd))); err != nil {
			y.Error(err)
		}
	}
	for _, kind := range []client.Object{
		&appsv1.Deployment{}, &batchv1.Job{}, &corev1.Pod{}, &corev1.ConfigMap{}, &discoveryv1.EndpointSlice{},
		&gatewayv1.HTTPRoute{}, &policyv1.PodDisruptionBudget{}, &monitoringv1.PrometheusRule{}, &corev1.Service{},
	} {
		err := y.Client.DeleteAllOf(ctx, kind, client.InNamespace(y.Namespace), client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground))
		if client.IgnoreNotFound(err) != nil {
			y.Error(err)
		}
	}
}

// tag of a version: the registry is shared by all namespaces.
func (y *Story) tag(version string) string { return version + "-" + y.Namespace }

// Begin starts an operator and releases v1.
func (y *Story) Begin() *Story { return y.BeginThrough(nil) }

// BeginThrough is Begin with an operator whose requests go through a transport.
func (y *Story) BeginThrough(wrap func(http.RoundTripper) http.RoundTripper) *Story {
	y.Helper()
	y.Operator = y.logging(y.TB, y.Namespace, wrap, y.Log)
	y.Apply()
	y.Until("v1 is released", Succeeded)
	return y
}

// Apply creates the SignalDeployment.
func (y *Story) Apply() {
	y.Helper()
	if err := y.Client.Create(y.Context(), y.SD); err != nil {
		y.Fatal(err)
	}
}

// Ask pushes a new image of a version and asks for it.
func (y *Story) Ask(version string) {
	y.Helper()
	image, _ := y.Push(y.TB, y.tag(version))
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Artifact.Image = image })
}

// AskAgain asks for a version whose image is there already.
func (y *Story) AskAgain(version string) {
	y.Helper()
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Artifact.Image = y.Registry + "/acme/app:" + y.tag(version)
	})
}

// Annotate sets an annotation.
func (y *Story) Annotate(key, value string) {
	y.Helper()
	y.Change(func(sd *v1alpha1.SignalDeployment) { metav1.SetMetaDataAnnotation(&sd.ObjectMeta, key, value) })
}

// Change edits the object as a person would.
func (y *Story) Change(change func(*v1alpha1.SignalDeployment)) {
	y.Helper()
	y.Read()
	before := y.SD.DeepCopy()
	change(y.SD)
	if err := y.Client.Patch(y.Context(), y.SD, client.MergeFrom(before)); err != nil {
		y.Fatal(err)
	}
}

// Reapply applies a manifest by force, as a GitOps agent does.
func (y *Story) Reapply(manifest client.Object, kind schema.GroupVersionKind) {
	y.Helper()
	manifest.GetObjectKind().SetGroupVersionKind(kind)
	if err := y.Client.Patch(y.Context(), manifest, client.Apply, client.ForceOwnership, client.FieldOwner("gitops")); err != nil { //nolint:staticcheck // typed objects have no apply configuration
		y.Fatal(err)
	}
}

// Read reads the object.
func (y *Story) Read() {
	y.Helper()
	if err := y.Client.Get(y.Context(), types.NamespacedName{Namespace: y.Namespace, Name: Name}, y.SD); err != nil {
		y.Fatal(err)
	}
}

// Condition is something that a SignalDeployment is waited for to be.
type Condition func(*v1alpha1.SignalDeployment) bool

// Until waits until the latest spec has been seen and the condition holds.
func (y *Story) Until(what string, holds Condition) {
	y.Helper()
	deadline := time.Now().Add(patience)
	for {
		y.Read()
		if y.SD.Status.ObservedGeneration == y.SD.Generation && holds(y.SD) {
			return
		}
		if time.Now().After(deadline) {
			text, _ := json.MarshalIndent(y.SD.Status, "", " ")
			y.Fatalf("waited %s in vain until %s; it is\n%s", patience, what, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// In waits for a phase.
func In(phase v1alpha1.Phase) Condition {
	return func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Phase == phase }
}

// Ends that stories wait for.
var (
	Succeeded  = In(v1alpha1.PhaseSucceeded)
	RolledBack = In(v1alpha1.PhaseRolledBack)
	Failed     = In(v1alpha1.PhaseFailed)
)

// Holding waits until the candidate holds the weight of a step.
func Holding(step string) Condition {
	return func(sd *v1alpha1.SignalDeployment) bool {
		m := sd.Status.Rollout
		return m.Phase == v1alpha1.PhaseProgressing && m.Plan.Steps[m.Step].Name == step && !m.HeldSinceTime.IsZero()
	}
}

// SignalDeployment is the object that stories begin with: three steps without
// a hold, a check, a metric and an alert rule.
func SignalDeployment(namespace, image string) *v1alpha1.SignalDeployment {
	limit := intstr.FromString("0.5")
	step := func(name string, weight int32) v1alpha1.Step {
		return v1alpha1.Step{Name: name, Weight: weight, HoldSeconds: new(int32(0))}
	}
	return &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: Name},
		Spec: v1alpha1.SignalDeploymentSpec{
			Replicas: new(int32(2)),
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}},
			Artifact: v1alpha1.ArtifactSpec{Image: image},
			Service:  v1alpha1.ServiceSpec{Ports: []v1alpha1.ServicePort{{Name: "http", Port: 80}}},
			Traffic:  v1alpha1.TrafficSpec{HTTPRoutes: []v1alpha1.RouteReference{{Name: Name}}},
			Checks: v1alpha1.ChecksSpec{Smoke: []v1alpha1.SmokeCheck{{Name: "alive", TimeoutSeconds: 60, HTTP: &v1alpha1.HTTPCheck{
				Requests: []v1alpha1.HTTPRequest{{Path: "/"}},
			}}}},
			Analysis: v1alpha1.AnalysisSpec{
				Interval: metav1.Duration{Duration: 250 * time.Millisecond},
				Metrics:  []v1alpha1.Metric{{Name: "errors", Server: "default", Query: `value{namespace="${namespace}",release="${release}"}`, Max: &limit}},
			},
			Alerts: v1alpha1.AlertsSpec{Server: "default", Groups: []v1alpha1.AlertRuleGroup{{Name: "availability", Rules: []v1alpha1.AlertRule{{
				Alert: "Broken", Expr: `broken{namespace="${namespace}"} > 0`, Labels: map[string]string{"severity": "critical"},
			}}}}},
			Strategy: v1alpha1.StrategySpec{
				Steps:         []v1alpha1.Step{step("first", 10), step("quarter", 25), step("half", 50)},
				VerifySeconds: new(int32(0)), ProgressDeadlineSeconds: new(int32(30)), DrainSeconds: new(int32(0)),
			},
		},
	}
}

// Hold makes every step, and the verification, last as many seconds.
func Hold(seconds int32) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) {
		for i := range sd.Spec.Strategy.Steps {
			sd.Spec.Strategy.Steps[i].HoldSeconds = &seconds
		}
		sd.Spec.Strategy.VerifySeconds = &seconds
	}
}

// Route is the user's route, with a rule of someone else's beside the
// service's.
func Route(namespace string) *gatewayv1.HTTPRoute {
	port := gatewayv1.PortNumber(80)
	ref := func(name string, weight *int32) gatewayv1.HTTPBackendRef {
		return gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{
			Weight: weight, BackendObjectReference: gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(name), Port: &port},
		}}
	}
	return &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: Name},
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "public"}}},
			Rules: []gatewayv1.HTTPRouteRule{
				{BackendRefs: []gatewayv1.HTTPBackendRef{ref(Name, new(int32(7)))}},
				{BackendRefs: []gatewayv1.HTTPBackendRef{ref("someone-else", new(int32(3)))}},
			},
		},
	}
}

// Because waits for a reason that the status gives.
func Because(reason string) Condition {
	return func(sd *v1alpha1.SignalDeployment) bool {
		for _, c := range sd.Status.Conditions {
			if c.Type == v1alpha1.ConditionReady && c.Reason == reason {
				return true
			}
		}
		return false
	}
}

// BeginHolding releases v1 without a hold, and brings v2 to the hold of its
// first weight.
func (y *Story) BeginHolding(t testing.TB) *Story {
	t.Helper()
	held := *y.SD.Spec.Strategy.DeepCopy()
	Hold(0)(y.SD)
	y.Begin()
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy = held })
	y.Ask("v2")
	y.Until("v2 holds its first weight", Holding("first"))
	return y
}

// Kubectl runs kubectl in the story's namespace and returns what it prints.
func (y *Story) Kubectl(args ...string) (string, error) {
	y.Helper()
	out, err := exec.CommandContext(y.Context(), y.kubectl, append([]string{"--kubeconfig", y.kubeconfig, "-n", y.Namespace}, args...)...).CombinedOutput()
	return string(out), err
}

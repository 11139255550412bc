package e2e

import (
	"cmp"
	"net"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// careful is the sample service with every validation that there is, in a hurry.
func careful(t *testing.T, namespace string) *v1alpha1.SignalDeployment {
	t.Helper()
	reader(t, namespace)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "watermark"}, StringData: map[string]string{"key": "e2e-" + namespace + "-0123456789abcdef"}}
	if err := shared.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	sd := cluster.SignalDeployment(namespace, image("v1.0.0"))
	sd.Spec.Replicas = new(int32(1))
	sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "http://" + cluster.Host(namespace), Address: entrance(t)}
	sd.Spec.Gates = []v1alpha1.Gate{{Name: "template", Template: &v1alpha1.TemplateGate{}}}
	sd.Spec.Checks = everyCheck(t)
	sd.Spec.Strategy = v1alpha1.StrategySpec{
		Steps: []v1alpha1.Step{
			{Name: "tenth", Weight: 10, HoldSeconds: new(int32(6))},
			{Name: "half", Weight: 50, HoldSeconds: new(int32(6))},
		},
		VerifySeconds: new(int32(6)), ProgressDeadlineSeconds: new(int32(40)), DrainSeconds: new(int32(2)),
	}
	sd.Spec.Rollback.WindowSeconds = new(int32(0))
	env(sd, "SIGNAL_FAULT_SWITCHES", "on")
	for _, variable := range databases(t) {
		name, value, _ := strings.Cut(variable, "=")
		env(sd, name, value)
	}
	c := &sd.Spec.Template.Spec.Containers[0]
	c.Env = append(c.Env,
		corev1.EnvVar{Name: "WATERMARK_RELEASE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['" + v1alpha1.LabelRelease + "']"}}},
		corev1.EnvVar{Name: "WATERMARK_KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "watermark"}, Key: "key"}}},
	)
	return sd
}

// databases starts PostgreSQL and Redis, once, and says where they are.
func databases(t *testing.T) []string {
	t.Helper()
	variables, err := shared.Databases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return variables
}

// entrance is the Gateway as host:port.
func entrance(t *testing.T) string {
	t.Helper()
	address, err := url.Parse(shared.Gateway)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(address.Hostname(), cmp.Or(address.Port(), "80"))
}

// everyCheck is every kind of check, in every place where it can be run.
func everyCheck(t *testing.T) v1alpha1.ChecksSpec {
	t.Helper()
	order := `{"symbol":"EURUSD","side":"buy","quantity":1}`
	all := []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover}
	json := []v1alpha1.HTTPHeader{{Name: "Content-Type", Value: "application/json"}}
	return v1alpha1.ChecksSpec{
		Smoke: []v1alpha1.SmokeCheck{
			{Name: "signals", TimeoutSeconds: 30, Stages: all, HTTP: &v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{
				{Path: "/healthz"},
				{Path: "/v1/signals", Expect: v1alpha1.HTTPExpectation{JSON: "size(body.signals) > 0", MaxLatencyMilliseconds: 700}},
				{Path: "/v1/signals/latest"},
				{Path: "/v1/orders", Method: "POST", Headers: json, Body: order, Expect: v1alpha1.HTTPExpectation{Status: []int32{201}}},
			}}},
			{Name: "stream", TimeoutSeconds: 30, HTTP: &v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{
				{Path: "/v1/signals/stream", Stream: &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamEvents, MinMessages: 2, WithinSeconds: 8}},
			}}},
		},
		CriticalPaths: []v1alpha1.CriticalPath{{Name: "signals", Path: "/v1/signals"}, {Name: "orders", Path: "/v1/orders"}},
		Security: &v1alpha1.SecuritySpec{
			Paths: []v1alpha1.ProbedPath{"/", "/v1/signals"}, ProtectedPaths: []v1alpha1.ProbedPath{"/v1/account"}, WritePaths: []v1alpha1.ProbedPath{"/v1/orders"},
			PublicPaths: []v1alpha1.ProbedPath{"/metrics"}, RatePerSecond: 100, TimeoutSeconds: 60, AfterCutover: v1alpha1.AfterCutoverEnabled,
		},
		Leaks: &v1alpha1.LeaksSpec{
			Paths: []v1alpha1.ProbedPath{"/v1/signals"}, WritePaths: []v1alpha1.ProbedPath{"/v1/orders"}, ServiceAccountName: "leaks",
			Echo: v1alpha1.EchoAllowed, RatePerSecond: 100, TimeoutSeconds: 60,
		},
		Watermark: &v1alpha1.WatermarkSpec{SecretName: "watermark", Path: "/v1/signals", Requests: 20, SplitRequests: 200},
		Load: v1alpha1.LoadSpec{Test: &v1alpha1.LoadTest{
			Requests:      []v1alpha1.LoadRequest{{Path: "/v1/signals", Weight: 4}, {Path: "/v1/orders", Method: "POST", Headers: json, Body: order}},
			RatePerSecond: 40, DurationSeconds: 6, Workers: 2, Edges: []v1alpha1.LoadEdge{v1alpha1.EdgeMalformed},
			Limits: v1alpha1.LoadLimits{P99Milliseconds: 1000, ErrorPercent: "1"}, TimeoutSeconds: 60,
		}},
	}
}

// reader is who may read logs of a namespace, as docs/leaks.md has it.
func reader(t *testing.T, namespace string) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "leaks"}
	for _, err := range []error{
		shared.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: meta}),
		shared.Create(t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"pods", "events"}, Verbs: []string{"list"}},
			{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
			{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{cluster.ServiceName + "-report"}, Verbs: []string{"get"}},
			{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"signaldeployments"}, ResourceNames: []string{cluster.ServiceName}, Verbs: []string{"get"}},
		}}),
		shared.Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: meta.Name}},
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

package admission_test

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/internal/release"
)

// permit is an attempt that must get through.
type permit struct {
	user    string
	attempt attempt
}

// allowed runs a table of permits.
func allowed(t *testing.T, cases map[string]permit) {
	t.Helper()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			for name, tc := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					user := tc.user
					if user == operator {
						user = g.operator
					}
					if err := tc.attempt(t.Context(), g.made, g.dry(user)); err != nil {
						t.Errorf("%s was told: %v", user, err)
					}
				})
			}
		})
	}
}

// operator stands for the operator's user, which differs by installation.
const operator = "operator"

// all is everything that the operator owns.
var all = []string{"deployment", "copy", "manifest", "archive", "report", "stable", "canary", "job", "budget", "rules"}

// TestPeopleMay is what people and their tools go on doing.
func TestPeopleMay(t *testing.T) {
	t.Parallel()
	cases := map[string]permit{
		"scale a release": {alice, func(ctx context.Context, m *made, c client.Client) error {
			d := m.copy("deployment")
			return c.SubResource("scale").Update(ctx, d, client.WithSubResourceBody(&autoscalingv1.Scale{
				ObjectMeta: metav1.ObjectMeta{Namespace: d.GetNamespace(), Name: d.GetName()}, Spec: autoscalingv1.ScaleSpec{Replicas: 7},
			}))
		}},
		"set its replicas":                    {alice, merge("deployment", `{"spec":{"replicas":7}}`)},
		"say again what it is":                {alice, apply("deployment", `{"spec":{"selector":{"matchLabels":{"delivery.signal.dev/name":"app","delivery.signal.dev/release":"%HASH%"}},"template":{"spec":{"containers":[{"name":"app","args":["serve"]}]}}}}`)},
		"make a Service a load balancer":      {alice, merge("stable", `{"spec":{"type":"LoadBalancer","externalTrafficPolicy":"Local"}}`)},
		"give a Service a node port":          {alice, strategic("stable", `{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}`)},
		"make clients of a Service stay":      {alice, merge("stable", `{"spec":{"sessionAffinity":"ClientIP"}}`)},
		"delete a pod":                        {alice, remove("pod")},
		"delete a ReplicaSet":                 {alice, remove("replicaset")},
		"take a pod out of service":           {alice, merge("pod", `{"metadata":{"labels":{"delivery.signal.dev/release":null}}}`)},
		"give a pod a label of theirs":        {alice, merge("pod", `{"metadata":{"labels":{"example.com/looked-at":"yes"}}}`)},
		"change what is labelled but theirs":  {alice, merge("labelled", `{"data":{"a":"b"}}`)},
		"relabel what is labelled but theirs": {alice, merge("labelled", `{"metadata":{"labels":{"delivery.signal.dev/name":"other"}}}`)},
		"delete what is labelled but theirs":  {alice, remove("labelled")},
		"make what is labelled but theirs": {alice, create(func(m *made) client.Object {
			return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: "another", Labels: release.Labels(m.sd.Name)}}
		})},
		"make what a SignalDeployment owns but does not control": {alice, create(func(m *made) client.Object {
			o := &corev1.ConfigMap{ObjectMeta: m.forged("another")}
			o.OwnerReferences[0].Controller = nil
			return o
		})},
		"own what something else controls": {alice, create(func(m *made) client.Object {
			o := &corev1.ConfigMap{ObjectMeta: m.forged("another")}
			o.OwnerReferences[0].APIVersion, o.OwnerReferences[0].Kind = "example.com/v1", "SignalDeployment"
			return o
		})},
		"change their own pod":               {alice, strategic("own pod", `{"spec":{"containers":[{"name":"app","image":"other"}]}}`)},
		"release something else":             {alice, merge("sd", `{"spec":{"version":"v2","template":{"metadata":{"labels":{"tier":"web"}}}}}`)},
		"delete the SignalDeployment":        {alice, remove("sd", client.PropagationPolicy(metav1.DeletePropagationForeground))},
		"write a status that says no more":   {alice, status("sd", `{"metadata":{"annotations":{"a":"b"}}}`)},
		"make an unrelated Deployment":       {alice, create(func(m *made) client.Object { return unrelated(m.sd.Namespace) })},
		"change a load balancer's addresses": {loadBalancer, status("stable", `{"metadata":{"finalizers":["example.com/hold"]},"status":{"loadBalancer":{}}}`)},
	}
	for _, what := range append([]string{"pod", "replicaset", "check pod"}, all...) {
		cases["annotate a "+what] = permit{alice, merge(what, `{"metadata":{"annotations":{"example.com/note":"seen"}}}`)}
		cases["label a "+what] = permit{alice, merge(what, `{"metadata":{"labels":{"argocd.argoproj.io/instance":"app"}}}`)}
		cases["write a "+what+" back unchanged"] = permit{alice, update(what, func(client.Object) {})}
	}
	allowed(t, cases)
}

// TestOperatorMay is more than the operator does.
func TestOperatorMay(t *testing.T) {
	t.Parallel()
	cases := map[string]permit{
		"point a Service elsewhere": {operator, merge("stable", `{"spec":{"selector":{"delivery.signal.dev/release":"0000000000"}}}`)},
		"scale":                     {operator, merge("deployment", `{"spec":{"replicas":0}}`)},
		"rewrite the report":        {operator, merge("report", `{"data":{"report.md":"# Later"}}`)},
		"write its memory":          {operator, status("sd", `{"status":{"phase":"Succeeded"}}`)},
		"hold the object":           {operator, merge("sd", `{"metadata":{"finalizers":["delivery.signal.dev/routes"]}}`)},
		"hand a request on":         {operator, merge("sd", `{"metadata":{"annotations":{"delivery.signal.dev/abort":"1"}}}`)},
		"make a copy": {operator, create(func(m *made) client.Object {
			return &corev1.ConfigMap{ObjectMeta: m.forged("app-0000000000-settings"), Immutable: new(true)}
		})},
		"retire a release":  {operator, remove("deployment")},
		"retire a copy":     {operator, remove("copy")},
		"retire a manifest": {operator, remove("manifest")},
		"retire a report":   {operator, remove("archive")},
		"retire rules":      {operator, remove("rules")},
	}
	allowed(t, cases)
}

// TestKubernetesMay is what its own controllers must go on doing, or nothing
// would ever be cleaned up, counted or run.
func TestKubernetesMay(t *testing.T) {
	t.Parallel()
	cases := map[string]permit{
		"roll out":                   {system + "deployment-controller", merge("deployment", `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"2"}}}`)},
		"count pods of a release":    {system + "deployment-controller", status("deployment", `{"status":{"replicas":1,"readyReplicas":1}}`)},
		"change a ReplicaSet":        {system + "deployment-controller", strategic("replicaset", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"other"}]}}}}`)},
		"count pods of a ReplicaSet": {system + "replicaset-controller", status("replicaset", `{"status":{"replicas":1}}`)},
		"let a pod go":               {system + "replicaset-controller", merge("pod", disown)},
		"count pods of a Job":        {system + "job-controller", status("job", `{"status":{"active":1,"startTime":"2030-01-01T00:00:00Z","ready":0}}`)},
		"count pods of a budget":     {system + "disruption-controller", status("budget", `{"status":{"currentHealthy":1}}`)},
		"delete a Job past its time": {system + "ttl-after-finished-controller", remove("job", client.PropagationPolicy(metav1.DeletePropagationForeground))},
		"run a pod":                  {node, status("pod", `{"status":{"phase":"Running","podIP":"10.0.0.7","conditions":[{"type":"Ready","status":"True"}]}}`)},
		"end a check's pod":          {node, status("check pod", `{"status":{"phase":"Succeeded"}}`)},
		"make a ReplicaSet, as one": {manager, create(func(m *made) client.Object {
			return replicaSet(m.objects["deployment"].(*appsv1.Deployment), "7c8d")
		})},
		"make a pod, as one":         {manager, create(func(m *made) client.Object { return another(m, "pod") })},
		"make a pod of a Job":        {system + "job-controller", create(func(m *made) client.Object { return another(m, "check pod") })},
		"make a pod of a ReplicaSet": {system + "replicaset-controller", create(func(m *made) client.Object { return another(m, "pod") })},
		"make a ReplicaSet": {system + "deployment-controller", create(func(m *made) client.Object {
			return replicaSet(m.objects["deployment"].(*appsv1.Deployment), "7c8d")
		})},
		"delete a whole namespace": {system + "namespace-controller", func(ctx context.Context, m *made, c client.Client) error {
			return c.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(m.sd.Namespace))
		}},
		"count pods of a Job, as one": {manager, status("job", `{"status":{"active":1,"startTime":"2030-01-01T00:00:00Z"}}`)},
		"count pods of a set, as one": {manager, status("deployment", `{"status":{"replicas":1}}`)},
		"change a ReplicaSet, as one": {manager, strategic("replicaset", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"other"}]}}}}`)},
	}
	for _, what := range all {
		cases["collect a "+what] = permit{collector, remove(what, client.PropagationPolicy(metav1.DeletePropagationBackground))}
		cases["collect a "+what+", as one"] = permit{manager, remove(what)}
		cases["orphan a "+what] = permit{collector, merge(what, disown)}
		cases["delete a "+what+" with its namespace"] = permit{system + "namespace-controller", remove(what)}
	}
	allowed(t, cases)
}

func another(m *made, what string) client.Object {
	pod := m.copy(what).(*corev1.Pod)
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, GenerateName: "another-", Labels: pod.Labels, OwnerReferences: pod.OwnerReferences}, Spec: container()}
}

func unrelated(namespace string) *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "unrelated", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}}},
		},
	}
}

// TestKubernetesMayNot is what none of its controllers does, so that nobody
// gets to do it in their name.
func TestKubernetesMayNot(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			for name, tc := range map[string]permit{
				"change a release":           {manager, merge("deployment", `{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}`)},
				"change a report":            {manager, merge("report", `{"data":{"report.md":"# Good"}}`)},
				"lead traffic elsewhere":     {manager, merge("stable", `{"spec":{"selector":null}}`)},
				"relabel a release":          {collector, merge("deployment", `{"metadata":{"labels":{"delivery.signal.dev/name":"other"}}}`)},
				"write an operator's memory": {manager, status("sd", `{"status":{"phase":"Succeeded"}}`)},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					wantRefused(t, tc.user, tc.attempt(t.Context(), g.made, g.dry(tc.user)), "ValidatingAdmissionPolicy")
				})
			}
		})
	}
}

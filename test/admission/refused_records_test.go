package admission_test

import (
	"context"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

const onlyOperator = "only the operator makes what a SignalDeployment controls"

// TestRecordsAreFrozen tries to change what a release was configured with, and
// what is remembered of it.
func TestRecordsAreFrozen(t *testing.T) {
	t.Parallel()
	const immutable, record = "field is immutable when `immutable` is set", "is a record of SignalDeployment \"app\" and does not change"
	forged := func(name string) attempt {
		return create(func(m *made) client.Object {
			return &corev1.ConfigMap{ObjectMeta: m.forged(name), Immutable: new(true), Data: map[string]string{"COLOUR": "red"}}
		})
	}
	refused(t, map[string]refusal{
		"data of a copy":                   {merge("copy", `{"data":{"COLOUR":"red"}}`), immutable},
		"data of a copy, by apply":         {apply("copy", `{"data":{"COLOUR":"red"}}`), immutable},
		"binary data of a copy":            {merge("copy", `{"binaryData":{"COLOURS":"cmVk"}}`), immutable},
		"a copy made mutable":              {merge("copy", `{"immutable":null}`), immutable},
		"a manifest":                       {merge("manifest", `{"data":{"manifest.json":"{}"}}`), immutable},
		"an archived report":               {merge("archive", `{"data":{"report.md":"# Splendid"}}`), immutable},
		"the latest report":                {merge("report", `{"data":{"report.md":"# Good"}}`), record},
		"the latest report, by apply":      {apply("report", `{"data":{"report.md":"# Good"}}`), record},
		"the latest report, by update":     {update("report", func(cm *corev1.ConfigMap) { delete(cm.Data, "report.json") }), record},
		"binary data of the latest report": {merge("report", `{"binaryData":{"report.html":"cmVk"}}`), record},
		"the latest report made immutable": {merge("report", `{"immutable":true}`), record},
		"a manifest deleted":               {remove("manifest"), "delete the SignalDeployment instead"},
		"all that has the label deleted": {func(ctx context.Context, m *made, c client.Client) error {
			return c.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(m.sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: m.sd.Name})
		}, "delete the SignalDeployment instead"},
		"a manifest made before its release": {forged("app-manifest-0000000000"), onlyOperator},
		"a copy made before its release":     {forged("app-0000000000-settings"), onlyOperator},
		"one's own made the operator's, by its owner": {func(ctx context.Context, m *made, c client.Client) error {
			o := m.copy("labelled")
			before := o.DeepCopyObject().(client.Object)
			o.SetOwnerReferences(m.forged("").OwnerReferences)
			return c.Patch(ctx, o, client.MergeFrom(before))
		}, "is the operator's to set and to remove"},
	})
}

// TestJudgesAreFrozen tries to make a check pass that did not.
func TestJudgesAreFrozen(t *testing.T) {
	t.Parallel()
	refused(t, map[string]refusal{
		"a Job that is said to be complete": {status("job", `{"status":{"succeeded":1,"startTime":"2030-01-01T00:00:00Z","completionTime":"2030-01-01T00:00:00Z",
			"conditions":[{"type":"SuccessCriteriaMet","status":"True"},{"type":"Complete","status":"True"}]}}`), "is what Kubernetes has seen"},
		"a Job that is said to have failed": {status("job", `{"status":{"failed":1}}`), "is what Kubernetes has seen"},
		"a Job made before its release": {create(func(m *made) client.Object {
			return &batchv1.Job{ObjectMeta: m.forged("app-0000000000-1-resolve"), Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: container()}}}
		}), onlyOperator},
		"a Job deleted, to be made again":   {remove("job"), "delete the SignalDeployment instead"},
		"an alert that does not fire":       {merge("rules", `{"spec":{"groups":[]}}`), "change the SignalDeployment instead"},
		"an alert with another threshold":   {operations("rules", `[{"op":"replace","path":"/spec/groups/0/rules/0/expr","value":"errors > 1e9"}]`), "change the SignalDeployment instead"},
		"a budget that lets all pods go":    {merge("budget", `{"spec":{"maxUnavailable":"100%"}}`), "change the SignalDeployment instead"},
		"a budget of other pods":            {update("budget", func(b *policyv1.PodDisruptionBudget) { b.Spec.Selector.MatchLabels = map[string]string{"a": "b"} }), "change the SignalDeployment instead"},
		"the memory of what was verified":   {status("sd", `{"status":{"candidate":{"hash":"0000000000","digest":"`+digest+`"}}}`), "only the operator writes it"},
		"the memory of how far it has come": {status("sd", `{"status":{"phase":"Succeeded"}}`), "only the operator writes it"},
		"the memory, by update": {func(ctx context.Context, m *made, c client.Client) error {
			sd := m.copy("sd").(*v1alpha1.SignalDeployment)
			if err := c.Get(ctx, client.ObjectKeyFromObject(sd), sd); err != nil {
				return err
			}
			sd.Status.Phase = v1alpha1.PhaseSucceeded
			return c.Status().Update(ctx, sd)
		}, "only the operator writes it"},
	})
}

// TestTrafficIsFrozen tries to lead traffic elsewhere.
func TestTrafficIsFrozen(t *testing.T) {
	t.Parallel()
	const leads = "leads is the operator's: change spec.service of SignalDeployment \"app\" instead"
	cases := map[string]refusal{}
	for _, what := range []string{"stable", "canary"} {
		for name, tc := range map[string]refusal{
			"selects another release":          {merge(what, `{"spec":{"selector":{"delivery.signal.dev/release":"0000000000"}}}`), leads},
			"selects pods of someone else":     {update(what, func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "mine"} }), leads},
			"selects nothing":                  {merge(what, `{"spec":{"selector":null}}`), leads},
			"selects otherwise, by apply":      {apply(what, `{"spec":{"selector":{"delivery.signal.dev/release":"0000000000"},"ports":[{"port":80,"targetPort":8080}]}}`), leads},
			"leads to another port":            {update(what, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(9999) }), leads},
			"listens on another port":          {update(what, func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 }), leads},
			"calls its port otherwise":         {update(what, func(s *corev1.Service) { s.Spec.Ports[0].Name = "web" }), leads},
			"speaks UDP":                       {update(what, func(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP }), leads},
			"speaks another protocol":          {update(what, func(s *corev1.Service) { s.Spec.Ports[0].AppProtocol = new("kubernetes.io/h2c") }), leads},
			"has a port more":                  {strategic(what, `{"spec":{"ports":[{"name":"debug","port":6060}]}}`), leads},
			"leads to pods that are not ready": {merge(what, `{"spec":{"publishNotReadyAddresses":true}}`), leads},
			"leads out of the cluster":         {merge(what, `{"spec":{"type":"ExternalName","externalName":"evil.example","clusterIP":null,"clusterIPs":null}}`), leads},
			"takes an address":                 {merge(what, `{"spec":{"externalIPs":["203.0.113.7"]}}`), leads},
		} {
			cases[what+" "+name] = tc
		}
	}
	cases["a Service made in the operator's name"] = refusal{create(func(m *made) client.Object {
		return &corev1.Service{ObjectMeta: m.forged("other"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	}), onlyOperator}
	cases["a Service taken over by its owner"] = refusal{func(ctx context.Context, m *made, c client.Client) error {
		o := m.copy("own service")
		o.SetLabels(release.Labels(m.sd.Name))
		o.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(m.sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))})
		return c.Update(ctx, o)
	}, "is the operator's to set and to remove"}
	refused(t, cases)
}

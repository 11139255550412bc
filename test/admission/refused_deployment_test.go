package admission_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDeploymentIsFrozen tries to make a release run something else.
func TestDeploymentIsFrozen(t *testing.T) {
	t.Parallel()
	const next = "change spec.template or spec.artifact of SignalDeployment \"app\" instead"
	pod := func(change func(*corev1.PodTemplateSpec)) attempt {
		return update("deployment", func(d *appsv1.Deployment) { change(&d.Spec.Template) })
	}
	refused(t, map[string]refusal{
		"image, by JSON patch":          {operations("deployment", `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"evil"}]`), next},
		"image, by strategic patch":     {strategic("deployment", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"evil"}]}}}}`), next},
		"image, by server-side apply":   {apply("deployment", `{"spec":{"selector":{"matchLabels":{"delivery.signal.dev/name":"app","delivery.signal.dev/release":"%HASH%"}},"template":{"spec":{"containers":[{"name":"app","image":"evil"}]}}}}`), next},
		"image, by update":              {pod(func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "evil" }), next},
		"environment":                   {pod(func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Env[0].Value = "debug" }), next},
		"environment from elsewhere":    {pod(func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].EnvFrom[0].ConfigMapRef.Name = "mine" }), next},
		"command":                       {pod(func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Command = []string{"sh"} }), next},
		"arguments":                     {pod(func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Args = nil }), next},
		"a second container":            {strategic("deployment", `{"spec":{"template":{"spec":{"containers":[{"name":"miner","image":"evil"}]}}}}`), next},
		"a container that comes first":  {strategic("deployment", `{"spec":{"template":{"spec":{"initContainers":[{"name":"miner","image":"evil"}]}}}}`), next},
		"service account":               {merge("deployment", `{"spec":{"template":{"spec":{"serviceAccountName":"admin"}}}}`), next},
		"volumes":                       {merge("deployment", `{"spec":{"template":{"spec":{"volumes":[{"name":"host","hostPath":{"path":"/"}}]}}}}`), next},
		"host network":                  {merge("deployment", `{"spec":{"template":{"spec":{"hostNetwork":true}}}}`), next},
		"privileges":                    {strategic("deployment", `{"spec":{"template":{"spec":{"containers":[{"name":"app","securityContext":{"privileged":true}}]}}}}`), next},
		"pull secrets":                  {merge("deployment", `{"spec":{"template":{"spec":{"imagePullSecrets":[{"name":"mine"}]}}}}`), next},
		"resources":                     {strategic("deployment", `{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"1Mi"}}}]}}}}`), next},
		"where its pods run":            {merge("deployment", `{"spec":{"template":{"spec":{"nodeSelector":{"mine":"yes"}}}}}`), next},
		"what stops its pods":           {merge("deployment", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":0}}}}`), next},
		"a label of its pods":           {merge("deployment", `{"spec":{"template":{"metadata":{"labels":{"tier":"other"}}}}}`), next},
		"the restart annotation":        {merge("deployment", `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}`), next},
		"the same, with its replicas":   {merge("deployment", `{"spec":{"replicas":9,"template":{"metadata":{"annotations":{"a":"b"}}}}}`), next},
		"how its pods are replaced":     {merge("deployment", `{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}`), next},
		"when its pods count":           {merge("deployment", `{"spec":{"minReadySeconds":60}}`), next},
		"a pause":                       {merge("deployment", `{"spec":{"paused":true}}`), next},
		"a field that goes":             {merge("deployment", `{"spec":{"minReadySeconds":null}}`), next},
		"a field that has a default":    {merge("deployment", `{"spec":{"revisionHistoryLimit":null}}`), next},
		"selector":                      {merge("deployment", `{"spec":{"selector":{"matchLabels":{"more":"x"}},"template":{"metadata":{"labels":{"more":"x"}}}}}`), "field is immutable"},
		"the status that is judged":     {status("deployment", `{"status":{"readyReplicas":9,"availableReplicas":9,"replicas":9}}`), "is what Kubernetes has seen"},
		"a condition that is judged":    {status("deployment", `{"status":{"conditions":[{"type":"Available","status":"True"}]}}`), "is what Kubernetes has seen"},
		"deletion":                      {remove("deployment"), "delete the SignalDeployment instead"},
		"deletion that leaves its pods": {remove("deployment", client.PropagationPolicy(metav1.DeletePropagationOrphan)), "delete the SignalDeployment instead"},
		"a release of one's own": {create(func(m *made) client.Object {
			d := &appsv1.Deployment{ObjectMeta: m.forged("app-0000000000")}
			d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
			d.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: container()}
			d.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyAlways
			return d
		}), "only the operator makes what a SignalDeployment controls"},
	})
}

// TestIdentity tries to make the operator lose an object, or take one for
// another.
func TestIdentity(t *testing.T) {
	t.Parallel()
	cases := map[string]refusal{}
	for _, what := range []string{"deployment", "copy", "manifest", "archive", "report", "stable", "canary", "job", "budget", "rules"} {
		labels, owner := "are the operator's, which finds it by them for SignalDeployment \"app\"", "to SignalDeployment \"app\" is the operator's to set and to remove"
		for name, tc := range map[string]refusal{
			"without its name":           {merge(what, `{"metadata":{"labels":{"delivery.signal.dev/name":null}}}`), labels},
			"without any label":          {merge(what, `{"metadata":{"labels":null}}`), labels},
			"moved to another object":    {merge(what, `{"metadata":{"labels":{"delivery.signal.dev/name":"other"}}}`), labels},
			"moved to another release":   {merge(what, `{"metadata":{"labels":{"delivery.signal.dev/release":"0000000000"}}}`), labels},
			"with a label more":          {merge(what, `{"metadata":{"labels":{"delivery.signal.dev/attempt":"7"}}}`), labels},
			"labelled by apply":          {apply(what, `{"metadata":{"labels":{"delivery.signal.dev/name":"other"}}}`), labels},
			"without an owner":           {merge(what, disown), owner},
			"with another owner":         {merge(what, `{"metadata":{"ownerReferences":[{"apiVersion":"delivery.signal.dev/v1alpha1","kind":"SignalDeployment","name":"app","uid":"another","controller":true}]}}`), owner},
			"with an owner in name only": {operations(what, `[{"op":"replace","path":"/metadata/ownerReferences/0/controller","value":false}]`), owner},
			"deleted":                    {remove(what), "delete the SignalDeployment instead"},
		} {
			cases[what+" "+name] = tc
		}
	}
	for _, what := range []string{"stable", "job", "budget"} { // a Deployment's status takes no labels
		cases[what+" moved through its status"] = refusal{status(what, `{"metadata":{"labels":{"delivery.signal.dev/name":"other"}}}`), "are the operator's, which finds it by them"}
	}
	for _, what := range []string{"deployment", "stable", "budget"} {
		cases[what+" disowned through its status"] = refusal{status(what, disown), "is the operator's to set and to remove"}
	}
	refused(t, cases)
}

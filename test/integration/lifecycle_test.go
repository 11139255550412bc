package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// Failure mode 16: deleting the object in any phase leaves the routes as the
// user wrote them, and never the Service without ready endpoints before the
// workload goes.
func TestFailureMode16DeletionInEachPhase(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string]func(*testing.T) *stage.Story{
		"at rest": func(t *testing.T) *stage.Story {
			t.Helper()
			return on.Story(t).Begin()
		},
		"in a step": func(t *testing.T) *stage.Story {
			t.Helper()
			y, _ := begun(t)
			return y
		},
		"while checking": func(t *testing.T) *stage.Story {
			t.Helper()
			y := on.Story(t).Begin()
			y.World.Misbehave(y.Namespace, stage.Faults{Job: "hang"})
			y.Ask("v2")
			y.Until("v2 is being checked", stage.In(v1alpha1.PhaseChecking))
			return y
		},
		"while verifying": func(t *testing.T) *stage.Story {
			t.Helper()
			y, _ := begun(t)
			y.Annotate(v1alpha1.AnnotationPromote, y.SD.Status.Candidate.Hash)
			y.Until("v2 is verified", stage.In(v1alpha1.PhaseVerifying))
			return y
		},
		"rolled back": func(t *testing.T) *stage.Story {
			t.Helper()
			y, _ := begun(t)
			y.Annotate(v1alpha1.AnnotationAbort, "now")
			y.Rest("v2 is aborted", stage.RolledBack)
			return y
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := reach(t)
			if err := y.Client.Delete(t.Context(), y.SD); err != nil {
				t.Fatal(err)
			}
			gone(t, y)
			route := &gatewayv1.HTTPRoute{}
			if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, route); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stage.Route(y.Namespace).Spec.Rules[0].BackendRefs[0].Weight, route.Spec.Rules[0].BackendRefs[0].Weight); diff != "" || len(route.Spec.Rules[0].BackendRefs) != 1 {
				t.Errorf("the route is not at rest: %+v", route.Spec.Rules[0].BackendRefs)
			}
		})
	}
}

// gone waits until the object is gone; until then its Service keeps what it
// had: while the Deployments live, at least one ready endpoint.
func gone(t *testing.T, y *stage.Story) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		sd := &v1alpha1.SignalDeployment{}
		err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, sd)
		if apierrors.IsNotFound(err) {
			return
		}
		slice := &discoveryv1.EndpointSlice{}
		if y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name + "-stage"}, slice) == nil && !anyReady(slice) {
			t.Fatal("the Service has no ready endpoint, and the object is still there")
		}
	}
	t.Fatal("the object is not gone")
}

func anyReady(slice *discoveryv1.EndpointSlice) bool {
	for _, e := range slice.Endpoints {
		if *e.Conditions.Ready {
			return true
		}
	}
	return false
}

// Failure mode 15: a Service that runs already is not taken over silently, and
// when it is handed over, its selector changes only once the first release has
// passed its checks.
func TestFailureMode15AdoptingARunningService(t *testing.T) {
	t.Parallel()
	y := on.Story(t)
	legacy := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: stage.Name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "legacy"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	if err := y.Client.Create(t.Context(), legacy); err != nil {
		t.Fatal(err)
	}
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "hang"})
	y.Operator = on.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Until("the foreign Service is named", stage.Because("ForeignObject"))
	y.Stalled(`Service "app"`, "delivery.signal.dev/adopt=app")

	metav1.SetMetaDataAnnotation(&legacy.ObjectMeta, v1alpha1.AnnotationAdopt, stage.Name)
	if err := y.Client.Update(t.Context(), legacy); err != nil {
		t.Fatal(err)
	}
	y.Until("the release is being checked", stage.In(v1alpha1.PhaseChecking))
	service := &corev1.Service{}
	if err := y.Client.Get(t.Context(), client.ObjectKeyFromObject(legacy), service); err != nil {
		t.Fatal(err)
	}
	if service.Spec.Selector["app"] != "legacy" {
		t.Errorf("the selector changed before the checks had passed: %v", service.Spec.Selector)
	}
	y.World.Misbehave(y.Namespace, stage.Faults{})
	y.Annotate(v1alpha1.AnnotationAbort, "the hanging check")
	y.Until("it is aborted", stage.Failed)
	y.Annotate(v1alpha1.AnnotationRetry, "again")
	y.Rest("the release serves", stage.Succeeded)
	if err := y.Client.Get(t.Context(), client.ObjectKeyFromObject(legacy), service); err != nil {
		t.Fatal(err)
	}
	if service.Spec.Selector[v1alpha1.LabelRelease] != y.SD.Status.Stable.Hash || service.Spec.ClusterIP != legacy.Spec.ClusterIP {
		t.Errorf("selector %v, address %s, was %s", service.Spec.Selector, service.Spec.ClusterIP, legacy.Spec.ClusterIP)
	}
}

// What the schema cannot see is Stalled with the field's name, starts nothing,
// and goes on when corrected.
func TestFailureMode43InvalidSpecs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*v1alpha1.SignalDeployment)
		words []string
	}{
		"a query that is no PromQL": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].Query = "rate(x[" }, []string{"spec.analysis.metrics[0]", "query"}},
		"an unknown variable":       {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].Query = "x{a=\"${pod}\"}" }, []string{"metrics[0]", "${pod}"}},
		"an unknown metric server":  {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].Server = "other" }, []string{"metrics[0]", "other", "default"}},
		"an objective of no PromQL": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Analysis.SLOs = []v1alpha1.SLO{objective("publish", func(s *v1alpha1.SLO) { s.Operation.Matchers = `a="b" c="d"` })}
		}, []string{"spec.analysis.slos[0].operation.matchers", "publish"}},
		"a rule that is no PromQL": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Groups[0].Rules[0].Expr = "up ==" }, []string{"spec.alerts.groups[0]", "availability", "Broken"}},
		"a rule file that is not there": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Alerts.RulesFrom = []v1alpha1.ConfigMapKey{{Name: "rules", Key: "r"}}
		}, []string{"spec.alerts.rulesFrom[0]", "rules"}},
		"a container that is not there": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Artifact.Container = "other" }, []string{"spec.artifact.container", "other"}},
		"an expectation that is no CEL": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Smoke[0].HTTP.Requests[0].Expect.JSON = "body." }, []string{"spec.checks.smoke[0]", "json"}},
		"an attestation rule that is no CEL": {func(sd *v1alpha1.SignalDeployment) {
			signer := v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{ConfigMap: &v1alpha1.ConfigMapFile{Name: "keys", Key: "k"}}}}
			sd.Spec.Artifact.Attestations = []v1alpha1.AttestationPolicy{{Name: "sbom", PredicateType: "x", Signer: signer, Rules: []v1alpha1.AttestationRule{{Expression: "predicate ="}}}}
		}, []string{"spec.artifact.attestations[0].rules[0].expression"}},
		"a key that is none": {func(sd *v1alpha1.SignalDeployment) {
			signer := v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n"}}}
			sd.Spec.Artifact.Signatures = []v1alpha1.SignaturePolicy{{Name: "us", Signer: signer}}
		}, []string{"spec.artifact.signatures[0].signer.publicKeys[0].pem"}},
		"a value that nothing captures": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Smoke[0].HTTP.Requests[0].Body = "${token}" }, []string{"spec.checks.smoke[0]", "http.requests[0].body", "${token}"}},
		"a schema that is elsewhere": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Checks.Smoke[0].HTTP.Requests[0].Expect.JSONSchema = `{"$ref":"https://schemas.example/signal"}`
		}, []string{"spec.checks.smoke[0]", "http.requests[0].expect.jsonSchema", "another document"}},
		"TLS for an image of one's own": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Checks.Smoke[0] = v1alpha1.SmokeCheck{Name: "alive", TimeoutSeconds: 60, Job: &v1alpha1.JobCheck{Image: "own"}, TLS: &v1alpha1.CheckTLS{ServerName: "a"}}
		}, []string{"spec.checks.smoke[0]", "tls", "an image of your own"}},
		"a port that is not there": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Smoke[0].HTTP.Port = "grpc" }, []string{"spec.checks.smoke[0]", "grpc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := on.Story(t)
			good := y.SD.DeepCopy()
			tc.spoil(y.SD)
			y.Operator = on.Operator(t, y.Namespace, nil)
			y.Apply()
			y.Until("it is stalled", stage.Because("InvalidSpec"))
			y.Stalled(tc.words...)
			deployments := &appsv1.DeploymentList{}
			if err := y.Client.List(t.Context(), deployments, client.InNamespace(y.Namespace)); err != nil || len(deployments.Items) > 0 {
				t.Errorf("it started %d Deployments (%v)", len(deployments.Items), err)
			}
			y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec = good.Spec })
			y.Rest("it is released once corrected", stage.Succeeded)
		})
	}
}

// Registries that give no image are told from those that give no answer.
func TestAnImageThatIsNotThere(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.AskAgain("never-pushed")
	y.Rest("the release has failed", stage.Failed)
	y.Stalled("never-pushed")
	if y.SD.Status.Reason != "ImageNotFound" {
		t.Errorf("reason %s", y.SD.Status.Reason)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Report.HistoryLimit = new(int32(2)) }).Begin()
	for n := 2; n <= 5; n++ {
		was := y.SD.Status.Stable.Hash
		y.Ask("v" + strconv.Itoa(n))
		y.Rest("the next is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != was })
	}
	end := ""
	for range 500 { // what falls out of history goes a reconcile later
		end = y.End()
		if strings.Count(end, "deployment ") == 2 && strings.Count(end, "configmap app-report-") == 2 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("more than the last two releases are kept:\n%s", end)
}

// kubectl waits for the condition as it is.
func TestKubectlWait(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	if out, err := y.Kubectl("wait", "--for=condition=Ready", "--timeout=20s", "sigdep/"+stage.Name); err != nil || !strings.Contains(out, "condition met") {
		t.Errorf("%s %v", out, err)
	}
	if out, err := y.Kubectl("get", "sigdep", stage.Name); err != nil || !strings.Contains(out, "Succeeded") || !strings.Contains(out, "v1-"+y.Namespace) {
		t.Errorf("%s %v", out, err)
	}
}

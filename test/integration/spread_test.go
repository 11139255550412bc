package integration

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/internal/prober/leaks/search"
	"github.com/signal-delivery/operator/test/stage"
)

// journal keeps what an operator logs, as much as its flags let it: at debug,
// which is below what client libraries log bodies at.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) logger() logr.Logger {
	return funcr.NewJSON(func(line string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.lines = append(j.lines, line)
	}, funcr.Options{Verbosity: 1})
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// spread is all that the operator writes about a release, but for what it
// makes of the spec.
func spread(t *testing.T, y *stage.Story, log *journal) map[string]string {
	t.Helper()
	all := map[string]string{"log": log.text()}
	if all["log"] == "" {
		t.Error("nothing was logged")
	}
	encode := func(where string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		all[where] += string(text) + "\n"
	}
	y.Read()
	encode("status", y.SD.Status)
	events := &corev1.EventList{}
	if err := y.Client.List(t.Context(), events, client.InNamespace(y.Namespace)); err != nil || len(events.Items) == 0 {
		t.Fatalf("%d events, %v", len(events.Items), err)
	}
	encode("events", events)
	maps := &corev1.ConfigMapList{}
	if err := y.Client.List(t.Context(), maps, client.InNamespace(y.Namespace)); err != nil {
		t.Fatal(err)
	}
	for _, cm := range maps.Items {
		switch {
		case strings.HasPrefix(cm.Name, stage.Name+"-report"):
			encode("report", cm)
		case strings.HasPrefix(cm.Name, stage.Name+"-manifest"):
			encode("manifest", cm)
		}
	}
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	all["metrics"] = text.String()
	return all
}

func portOf(t *testing.T, server *httptest.Server) *intstr.IntOrString {
	t.Helper()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return new(intstr.FromInt32(int32(number)))
}

// A secret in any place that users write is not spread by the operator.
func TestTheOperatorSpreadsNoSecret(t *testing.T) {
	t.Parallel()
	var secrets []fake.Secret
	of := func(place string) string {
		class := fake.Classes()[slices.IndexFunc(fake.Classes(), func(c fake.Class) bool { return c.Name == "StripeKey" })]
		s := fake.Mint([]byte(t.Name()), "", "", class, place)
		secrets = append(secrets, s)
		return s.Text
	}
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Annotations = map[string]string{
			"example.com/note":         of("an annotation"),
			v1alpha1.AnnotationApprove: of("an approval of something else"),
			v1alpha1.AnnotationAbort:   of("a request"),
		}
		sd.Labels = map[string]string{"example.com/label": of("a label")}
		c := &sd.Spec.Template.Spec.Containers[0]
		c.Env = []corev1.EnvVar{{Name: "DATABASE_PASSWORD", Value: of("the template's environment")}}
		c.Args = []string{"--token=" + of("an argument")}
		sd.Spec.Template.Annotations = map[string]string{"example.com/note": of("an annotation of the template")}
		sd.Spec.Checks.Smoke[0].HTTP.Requests[0] = v1alpha1.HTTPRequest{
			Path: "/?token=" + of("a query of a smoke check"), Method: "POST", Body: of("a body of a smoke check"),
			Headers: []v1alpha1.HTTPHeader{{Name: "Authorization", Value: of("a header of a smoke check")}},
			Expect:  v1alpha1.HTTPExpectation{JSON: `body.token == "` + of("what a smoke check expects") + `"`},
		}
		sd.Spec.Checks.Smoke = append(sd.Spec.Checks.Smoke, v1alpha1.SmokeCheck{Name: "own", TimeoutSeconds: 60, Job: &v1alpha1.JobCheck{
			Image: "registry.example/acme/contract:v1", Args: []string{of("an argument of a Job")},
			Env: []v1alpha1.CheckEnv{{Name: "TOKEN", Value: of("the environment of a Job")}},
		}})
		sd.Spec.Checks.Load.Background = &v1alpha1.BackgroundLoad{RatePerSecond: 1, TimeoutSeconds: 2, Requests: []v1alpha1.LoadRequest{{
			Path: "/?token=" + of("a query of load"), Method: "POST", Body: of("a body of load"),
			Headers: []v1alpha1.HTTPHeader{{Name: "Authorization", Value: of("a header of load")}},
		}}}
		rule := &sd.Spec.Alerts.Groups[0].Rules[0]
		rule.Annotations = map[string]string{"summary": of("an annotation of an alert")}
		sd.Spec.Gates = []v1alpha1.Gate{{Name: "rule", Expression: &v1alpha1.ExpressionGate{Rule: `object.metadata.name != "` + of("the rule of a gate") + `"`}}}
	})
	var log journal
	y.Log = log.logger()
	y.Begin()
	reportOf(t, y)
	// A Job of the user's tells all it knows.
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "fail", Says: "cannot sign in with " + of("the last words of a Job")})
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	reportOf(t, y)

	index := search.New(secrets)
	got := map[string][]string{}
	for where, text := range spread(t, y, &log) {
		for _, f := range index.Search([]byte(text)) {
			if place := secrets[f.Secret].Channel; !slices.Contains(got[place], where) {
				got[place] = append(got[place], where)
			}
		}
	}
	for _, places := range got {
		slices.Sort(places)
	}
	handled := []string{"status"}    // so that a request is handled once; it stays on the object that has it
	recorded := []string{"manifest"} // what the release is made of, so that it can be told whether that was changed
	want := map[string][]string{
		"a request": handled, "an approval of something else": handled,
		"the template's environment": recorded, "an argument": recorded, "an annotation of the template": recorded,
		"the rule of a gate": {"report", "status"}, // evidence is what was asked
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	t.Logf("%s: %d secrets in %d places of spec, annotations and answers", t.Name(), len(secrets), len(secrets))
}

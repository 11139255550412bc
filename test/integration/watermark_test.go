package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/watermark"
	"github.com/signal-delivery/operator/test/stage"
)

const markKey = "0123456789abcdef0123456789abcdef"

// edge is a Gateway that splits as the route says, and what is behind it: each
// release signs what it answers.
type edge struct {
	t      *testing.T
	y      *stage.Story
	asked  atomic.Int64
	stuck  atomic.Bool // it goes on as if there were no canary
	naked  atomic.Bool // the canary does not sign
	direct *httptest.Server
	entry  *httptest.Server
}

// edgeOf puts a Gateway in front of a story, and has its watermarks verified.
func edgeOf(t *testing.T) *edge {
	t.Helper()
	e := &edge{t: t}
	e.direct = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.answer(w, r, release.CanaryName(stage.Name)) }))
	e.entry = httptest.NewServer(http.HandlerFunc(e.enter))
	t.Cleanup(e.direct.Close)
	t.Cleanup(e.entry.Close)
	e.y = on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "http://signals.example", Address: strings.TrimPrefix(e.entry.URL, "http://")}
		sd.Spec.Checks.Watermark = &v1alpha1.WatermarkSpec{SecretName: "watermark", Path: "/v1/signals", Requests: 10, SplitRequests: 100}
	})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.y.Namespace, Name: "watermark"}, StringData: map[string]string{"key": markKey}}
	if err := e.y.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	e.y.World.Misbehave(e.y.Namespace, stage.Faults{Candidate: e.direct.URL})
	return e
}

// enter leads a request to a Service by the weights of the route.
func (e *edge) enter(w http.ResponseWriter, r *http.Request) {
	route := &gatewayv1.HTTPRoute{}
	if err := e.y.Client.Get(r.Context(), types.NamespacedName{Namespace: e.y.Namespace, Name: stage.Name}, route); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	turn, service := e.asked.Add(1)%100, release.StableName(stage.Name)
	for _, ref := range route.Spec.Rules[0].BackendRefs {
		if string(ref.Name) == release.CanaryName(stage.Name) && turn < int64(*ref.Weight) && !e.stuck.Load() {
			service = release.CanaryName(stage.Name)
		}
	}
	e.answer(w, r, service)
}

// answer is what the release says that a Service selects.
func (e *edge) answer(w http.ResponseWriter, r *http.Request, name string) {
	service := &corev1.Service{}
	if err := e.y.Client.Get(r.Context(), types.NamespacedName{Namespace: e.y.Namespace, Name: name}, service); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	signals := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"signals":[]}`) })
	sign, err := watermark.Sign([]byte(markKey), service.Spec.Selector[v1alpha1.LabelRelease])
	if err != nil {
		e.t.Error(err)
		return
	}
	if name == release.CanaryName(stage.Name) && e.naked.Load() {
		signals(w, r)
		return
	}
	sign(signals).ServeHTTP(w, r)
}

// looks are the Jobs that look at watermarks, without the release in their
// names.
func (e *edge) looks(hash string) map[string]bool {
	e.t.Helper()
	list := &batchv1.JobList{}
	if err := e.y.Client.List(e.t.Context(), list, client.InNamespace(e.y.Namespace), client.MatchingLabels{v1alpha1.LabelRelease: hash}); err != nil {
		e.t.Fatal(err)
	}
	all := map[string]bool{}
	for _, job := range list.Items {
		if strings.HasPrefix(job.Labels[v1alpha1.LabelCheck], "watermark.") {
			all[strings.TrimPrefix(job.Name, stage.Name+"-"+hash+"-")] = true
		}
	}
	return all
}

// Who answers is verified before traffic and after the cutover, and each
// weight is measured; a first release has no split.
func TestWatermarks(t *testing.T) {
	t.Parallel()
	e := edgeOf(t)
	y := e.y.Begin()
	v1 := y.SD.Status.Stable.Hash
	if got := fmt.Sprint(e.looks(v1)); got != "map[watermark-1:true watermark-after-1:true]" {
		t.Errorf("of the first release: %s", got)
	}

	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v1 })
	v2 := y.SD.Status.Stable.Hash
	if got := fmt.Sprint(e.looks(v2)); got != "map[split-0-1:true split-1-1:true split-2-1:true watermark-1:true watermark-after-1:true]" {
		t.Errorf("of the second: %s", got)
	}
	measured := map[string]string{}
	for _, v := range y.SD.Status.Rollout.Verdicts {
		if v.Kind == v1alpha1.SignalWatermark {
			measured[strings.Join(strings.Fields(fmt.Sprint(v.Phase, " ", v.Step, " ", v.Reason)), " ")] = v.Evidence.Value
		}
	}
	want := map[string]string{
		"Checking WatermarkVerified": "10 of release " + v2, "Verifying WatermarkVerified": "10 of release " + v2,
		"Progressing first SplitMeasured": "10.0 % of 100", "Progressing quarter SplitMeasured": "25.0 % of 100", "Progressing half SplitMeasured": "50.0 % of 100",
	}
	if fmt.Sprint(measured) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", measured, want)
	}
	if report := reportOf(t, y); !strings.Contains(report, "**split (Progressing quarter)**: 25.0 % of 100, must be ") || !strings.Contains(report, "All 10 answers to /v1/signals are signed by release "+v2) {
		t.Errorf("the report does not say what was measured:\n%s", report)
	}
}

// A Gateway that accepts a weight and does not follow is found out.
func TestAGatewayThatDoesNotSplitTurnsBack(t *testing.T) {
	t.Parallel()
	e := edgeOf(t)
	y := e.y.Begin()
	v1 := y.SD.Status.Stable.Hash
	e.stuck.Store(true)
	y.Ask("v2")
	y.Rest("v2 is rolled back", stage.RolledBack)
	if s := y.SD.Status; s.Reason != "SplitWrong" || s.Stable.Hash != v1 || s.Rollout.Step != 0 {
		t.Errorf("%s at step %d", s.Reason, s.Rollout.Step)
	}
	y.Stalled("the candidate answered 0 of 100 requests at the entry, 0.0 % for a weight of 10 %", "100 of release "+v1)
}

// A candidate that does not sign gets no traffic, and is released once it does.
func TestACandidateWithoutAWatermarkGetsNoTraffic(t *testing.T) {
	t.Parallel()
	e := edgeOf(t)
	y := e.y.Begin()
	v1 := y.SD.Status.Stable.Hash
	e.naked.Store(true)
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	if s := y.SD.Status; s.Reason != "WatermarkMissing" || s.Rollout.Exposed || s.Weight != 0 || s.Stable.Hash != v1 {
		t.Errorf("%s, exposed %t, weight %d", s.Reason, s.Rollout.Exposed, s.Weight)
	}
	y.Stalled("10 without a watermark")
	e.naked.Store(false)
	y.Annotate(v1alpha1.AnnotationRetry, "again")
	y.Rest("v2 is released", stage.Succeeded)
}

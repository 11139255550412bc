package gatewayapi

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

var (
	accepted = verdict.Pass(v1alpha1.SignalRoute, traffic.ReasonAccepted, "Every route has been accepted as it is now")
	web      = []string{"web"}
)

func TestReadTheRules(t *testing.T) {
	coarse := verdict.Named(fail(traffic.ReasonWeightTooCoarse, `Rule 1 of HTTPRoute "web" shares its traffic with other backends, and weight 99 cannot be split into percents: `+
		`give its backendRef to "app" a weight of 100 or a multiple, and the others as many times theirs`), "web")
	for name, tc := range map[string]struct {
		rules string
		steps []int32
		want  traffic.Reading
	}{
		"at rest": {
			`[{"backendRefs": [{"name": "app"}]}]`,
			[]int32{5},
			traffic.Reading{Settled: true, Verdict: accepted},
		},
		"rules that disagree": {
			`[{"backendRefs": [{"name": "app", "weight": 4}, {"name": "app-canary", "weight": 1}]}, {"backendRefs": [{"name": "app", "weight": 6}, {"name": "app-canary", "weight": 4}]}]`,
			nil,
			traffic.Reading{Weight: 40, Lowest: 20, Sibling: true, Verdict: accepted},
		},
		"rules that agree": {
			`[{"backendRefs": [{"name": "app", "weight": 4}, {"name": "app-canary", "weight": 1}]}, {"backendRefs": [{"name": "app", "weight": 8}, {"name": "app-canary", "weight": 2}]}]`,
			nil,
			traffic.Reading{Weight: 20, Lowest: 20, Settled: true, Sibling: true, Verdict: accepted},
		},
		"a rule that is switched off has no say": {
			`[{"backendRefs": [{"name": "app", "weight": 0}]}, {"backendRefs": [{"name": "app", "weight": 0}, {"name": "app-canary", "weight": 1}]}]`,
			nil,
			traffic.Reading{Weight: 100, Lowest: 100, Settled: true, Sibling: true, Verdict: accepted},
		},
		"every rule is switched off": {
			`[{"backendRefs": [{"name": "app", "weight": 0}]}]`, nil,
			traffic.Reading{Settled: true, Verdict: wait(traffic.ReasonNoWeight, `Every backendRef to Service "app" has weight 0, so that there is no traffic to move: give one a weight`)},
		},
		"no rule names the Service": {
			`[{"backendRefs": [{"name": "other"}]}, {"backendRefs": [{"name": "app-canary"}]}]`, nil,
			traffic.Reading{Settled: true, Verdict: verdict.Named(fail(traffic.ReasonNoBackend,
				`HTTPRoute "web" has no backendRef to Service "app": add one to spec.rules[].backendRefs, or remove the route from spec.traffic.httpRoutes`), "web")},
		},
		"a weight that is too coarse for the steps": {
			`[{}, {"backendRefs": [{"name": "app", "weight": 99}, {"name": "other"}]}]`,
			[]int32{5, 100},
			traffic.Reading{Settled: true, Verdict: coarse},
		},
		"a weight that no step splits": {
			`[{}, {"backendRefs": [{"name": "app", "weight": 99}, {"name": "other"}]}]`,
			[]int32{100},
			traffic.Reading{Settled: true, Verdict: accepted},
		},
		"a rule without room": {
			`[{"backendRefs": [{"name": "app", "weight": 100}` + strings.Repeat(`, {"name": "other"}`, 15) + `]}]`, nil,
			traffic.Reading{Settled: true, Verdict: verdict.Named(fail(traffic.ReasonTooManyBackends,
				`Rule 0 of HTTPRoute "web" has no room for a backendRef to Service "app-canary": the API allows 16, remove one`), "web")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			object := httpRoute(t, tc.rules)
			if tc.want.Sibling {
				object.SetAnnotations(map[string]string{v1alpha1.AnnotationWeights: `{"app":[]}`})
			}
			got, err := newWorld(t, object).router().Read(t.Context(), deployment("app", tc.steps...), web)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadACanaryThatIsTheOwners(t *testing.T) {
	v := verdict.Named(fail(traffic.ReasonCanaryInRoute,
		`HTTPRoute "web" names Service "app-canary" beside "app": remove that backendRef, the operator adds it while a release is under way`), "web")
	for name, tc := range map[string]struct {
		weight string
		want   traffic.Reading
	}{
		"without a weight": {"0", traffic.Reading{Settled: true, Verdict: v}},
		"with a weight":    {"1", traffic.Reading{Weight: 50, Lowest: 50, Settled: true, Sibling: true, Verdict: v}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}, {"name": "app-canary", "weight": `+tc.weight+`}]}]`))
			got, err := w.router().Read(t.Context(), deployment("app"), web)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadFollowsThePinnedPlan(t *testing.T) {
	sd := deployment("app", 5)
	sd.Status.Rollout.StartTime = metav1.Unix(1, 0)
	for name, tc := range map[string]struct {
		ended bool
		want  v1alpha1.Outcome
	}{
		"under way, without steps": {false, verdict.Passed},
		"ended: the next has some": {true, verdict.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			sd := sd.DeepCopy()
			if tc.ended {
				sd.Status.Rollout.EndTime = metav1.Unix(2, 0)
			}
			w := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}, {"name": "other"}]}]`))
			got, err := w.router().Read(t.Context(), sd, web)
			if err != nil || got.Verdict.Outcome != tc.want {
				t.Errorf("Read = %+v, %v; want %s", got.Verdict, err, tc.want)
			}
		})
	}
}

func TestReadWithoutRoutes(t *testing.T) {
	got, err := newWorld(t).router().Read(t.Context(), deployment("app"), nil)
	want := traffic.Reading{Settled: true, Verdict: verdict.Pass(v1alpha1.SignalRoute, traffic.ReasonNoRoutes, "No routes were named")}
	if err != nil || got != want {
		t.Errorf("Read = %+v, %v; want %+v", got, err, want)
	}
}

func TestReadWithoutTheAPI(t *testing.T) {
	c := interceptor.NewClient(fake.NewClientBuilder().Build(), interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return &meta.NoKindMatchError{GroupKind: Kind.GroupKind(), SearchedVersions: []string{Kind.Version}}
		},
	})
	got, err := Router{Client: c}.Read(t.Context(), deployment("app"), web)
	want := verdict.Named(wait(traffic.ReasonAPINotFound, "The cluster does not have HTTPRoutes: install the Gateway API, or remove spec.traffic.httpRoutes"), "web")
	if err != nil || got != (traffic.Reading{Verdict: want}) {
		t.Errorf("Read = %+v, %v; want %+v", got, err, want)
	}
}

func TestReadTheParents(t *testing.T) {
	const taken, resolved = `{"type": "Accepted", "status": "True", "observedGeneration": 3}`, `{"type": "ResolvedRefs", "status": "True", "observedGeneration": 3}`
	named := func(reason, format string, args ...any) verdict.Verdict {
		return verdict.Named(wait(reason, format, args...), "web")
	}
	for name, tc := range map[string]struct {
		parents string
		want    verdict.Verdict
	}{
		"none yet":             {`[]`, named(traffic.ReasonNotAccepted, `No gateway has answered for HTTPRoute "web" yet: check that its parentRefs name a Gateway that runs`)},
		"accepted":             {`[{"parentRef": {"name": "a"}, "conditions": [` + taken + `]}]`, accepted},
		"accepted, refs found": {`[{"parentRef": {"name": "a"}, "conditions": [` + taken + `, ` + resolved + `]}]`, accepted},
		"accepted what was there before": {
			`[{"parentRef": {"name": "a"}, "conditions": [` + strings.ReplaceAll(taken, "3", "2") + `]}]`,
			named(traffic.ReasonNotAccepted, `Gateway "a" has not yet seen HTTPRoute "web" as it is now`),
		},
		"only one of two": {
			`[{"parentRef": {"name": "a"}, "conditions": [` + taken + `]}, {"parentRef": {"kind": "Service", "name": "b"}, "conditions": [` + resolved + `]}]`,
			named(traffic.ReasonNotAccepted, `Service "b" has not yet seen HTTPRoute "web" as it is now`),
		},
		"refused": {
			`[{"parentRef": {"name": "a"}, "conditions": [{"type": "Accepted", "status": "False", "observedGeneration": 3, "reason": "NoMatchingParent", "message": "no listener"}]}]`,
			named(traffic.ReasonNotAccepted, `Gateway "a" does not accept HTTPRoute "web" (NoMatchingParent): no listener`),
		},
		"refs not found": {
			`[{"parentRef": {"name": "a"}, "conditions": [` + taken + `, {"type": "ResolvedRefs", "status": "False", "observedGeneration": 3, "reason": "BackendNotFound", "message": "no Service x"}]}]`,
			named(traffic.ReasonRefsNotResolved, `Gateway "a" cannot find what HTTPRoute "web" names (BackendNotFound): no Service x`),
		},
		"refs not found before": {
			`[{"parentRef": {"name": "a"}, "conditions": [` + taken + `, {"type": "ResolvedRefs", "status": "False", "observedGeneration": 2, "reason": "BackendNotFound"}]}]`,
			accepted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			object := httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)
			status := &unstructured.Unstructured{}
			if err := status.UnmarshalJSON([]byte(`{"kind": "x", "parents": ` + tc.parents + `}`)); err != nil {
				t.Fatal(err)
			}
			object.Object["status"] = map[string]any{"parents": status.Object["parents"]}
			got, err := newWorld(t, object).router().Read(t.Context(), deployment("app"), web)
			if err != nil {
				t.Fatal(err)
			}
			want := traffic.Reading{Settled: tc.want.Outcome == verdict.Passed, Verdict: tc.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Read (-want +got):\n%s", diff)
			}
		})
	}
}

package gate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestAlertsBeforeTheStart(t *testing.T) {
	quiet := pass("AlertsQuiet", "No alert of severity critical fires")
	for name, tc := range map[string]struct {
		severities []string
		facts      Facts
		want       verdict.Verdict
	}{
		"none":                    {nil, Facts{}, quiet},
		"of another severity":     {nil, Facts{Firing: []Firing{{"Slow", "warning"}}}, quiet},
		"one":                     {nil, Facts{Firing: []Firing{{"Broken", "critical"}}}, wait("AlertsFiring", `Gate "quiet" waits for alerts to stop firing: Broken`)},
		"several, in one order":   {[]string{"critical", "page"}, Facts{Firing: []Firing{{"Worse", "page"}, {"Broken", "critical"}, {"Worse", "page"}, {"Slow", "warning"}}}, wait("AlertsFiring", `Gate "quiet" waits for alerts to stop firing: Broken, Worse`)},
		"one, as far as is known": {nil, Facts{Firing: []Firing{{"Broken", "critical"}}, Deaf: "it has not listened for long"}, wait("AlertsFiring", `Gate "quiet" waits for alerts to stop firing: Broken`)},
		"no answer":               {nil, Facts{Deaf: `metric server "default" gives no answer`}, wait("AlertsUnknown", `Gate "quiet" does not know which alerts fire: metric server "default" gives no answer`)},
	} {
		t.Run(name, func(t *testing.T) {
			got := one(v1alpha1.Gate{Name: "quiet", Alerts: &v1alpha1.AlertsGate{Severities: tc.severities}}, tc.facts)
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func candidate(sd *v1alpha1.SignalDeployment) { sd.Status.Candidate = new(testkit.Release("v2")) }

func approve(value string) change {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Annotations = map[string]string{v1alpha1.AnnotationApprove: value}
	}
}

func TestAnApproval(t *testing.T) {
	const id = "v2-prod-20300101_120000"
	ok := pass("Approved", `Someone approved gate "board"`)
	none := wait("AwaitingApproval", `Gate "board" waits for approval: kubectl -n prod annotate sigdep app delivery.signal.dev/approve=%s/board --overwrite`, id)
	before := verdict.With(verdict.Named(pass("Approved", `Someone approved gate "board"`), "board"), verdict.Evidence{Value: id, Time: metav1.NewTime(time.Unix(7, 0))})
	for name, tc := range map[string]struct {
		changes []change
		want    verdict.Verdict
	}{
		"none":                        {nil, none},
		"of this gate":                {[]change{approve(id + "/board")}, ok},
		"of this release":             {[]change{approve(id)}, ok},
		"by hash":                     {[]change{approve("v2/board")}, ok},
		"of another gate":             {[]change{approve(id + "/security")}, none},
		"of another release":          {[]change{approve("v1-prod-20300101_120000/board")}, none},
		"of anything":                 {[]change{approve("yes")}, none},
		"empty":                       {[]change{approve("")}, none},
		"of this gate, handled":       {[]change{approve(id + "/board"), func(sd *v1alpha1.SignalDeployment) { sd.Status.Handled.Approve = id + "/board" }}, none},
		"remembered":                  {[]change{func(sd *v1alpha1.SignalDeployment) { sd.Status.Rollout.Verdicts = []verdict.Verdict{before} }}, ok},
		"remembered, and overwritten": {[]change{approve(id + "/security"), func(sd *v1alpha1.SignalDeployment) { sd.Status.Rollout.Verdicts = []verdict.Verdict{before} }}, ok},
		"of another gate, remembered": {[]change{func(sd *v1alpha1.SignalDeployment) {
			sd.Status.Rollout.Verdicts = []verdict.Verdict{verdict.Named(before, "security")}
		}}, none},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment(append(tc.changes, candidate)...)
			if diff := cmp.Diff(tc.want, one(v1alpha1.Gate{Name: "board", Approval: &v1alpha1.ApprovalGate{}}, Facts{Object: sd}), untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatWasApprovedKeepsItsTime(t *testing.T) {
	was := verdict.With(verdict.Named(pass("Approved", `Someone approved gate "board"`), "board"), verdict.Evidence{Time: metav1.NewTime(time.Unix(7, 0))})
	sd := testkit.SignalDeployment(candidate, func(sd *v1alpha1.SignalDeployment) { sd.Status.Rollout.Verdicts = []verdict.Verdict{was} })
	if diff := cmp.Diff(was, one(v1alpha1.Gate{Name: "board", Approval: &v1alpha1.ApprovalGate{}}, Facts{Object: sd, Now: time.Unix(99, 0)})); diff != "" {
		t.Error(diff)
	}
}

func TestAnExpression(t *testing.T) {
	ok := pass("ExpressionTrue", `The rule of gate "rule" is true`)
	for name, tc := range map[string]struct {
		rule, message string
		want          verdict.Verdict
	}{
		"true":               {"object.spec.replicas >= 4", "", ok},
		"of the release":     {"release.version == 'v2' && release.digest.startsWith('sha256:')", "", ok},
		"false":              {"object.spec.replicas > 4", "", wait("ExpressionFalse", `Gate "rule": object.spec.replicas > 4 is not true`)},
		"false, with advice": {"object.spec.replicas > 4", "scale to five pods first", wait("ExpressionFalse", `Gate "rule": scale to five pods first`)},
		"a field is missing": {"object.metadata.labels.ticket == 'x'", "", wait("ExpressionUnknown", `Gate "rule": object.metadata.labels.ticket == 'x' cannot be told: no such key: labels`)},
		"not a truth value":  {"object.metadata.name", "", wait("ExpressionUnknown", `Gate "rule": object.metadata.name cannot be told: it gives a string, not true or false`)},
		"too dear": {
			"[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, a+b+c+d+e >= 0)))))", "",
			wait("ExpressionUnknown", `Gate "rule": [0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, a+b+c+d+e >= 0))))) cannot be told: operation cancelled: actual cost limit exceeded`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := one(v1alpha1.Gate{Name: "rule", Expression: &v1alpha1.ExpressionGate{Rule: tc.rule, Message: tc.message}}, Facts{Object: testkit.SignalDeployment(candidate)})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATemplate(t *testing.T) {
	kind := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	invalid := fmt.Errorf("apply Deployment prod/app-v2: %w", apierrors.NewInvalid(kind, "app-v2", nil))
	forbidden := fmt.Errorf("apply Deployment prod/app-v2: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "deployments"}, "app-v2", errors.New("exceeded quota: few")))
	foreign := &owned.ForeignError{Kind: "Deployment", Name: "app-v2", Owner: "app"}
	for name, tc := range map[string]struct {
		facts Facts
		want  verdict.Verdict
	}{
		"not asked":      {Facts{}, wait("TemplateUnknown", `Gate "template" has no answer from the API server yet`)},
		"accepted":       {Facts{Rehearsed: true}, pass("TemplateAccepted", "The API server accepts everything that the release creates")},
		"invalid":        {Facts{Rehearsed: true, Refusal: invalid}, fail("TemplateRefused", "The API server would refuse what the release creates: %s", invalid)},
		"unknown fields": {Facts{Rehearsed: true, Refusal: apierrors.NewBadRequest("strict decoding error")}, fail("TemplateRefused", "The API server would refuse what the release creates: strict decoding error")},
		"forbidden":      {Facts{Rehearsed: true, Refusal: forbidden}, wait("TemplateForbidden", `Gate "template": the API server does not let the operator create what the release needs: %s`, forbidden)},
		"someone else's": {Facts{Rehearsed: true, Refusal: foreign}, wait("TemplateForbidden", `Gate "template": the API server does not let the operator create what the release needs: %s`, foreign)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, one(v1alpha1.Gate{Name: "template", Template: &v1alpha1.TemplateGate{}}, tc.facts), untold); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"none": {nil, false}, "invalid": {invalid, true}, "forbidden": {forbidden, true}, "someone else's": {fmt.Errorf("create: %w", foreign), true},
		"too busy": {apierrors.NewTooManyRequests("", 1), false}, "down": {errors.New("connection refused"), false},
	} {
		if got := Refuses(tc.err); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Every verdict fits the schema, whatever users write and clusters say.
func TestEveryVerdictFitsTheSchema(t *testing.T) {
	long := strings.Repeat("ä", 4000)
	sd := testkit.SignalDeployment(candidate, approve(long), func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Server = "default" })
	gates := []v1alpha1.Gate{
		{Name: "quiet", Alerts: &v1alpha1.AlertsGate{Severities: []string{"critical", strings.Repeat("s", 63)}}},
		{Name: "board", Approval: &v1alpha1.ApprovalGate{}},
		{Name: "rule", Expression: &v1alpha1.ExpressionGate{Rule: "object." + strings.Repeat("a", 1000)}},
		{Name: "template", Template: &v1alpha1.TemplateGate{}},
		{Name: "hours", Window: &v1alpha1.WindowGate{TimeZone: "UTC", Openings: slicesOf(16, opened("0 9 * * 1,2,3,4,5,6", time.Hour))}},
	}
	facts := Facts{Object: sd, Now: time.Unix(0, 0), Firing: []Firing{{long, "critical"}}, Rehearsed: true, Refusal: apierrors.NewBadRequest(long)}
	all, _ := Judge(gates, facts)
	for _, v := range all {
		if len(v.Message) > 2048 || len(v.Evidence.Value) > 256 || len(v.Evidence.Threshold) > 256 || len(v.Evidence.Query) > 4096 || len(v.Evidence.Source) > 512 {
			t.Errorf("%s: %d, %+v", v.Name, len(v.Message), v.Evidence)
		}
	}
}

func slicesOf[T any](n int, item T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = item
	}
	return all
}

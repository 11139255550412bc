package security

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/weak"
)

// Once the candidate serves all, only what it did not have before counts: of a
// check that found nothing, anything; of one that did, another finding.
func TestAfterTheCutover(t *testing.T) {
	hardened, weaker := weak.Serve(t, weak.Flaw{}), weak.Serve(t, weak.Flaws()["11 everyone"])
	for name, tc := range map[string]struct {
		entry, own string
		before     Before
		outcome    v1alpha1.Outcome
		names      []string
		words      string
	}{
		"as good as before":                                    {hardened, hardened, Before{}, verdict.Passed, nil, ""},
		"weak by the way of clients alone":                     {weaker, hardened, Before{}, verdict.Failed, []string{"security-11"}, "was not there before the cutover"},
		"weak by itself, since then":                           {weaker, weaker, Before{Found: []int32{14}}, verdict.Failed, []string{"security-11"}, "was not there before the cutover"},
		"weak as it was before":                                {weaker, weaker, Before{Found: []int32{11}}, verdict.Passed, nil, "11 found was there before the cutover"},
		"another weakness than it had":                         {weaker, hardened, Before{Found: []int32{11}}, verdict.Failed, []string{"security-11"}, "was not there before the cutover"},
		"weak by itself, and what was before is not known":     {weaker, weaker, Before{Any: true}, verdict.Passed, nil, "was there before the cutover"},
		"weak by the way alone, and what was before not known": {weaker, hardened, Before{Any: true}, verdict.Failed, []string{"security-11"}, "was not there before the cutover"},
		"nobody can say whether it was there before":           {weaker, nowhere, Before{Found: []int32{11}}, verdict.Unknown, nil, "candidate's own Service cannot be checked"},
		"the way of clients leads nowhere":                     {nowhere, hardened, Before{}, verdict.Unknown, nil, "cannot be checked"},
	} {
		for _, compare := range []v1alpha1.SecurityCompare{v1alpha1.CompareStable, v1alpha1.CompareAbsolute} {
			t.Run(name+", "+string(compare), func(t *testing.T) {
				t.Parallel()
				spec := weak.Spec()
				quick(&spec)
				spec.Compare = compare
				s := security(tc.entry, tc.own)
				s.Before = &tc.before
				got, names := last(s.Run(t.Context(), spec))
				if got.Outcome != tc.outcome || !strings.Contains(got.Message, tc.words) {
					t.Errorf("got %s: %s", got.Outcome, got.Message)
				}
				if diff := cmp.Diff(tc.names, names); diff != "" {
					t.Error(diff)
				}
				if strings.Contains(got.Message, "stable release") {
					t.Errorf("the stable release was not asked: %s", got.Message)
				}
			})
		}
	}
}

// What is handed on is the checks that found something, by number.
func TestWhatIsHandedOn(t *testing.T) {
	weaker := weak.Serve(t, weak.Flaws()["11 everyone"])
	spec := weak.Spec()
	quick(&spec)
	if got, _ := last(security(weaker, weaker).Run(t.Context(), spec)); got.Outcome != verdict.Passed || got.Evidence.Statistic != "11" {
		t.Errorf("got %+v", got)
	}
}

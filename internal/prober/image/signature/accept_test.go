package signature

import (
	"testing"

	intoto "github.com/in-toto/attestation/go/v1"
)

// So far a candidate's type is what it claims: should what was verified be
// anything else, it does not count.
func TestWhatWasVerifiedIsAskedAgain(t *testing.T) {
	signs, attests := inquiry{predicate: predicateSign}, inquiry{predicate: provenance, attests: true}
	for name, tc := range map[string]struct {
		asked  inquiry
		proven *intoto.Statement
		want   bool
	}{
		"a bare signature":                  {signs, nil, true},
		"a statement that signs":            {signs, &intoto.Statement{PredicateType: predicateSign}, true},
		"another statement":                 {signs, &intoto.Statement{PredicateType: provenance}, false},
		"the statement":                     {attests, &intoto.Statement{PredicateType: provenance}, true},
		"a statement that signs, as one":    {attests, &intoto.Statement{PredicateType: predicateSign}, false},
		"a bare signature, for a statement": {attests, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			no := tc.asked.accept(t.Context(), proof{statement: tc.proven}, nil)
			if (no == nil) != tc.want || no != nil && no.reason != ReasonInvalid {
				t.Errorf("got %+v", no)
			}
		})
	}
}

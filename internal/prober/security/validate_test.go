package security

import (
	"slices"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/weak"
)

func TestWhatTheSchemaCannotSee(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SecuritySpec)
		want   string
	}{
		"as it should be": {func(*v1alpha1.SecuritySpec) {}, ""},
		"an unknown id": {
			func(s *v1alpha1.SecuritySpec) { s.Disable = []int32{11, 58} },
			"disable[1]: there is no check 58; there are 1 to 15 (CORS), 16 to 25 (Headers), 26 to 31 (Methods and routing), 32 to 36 (Exposure), 37 to 46 (Injection), 47 to 53 (Auth), 54 to 55 (TLS), 56 to 57 (Resilience)",
		},
		"all of them": {func(s *v1alpha1.SecuritySpec) {
			for id := int32(1); id <= 57; id++ {
				s.Disable = append(s.Disable, id)
			}
		}, "disable: names every check; leave out spec.checks.security instead"},
		"a small budget": {func(s *v1alpha1.SecuritySpec) { s.RequestBudget = 10 }, "requestBudget: is 10, and the checks need up to"},
		"a low rate":     {func(s *v1alpha1.SecuritySpec) { s.RatePerSecond = 1; s.TimeoutSeconds = 10 }, "timeoutSeconds: is 10, and"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(weak.Spec(tc.change))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
	if got := Requests(weak.Spec(func(s *v1alpha1.SecuritySpec) { s.Disable = idsFrom(1, 57) })); got != len(slices.Compact([]string{"nowhere", "/", "/v1/signals", "/v1/account"})) {
		t.Errorf("%d requests though no check is left", got)
	}
}

func idsFrom(from, to int32) []int32 {
	var all []int32
	for id := from; id <= to; id++ {
		all = append(all, id)
	}
	return all
}

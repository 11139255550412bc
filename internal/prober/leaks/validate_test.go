package leaks

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/leaky"
)

func TestWhatTheSchemaCannotSee(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.LeaksSpec)
		want   string
	}{
		"as it should be": {func(*v1alpha1.LeaksSpec) {}, ""},
		"just enough":     {func(s *v1alpha1.LeaksSpec) { s.RequestBudget = 249 }, ""},
		"a small budget":  {func(s *v1alpha1.LeaksSpec) { s.RequestBudget = 248 }, "requestBudget: is 248, and fake secrets take 249 requests for these paths: raise it, or name fewer paths"},
		"a low rate":      {func(s *v1alpha1.LeaksSpec) { s.RatePerSecond = 1; s.TimeoutSeconds = 200 }, "timeoutSeconds: is 200, and 249 requests take 249 seconds at ratePerSecond 1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(leaky.Spec(tc.change))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// As many requests are sent as were announced, none beyond the budget, and a
// body only to writePaths.
func TestTheBudgetIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.LeaksSpec)
		get    int
		post   int
	}{
		"one path each": {func(*v1alpha1.LeaksSpec) {}, 1 + 4*31, 4 * 31},
		"no write path": {func(s *v1alpha1.LeaksSpec) { s.WritePaths = nil }, 1 + 4*31, 0},
		"two of each": {func(s *v1alpha1.LeaksSpec) {
			s.Paths, s.WritePaths = append(s.Paths, "/"), append(s.WritePaths, "/v1/b")
		}, 1 + 6*31, 8 * 31},
		"a used up budget": {func(s *v1alpha1.LeaksSpec) { s.RequestBudget = 3 }, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			spec := leaky.Spec(quick, tc.change)
			l := leaks("key")
			service := leaky.New(nil, nil)
			all := met(t, l, service, &leaky.API{}).Run(t.Context(), spec)
			if service.Verbs["GET"] != tc.get || service.Verbs["POST"] != tc.post || len(service.Verbs) > 2 {
				t.Errorf("%v", service.Verbs)
			}
			if v := all[0]; (v.Reason == ReasonNoAnswer) != (spec.RequestBudget == 3) || v.Reason == ReasonNoAnswer && !strings.Contains(v.Message, "the requestBudget is used up") {
				t.Errorf("%+v", v)
			}
		})
	}
}

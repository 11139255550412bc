package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// unmeasured is what is remembered of what was measured: where, and why not more.
func unmeasured(t *testing.T, y *stage.Story) (parts []string, reasons map[string]bool) {
	t.Helper()
	y.Read()
	reasons = map[string]bool{}
	for _, p := range y.SD.Status.Rollout.Profiles {
		parts = append(parts, strings.TrimSpace(string(p.Phase)+" "+p.Step))
		if p.Candidate != nil || p.Stable != nil || p.Message == "" {
			t.Errorf("%s is said to have been measured: %+v", p.Step, p)
		}
		reasons[p.Message] = true
	}
	if len(y.SD.Status.Rollout.Anomalies) > 0 {
		t.Errorf("anomalies are made up: %+v", y.SD.Status.Rollout.Anomalies)
	}
	return parts, reasons
}

// A service whose pods cannot be scraped is released all the same. Nothing is
// claimed about it, the report says why, and at rest nothing is written.
func TestNothingIsMeasuredWithoutMetrics(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(3)).Begin()
	y.Ask("v2")
	y.Rest("v2 is released", stage.Succeeded)
	parts, reasons := unmeasured(t, y)
	want := []string{"Progressing first", "Progressing quarter", "Progressing half", "CuttingOver Weight", "CuttingOver Select", "CuttingOver Return", "Verifying"}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Error(diff)
	}
	if text := reportOf(t, y); !strings.Contains(text, "- **Not Available**: ") || strings.Contains(text, "Response Times") {
		t.Errorf("the report does not say that nothing was measured, %v:\n%s", reasons, text)
	}
	before := versions(t, []*stage.Story{y})
	time.Sleep(3 * time.Second)
	if diff := cmp.Diff(before, versions(t, []*stage.Story{y})); diff != "" {
		t.Errorf("something is written at rest: %s", diff)
	}

	y.Ask("v3")
	y.Until("v3 is under way", stage.In(v1alpha1.PhaseProgressing))
	if n := len(y.SD.Status.Rollout.Profiles); n != 0 {
		t.Errorf("a new release begins with %d profiles of the one before", n)
	}
}

// A rollback is told of once it is over, with the step that it ended.
func TestARollbackIsMeasuredAfterwards(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Annotate(v1alpha1.AnnotationAbort, "now")
	y.Rest("v2 is aborted", stage.RolledBack)
	parts, _ := unmeasured(t, y)
	if diff := cmp.Diff([]string{"Progressing first", "RollingBack"}, parts); diff != "" {
		t.Error(diff)
	}
	if text := reportOf(t, y); !strings.Contains(text, "- **Not Available**: ") {
		t.Errorf("the report does not say that nothing was measured:\n%s", text)
	}
}

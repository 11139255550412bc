package integration

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// The report says which smoke check asked for a critical path, and which path
// none did; neither keeps a release.
func TestCriticalPaths(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		asked := sd.Spec.Checks.Smoke[0].HTTP.Requests[0].Path
		sd.Spec.Checks.CriticalPaths = []v1alpha1.CriticalPath{{Name: "asked for", Path: asked}, {Name: "forgotten", Path: "/login"}}
	}).Begin()
	report := reportOf(t, y)
	for _, want := range []string{`| asked for | `, `| check "alive" |`, "| forgotten | /login | not covered |", `no smoke check asks for it`} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q:\n%s", want, report)
		}
	}
}

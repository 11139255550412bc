package dashboard

import (
	"testing"

	"github.com/signal-delivery/operator/internal/testkit"
)

// BenchmarkBuild is what a reconcile of a SignalDeployment with a dashboard pays
// for it.
func BenchmarkBuild(b *testing.B) {
	sd := testkit.SignalDeployment()
	b.ReportAllocs()
	for b.Loop() {
		Build(sd)
	}
}

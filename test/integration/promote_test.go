package integration

import (
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

func TestPromote(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	first := y.SD.Status.Stable.Hash
	y.Ask("v2")
	y.Until("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Hash != first
	})
	if got := y.SD.Status.Stable.Hash; got == first || got != y.SD.Status.Candidate.Hash {
		t.Errorf("stable is %s, the candidate %s, v1 was %s", got, y.SD.Status.Candidate.Hash, first)
	}
}

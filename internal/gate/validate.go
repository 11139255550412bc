package gate

import (
	"errors"
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Validate finds what the schema cannot see of the gates of the named
// SignalDeployment: the first problem, naming its field.
func Validate(self string, gates []v1alpha1.Gate) error {
	for i, g := range gates {
		if err := problem(g, self); err != nil {
			return fmt.Errorf("spec.gates[%d] (gate %q): %w", i, g.Name, err)
		}
	}
	return nil
}

func problem(g v1alpha1.Gate, self string) error {
	if g.Window != nil {
		return windowProblem(*g.Window)
	}
	if g.SignalDeployment != nil && g.SignalDeployment.Name == self {
		return errors.New("signalDeployment.name: a SignalDeployment is not ready while it waits for itself: name another one")
	}
	return nil
}

// windowProblem finds time zones and schedules that do not exist, and dates
// that no calendar has.
func windowProblem(w v1alpha1.WindowGate) error {
	clock, err := newWall(w)
	if err != nil {
		return fmt.Errorf("window.%w", err)
	}
	leap := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) // schedules are looked for in the five years that follow
	for i, o := range clock.openings {
		if o.schedule.Next(leap).IsZero() {
			return fmt.Errorf("window.openings[%d].schedule: %q never comes", i, w.Openings[i].Schedule)
		}
	}
	return nil
}

package gate

import (
	"errors"
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/gate/calendar"
)

// Validate finds what the schema cannot: the first problem, naming its field.
func Validate(sd *v1alpha1.SignalDeployment) error {
	for i, g := range sd.Spec.Gates {
		if err := problem(g, sd); err != nil {
			return fmt.Errorf("spec.gates[%d] (gate %q): %w", i, g.Name, err)
		}
	}
	return nil
}

func problem(g v1alpha1.Gate, sd *v1alpha1.SignalDeployment) error {
	if g.Window != nil {
		if err := calendar.Validate(*g.Window); err != nil {
			return fmt.Errorf("window.%w", err)
		}
		return nil
	}
	if g.SignalDeployment != nil && g.SignalDeployment.Name == sd.Name {
		return errors.New("signalDeployment.name: a SignalDeployment is not ready while it waits for itself: name another one")
	}
	if g.Alerts != nil && sd.Spec.Alerts.Server == v1alpha1.ServerBuiltIn {
		return errors.New("alerts: the built-in source listens only while a release is under way: name a metric server in spec.alerts.server")
	}
	if g.Expression != nil {
		if _, err := compile(g.Expression.Rule); err != nil {
			return fmt.Errorf("expression.rule: %w", err)
		}
	}
	return nil
}

package gate

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"

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
	if g.Secret != nil {
		return keysProblem(g.Secret.Keys)
	}
	if g.ErrorBudget != nil && len(objectives(sd, *g.ErrorBudget)) == 0 {
		return fmt.Errorf("errorBudget.slo: spec.analysis.slos has no objective%s: add one, or remove the gate", called(g.ErrorBudget.SLO))
	}
	if g.Expression != nil {
		if _, err := compile(g.Expression.Rule); err != nil {
			return fmt.Errorf("expression.rule: %w", err)
		}
	}
	return nil
}

// keysProblem finds what cannot be a key of a Secret.
func keysProblem(keys []string) error {
	for i, key := range keys {
		if problems := validation.IsConfigMapKey(key); len(problems) > 0 {
			return fmt.Errorf("secret.keys[%d]: %q is no key of a Secret: %s", i, key, problems[0])
		}
	}
	return nil
}

func called(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" named %q", name)
}

package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// quiet says whether no alert of the severities fires. Silence that nobody
// listened to says nothing.
func quiet(name string, g v1alpha1.AlertsGate, f Facts) verdict.Verdict {
	severities := Severities(g)
	rests := verdict.Evidence{Threshold: "none of severity " + strings.Join(severities, ", "), Source: "alerts of metric server " + f.Object.Spec.Alerts.Server}
	rests.Threshold = verdict.Clip(rests.Threshold, 256)
	var firing []string
	for _, alert := range f.Firing {
		if slices.Contains(severities, alert.Severity) {
			firing = append(firing, alert.Name)
		}
	}
	slices.Sort(firing)
	firing = slices.Compact(firing)
	rests.Value = verdict.Clip(strings.Join(firing, ", "), 256)
	if len(firing) > 0 {
		return verdict.With(wait("AlertsFiring", "Gate %q waits for alerts to stop firing: %s", name, verdict.Clip(strings.Join(firing, ", "), 512)), rests)
	}
	if f.Deaf != "" {
		return verdict.With(wait("AlertsUnknown", "Gate %q does not know which alerts fire: %s", name, f.Deaf), rests)
	}
	return verdict.With(pass("AlertsQuiet", "No alert of severity %s fires", strings.Join(severities, ", ")), rests)
}

// Severities are those of the alerts that a gate waits for.
func Severities(g v1alpha1.AlertsGate) []string {
	if len(g.Severities) == 0 {
		return []string{"critical"}
	}
	return g.Severities
}

// Budget is what is known of an objective's error budget.
type Budget struct {
	Left    *float64 // share of it; nil where that is not known
	Problem string   // why it is not
	Query   string
	Window  string
	Source  string
}

// affordable says whether the objectives have enough of their error budgets
// left. Before the first release, there is nobody who could have spent any.
func affordable(name string, g v1alpha1.ErrorBudgetGate, f Facts) verdict.Verdict {
	needs := cmp.Or(g.MinRemainingPercent, 10)
	rests := verdict.Evidence{Threshold: fmt.Sprintf(">= %d %%", needs)}
	if f.Object.Status.Stable == nil {
		return verdict.With(pass("BudgetUntouched", "No release has served yet that could have spent an error budget"), rests)
	}
	var spent, unknown, values []string
	for _, s := range objectives(f.Object, g) {
		budget := f.Budgets[s.Name]
		rests.Query, rests.Window, rests.Source = cmp.Or(rests.Query, budget.Query), cmp.Or(rests.Window, budget.Window), cmp.Or(rests.Source, budget.Source)
		switch {
		case budget.Left == nil:
			unknown = append(unknown, fmt.Sprintf("that of objective %q is not known: %s", s.Name, cmp.Or(budget.Problem, "nobody has been asked yet")))
			continue
		case *budget.Left*100 < float64(needs):
			spent = append(spent, fmt.Sprintf("objective %q has less than %d %% left", s.Name, needs))
		}
		values = append(values, s.Name+" "+strconv.FormatFloat(*budget.Left*100, 'g', 3, 64)+" %")
	}
	rests.Value = verdict.Clip(strings.Join(values, ", "), 256)
	closed := strings.Join(slices.Concat(spent, unknown), "; ")
	switch {
	case len(spent) > 0:
		return verdict.With(wait("BudgetSpent", "Gate %q waits for error budgets to recover: %s", name, closed), rests)
	case len(unknown) > 0:
		return verdict.With(wait("BudgetUnknown", "Gate %q waits to know what is left of error budgets: %s", name, closed), rests)
	}
	return verdict.With(pass("BudgetLeft", "At least %d %% of every error budget is left", needs), rests)
}

// objectives are those that a gate is about.
func objectives(sd *v1alpha1.SignalDeployment, g v1alpha1.ErrorBudgetGate) []v1alpha1.SLO {
	return slices.DeleteFunc(slices.Clone(sd.Spec.Analysis.SLOs), func(s v1alpha1.SLO) bool { return g.SLO != "" && s.Name != g.SLO })
}

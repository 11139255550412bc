package slo

import (
	"fmt"
	"maps"
	"strings"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Names of recorded series that do not depend on the objective's window.
// They have the labels namespace, delivery_signal_dev_name, slo and operation.
const (
	// SeriesBurnRate is how many times too fast the budget is being burned: by
	// the long window of the fastest alert, an hour for 30 days.
	SeriesBurnRate = "signal_slo:burn_rate:ratio"
	// SeriesRemaining is the share of the window's error budget that is left;
	// below 0 when more was spent.
	SeriesRemaining = "signal_slo:error_budget_remaining:ratio"
)

// GroupPrefix begins the names of the groups, within those of the
// SignalDeployment; no other group may begin so.
const GroupPrefix = "signal-slo-"

// runbook is where the alerts send people.
const runbook = "https://github.com/signal-delivery/operator/blob/main/docs/slo.md#an-alert-fires"

const (
	evaluated = "30s"           // interval of the groups
	shortest  = 2 * time.Minute // window over which a rate can be taken with scrapes of 30 s
)

// tier is an alert of the SRE workbook's table 5-8: it fires when both windows
// burn the budget factor times too fast. Windows are those for 30 days.
type tier struct {
	alert, severity string
	long            time.Duration
	factor          float64
}

var tiers = []tier{
	{"SLOBudgetBurnsWithinDays", "critical", time.Hour, 14.4},   // 2 % of the budget in an hour
	{"SLOBudgetBurnsWithinAWeek", "critical", 6 * time.Hour, 6}, // 5 % in six hours
	{"SLOBudgetBurnsTooFast", "warning", 72 * time.Hour, 1},     // 10 % in three days
}

// scaled are a tier's windows for an objective's: the same share of it, so that
// the alert fires once the same share of the budget is gone. The short one, by
// which the alert ends, is a twelfth of the long one.
func (t tier) scaled(whole time.Duration) (long, short time.Duration) {
	days := int64(whole / (24 * time.Hour))
	long = time.Duration(int64(t.long) / defaultDays * days)
	return long, max(long/12, shortest)
}

// Groups are the recording and alert rules of the objectives, one group for
// each. Every objective must have passed the schema and Validate.
func Groups(namespace, name string, slos []v1alpha1.SLO) []monitoringv1.RuleGroup {
	groups := make([]monitoringv1.RuleGroup, 0, len(slos))
	for _, s := range slos {
		g := generator{
			requests: of(s, namespace, name), namespace: namespace, name: name,
			labels: map[string]string{namespaceLabel: namespace, nameLabel: name, "slo": s.Name, "operation": Operation(s)},
		}
		groups = append(groups, monitoringv1.RuleGroup{
			Name:     namespace + "/" + name + "/" + GroupPrefix + s.Name,
			Interval: new(monitoringv1.Duration(evaluated)),
			Rules:    append(g.recordings(), g.alerts()...),
		})
	}
	return groups
}

// generator makes the rules of one objective.
type generator struct {
	requests
	namespace, name string
	labels          map[string]string
}

// recordings are the series that the alerts, and dashboards, look at.
func (g generator) recordings() []monitoringv1.Rule {
	fastest, base := tiers[0].scaled(window(g.slo))
	rules := []monitoringv1.Rule{
		g.record(recorded("requests", base), g.total(rate(span(base)))),
		g.record(recorded("failures", base), g.failed(rate(span(base)))),
	}
	for _, w := range g.windows() {
		if w <= fastest {
			rules = append(rules, g.record(recorded("error_ratio", w), g.ratio(rate(span(w)))))
			continue
		}
		rules = append(rules, g.record(recorded("error_ratio", w), g.averaged(base, w)))
	}
	return append(rules,
		g.record(SeriesBurnRate, g.own(recorded("error_ratio", fastest))+" / "+literal(budget(g.slo))),
		g.record(SeriesRemaining, "1 - "+g.averaged(base, window(g.slo))+" / "+literal(budget(g.slo))))
}

// averaged is the ratio over a window that is too long to read again and again
// from the counters: the mean rates are made of recorded ones, so that each
// request still weighs the same.
func (g generator) averaged(base, over time.Duration) string {
	mean := func(what string) string {
		return "avg_over_time(" + g.own(recorded(what, base)) + "[" + span(over) + "])"
	}
	return mean("failures") + " / (" + mean("requests") + " > 0)"
}

// windows are those that the alerts look at, each once.
func (g generator) windows() []time.Duration {
	var all []time.Duration
	seen := map[time.Duration]bool{}
	for _, t := range tiers {
		long, short := t.scaled(window(g.slo))
		for _, w := range []time.Duration{short, long} {
			if !seen[w] {
				seen[w], all = true, append(all, w)
			}
		}
	}
	return all
}

// alerts are the tiers that can fire: where the objective is low, all requests
// together cannot burn the budget so fast.
func (g generator) alerts() []monitoringv1.Rule {
	var rules []monitoringv1.Rule
	for _, t := range tiers {
		if t.factor*budget(g.slo) < 1 {
			rules = append(rules, g.alert(t))
		}
	}
	return rules
}

func (g generator) alert(t tier) monitoringv1.Rule {
	whole := window(g.slo)
	long, short := t.scaled(whole)
	limit := fmt.Sprintf(" > %s * %s", literal(t.factor), literal(budget(g.slo)))
	labels := maps.Clone(g.labels)
	labels["severity"] = t.severity
	spent := time.Duration(float64(whole) / t.factor).Truncate(time.Hour)
	return monitoringv1.Rule{
		Alert:  t.alert,
		Expr:   intstr.FromString(g.own(recorded("error_ratio", long)) + limit + " and " + g.own(recorded("error_ratio", short)) + limit),
		Labels: labels,
		Annotations: map[string]string{
			"summary": fmt.Sprintf(`%s/%s {{ $value | humanizePercentage }} of its requests to {{ $labels.operation }}, which spends the error budget of %s in %s`,
				g.namespace, g.name+" "+g.goesWrong(), span(whole), span(spent)),
			"description": fmt.Sprintf(`Over the last %s and the last %s, objective {{ $labels.slo }} burned its error budget more than %s times as fast as it may.`,
				span(long), span(short), text(t.factor)),
			"runbook_url": runbook,
		},
	}
}

// goesWrong says what happens to requests that count against the budget.
func (g generator) goesWrong() string {
	if g.slo.Latency == nil {
		return "fails"
	}
	return fmt.Sprintf("takes longer than %ss for", text(g.threshold()))
}

func (g generator) record(name, expr string) monitoringv1.Rule {
	return monitoringv1.Rule{Record: name, Expr: intstr.FromString(expr), Labels: maps.Clone(g.labels)}
}

// own is a recorded series of the objective.
func (g generator) own(name string) string {
	matchers := []string{matcher(namespaceLabel, g.namespace), matcher(nameLabel, g.name), matcher("slo", g.slo.Name)}
	return selector(name, strings.Join(matchers, ","), "")
}

// recorded is the name of what is recorded over a window.
func recorded(what string, over time.Duration) string {
	return "signal_slo:" + what + ":rate" + span(over)
}

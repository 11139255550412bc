// Package library has the default alert rules of the signal service: what
// commonly goes wrong with one, before and after a release. It makes rule
// groups of them; it evaluates nothing, and talks to nobody.
package library

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
)

// Windows that rates are taken over. A window must hold at least four scrapes.
const (
	// ReleaseWindow suits scrapes of 1 s: a release is minutes long.
	ReleaseWindow = time.Minute
	// PublishedWindow suits every scrape interval up to 1 m and 15 s, which
	// whoever runs a Prometheus has chosen.
	PublishedWindow = 5 * time.Minute
)

// Runbooks is where the rules' runbooks are, each as <alert>.md.
const Runbooks = "https://github.com/signal-delivery/operator/blob/main/docs/runbooks"

// Options of a build. The zero value suits the built-in engine.
type Options struct {
	Window   time.Duration // of rates, at least 1 s; 0 is ReleaseWindow
	Runbooks string        // URL of the folder with the runbooks; empty is Runbooks
}

// rules are all of them, in the order in which they are evaluated.
var rules = slices.Concat(traffic, pods, dependencies, signals)

// Alerts are the names of the rules, in their order.
func Alerts() []string {
	names := make([]string, 0, len(rules))
	for _, r := range rules {
		names = append(names, r.alert)
	}
	return names
}

// Build makes the group of default rules of a SignalDeployment, as asked for;
// none when they are disabled. The error names an alert or a limit that there
// is not, or a limit that is no number.
func Build(sd *v1alpha1.SignalDeployment, asked v1alpha1.AlertLibrary, o Options) ([]alert.Group, error) {
	if err := check(asked); err != nil {
		return nil, err
	}
	group := alert.Group{Name: alert.GroupName(sd, alert.LibraryGroup)}
	for _, r := range rules {
		if slices.Contains(asked.Disable, r.alert) {
			continue
		}
		changed, err := r.override(asked.Overrides)
		if err != nil {
			return nil, err
		}
		group.Rules = append(group.Rules, changed.build(sd, o))
	}
	if asked.Mode == v1alpha1.LibraryDisabled || len(group.Rules) == 0 {
		return nil, nil
	}
	return []alert.Group{group}, nil
}

// check finds the first alert asked for that there is not.
func check(asked v1alpha1.AlertLibrary) error {
	for i, name := range asked.Disable {
		if !slices.Contains(Alerts(), name) {
			return fmt.Errorf("disable[%d]: there is no default rule %q: there are %s", i, name, strings.Join(Alerts(), ", "))
		}
	}
	for i, o := range asked.Overrides {
		if !slices.Contains(Alerts(), o.Alert) {
			return fmt.Errorf("overrides[%d].alert: there is no default rule %q: there are %s", i, o.Alert, strings.Join(Alerts(), ", "))
		}
	}
	return nil
}

// build fills in everything that a rule leaves open.
func (r rule) build(sd *v1alpha1.SignalDeployment, o Options) monitoringv1.Rule {
	fill := r.filler(sd, cmp.Or(o.Window, ReleaseWindow))
	out := monitoringv1.Rule{
		Alert: r.alert, Expr: intstr.FromString(fill.Replace(r.expr)),
		Labels: map[string]string{"severity": r.severity},
		Annotations: map[string]string{
			"summary": fill.Replace(r.summary), "description": fill.Replace(r.description),
			"runbook_url": strings.TrimSuffix(cmp.Or(o.Runbooks, Runbooks), "/") + "/" + r.alert + ".md",
		},
	}
	if r.hold != "" {
		out.For = new(monitoringv1.Duration(r.hold))
	}
	return out
}

// filler knows the variables of a rule: whose it is, and its limits.
func (r rule) filler(sd *v1alpha1.SignalDeployment, window time.Duration) *strings.Replacer {
	pairs := append(make([]string, 0, 8+2*len(r.limits)),
		"${namespace}", sd.Namespace, "${name}", sd.Name, "${pod}", strings.ReplaceAll(regexp.QuoteMeta(sd.Name), `\`, `\\`),
		"${window}", model.Duration(window).String(),
	)
	for _, l := range r.limits {
		pairs = append(pairs, "${"+l.name+"}", l.value)
	}
	return strings.NewReplacer(pairs...)
}

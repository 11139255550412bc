package library

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Severities: what is critical turns a release back, what is a warning is
// reported.
const (
	critical = "critical"
	warning  = "warning"
)

// rule is a default rule. Its texts have ${namespace}, ${name}, ${window} and
// its limits in them.
type rule struct {
	alert, severity      string
	hold                 string // for
	expr                 string
	limits               []limit
	summary, description string
}

// limit is a number that users may change.
type limit struct{ name, value string }

// Whose series a selector takes, and what identifies a release and a service.
// They are the labels that the built-in source gives its samples, and that a
// PodMonitor gives those of a Prometheus.
const (
	own       = `namespace="${namespace}",delivery_signal_dev_name="${name}"`
	ownPods   = `namespace="${namespace}",pod=~"${pod}-[0-9a-f]{10}-.+"`
	service   = `namespace, delivery_signal_dev_name`
	byRelease = `namespace, delivery_signal_dev_name, delivery_signal_dev_release`
	byPod     = `namespace, pod`
	byProcess = `namespace, pod, container`
)

// notStable takes what is compared with the release beside it: the candidate.
// Where there is no label track, as in a Prometheus, it takes every release,
// and the best one is what they are compared with: it is never worse than
// itself.
const notStable = `,track!="stable"`

// ofPods says of series that have a pod which release of the service they are
// of: the pod's name has it. kube-state-metrics does not know the labels.
func ofPods(expr string) string {
	named := `label_replace(` + expr + `, "delivery_signal_dev_name", "${name}", "", "")`
	return `label_replace(` + named + `, "delivery_signal_dev_release", "$1", "pod", "${pod}-([0-9a-f]{10})-.+")`
}

// as adds a label to what an expression answers with.
func as(label, value, expr string) string {
	return `label_replace(` + expr + `, "` + label + `", "` + value + `", "", "")`
}

// grown is by how much counters grew in a window, by release.
func grown(metric, matchers, window string) string {
	return `sum by (` + byRelease + `) (increase(` + metric + `{` + own + matchers + `}[` + window + `]))`
}

// requests are those that were answered, and errors those of them that the
// service is to blame for.
func requests(matchers, window string) string {
	return grown("http_requests_total", matchers, window)
}

func errors(matchers, window string) string {
	return grown("http_requests_total", matchers+`,code=~"5.."`, window)
}

// orNone is how much counters grew, and 0 for releases without such counters.
func orNone(counted, matchers string) string {
	return `(` + counted + ` or 0 * sum by (` + byRelease + `) (http_requests_total{` + own + matchers + `}))`
}

// override is the rule as users want it.
func (r rule) override(overrides []v1alpha1.AlertOverride) (rule, error) {
	i := slices.IndexFunc(overrides, func(o v1alpha1.AlertOverride) bool { return o.Alert == r.alert })
	if i < 0 {
		return r, nil
	}
	o := overrides[i]
	if o.For != "" {
		r.hold = o.For
	}
	if o.Severity != "" {
		r.severity = o.Severity
	}
	r.limits = slices.Clone(r.limits)
	for j, wanted := range o.Limits {
		if err := r.limit(wanted); err != nil {
			return rule{}, fmt.Errorf("overrides[%d].limits[%d]: %w", i, j, err)
		}
	}
	return r, nil
}

// limit changes one limit.
func (r rule) limit(wanted v1alpha1.AlertLimit) error {
	n, err := strconv.ParseFloat(wanted.Value.String(), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
		return fmt.Errorf("%q is not a number of 0 or more", wanted.Value.String())
	}
	names := make([]string, 0, len(r.limits))
	for i := range r.limits {
		if r.limits[i].name == wanted.Name {
			r.limits[i].value = strconv.FormatFloat(n, 'f', -1, 64)
			return nil
		}
		names = append(names, r.limits[i].name)
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no limits", r.alert)
	}
	return fmt.Errorf("%s has no limit %q: it has %s", r.alert, wanted.Name, strings.Join(names, ", "))
}

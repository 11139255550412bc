package profile

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// ask spells out queries about the pods of one release.
type ask struct {
	pods string // matchers
}

func (s Subject) ask(release string) ask {
	return ask{fmt.Sprintf(`namespace=%q,delivery_signal_dev_name=%q,delivery_signal_dev_release=%q`, s.Namespace, s.Name, release)}
}

// Metrics that are asked for.
const (
	requestsMetric = "http_requests_total"
	latencyMetric  = "http_request_duration_seconds"
	cpuMetric      = "process_cpu_seconds_total"
	memoryMetric   = "process_resident_memory_bytes"
	limitMetric    = "kube_pod_container_resource_limits"
)

func (a ask) of(metric string, more ...string) string {
	return metric + "{" + strings.Join(append([]string{a.pods}, more...), ",") + "}"
}

func span(d time.Duration) string { return "[" + model.Duration(d).String() + "]" }

// requests in a window, as a rate or an increase; class is one of answers, as
// in 5. Where no answer was of the class, and there is a code, there were none.
func (a ask) requests(function, class string, window time.Duration) string {
	if class == "" {
		return "sum(" + function + "(" + a.of(requestsMetric) + span(window) + "))"
	}
	return fmt.Sprintf(`sum(%[1]s(%[2]s%[4]s)) or 0 * sum(%[1]s(%[3]s%[4]s))`, function,
		a.of(requestsMetric, `code=~"`+class+`.."`), a.of(requestsMetric, `code=~".+"`), span(window))
}

// share of requests that were answered with a class.
func (a ask) share(class string, window time.Duration) string {
	return "(" + a.requests("increase", class, window) + ") / " + a.requests("increase", "", window)
}

// peak is the highest rate of requests of any window.
func (a ask) peak(over, window time.Duration) string {
	return highest(a.requests("rate", "", window), over, window)
}

// quantile of how long answers took, by classic buckets or a native histogram.
func (a ask) quantile(q string, window time.Duration) string {
	return fmt.Sprintf(`histogram_quantile(%[1]s, sum by (le) (rate(%[2]s%[4]s))) or histogram_quantile(%[1]s, sum(rate(%[3]s%[4]s)))`,
		q, a.of(latencyMetric+"_bucket"), a.of(latencyMetric), span(window))
}

// cpu that a pod uses on average, in cores; all pods together with sum.
func (a ask) cpu(aggregate string, window time.Duration) string {
	return aggregate + "(rate(" + a.of(cpuMetric) + span(window) + "))"
}

// cpuShare of the container's limit.
func (a ask) cpuShare(window time.Duration) string {
	return fmt.Sprintf("avg(rate(%s%s) / on (pod, container) %s)", a.of(cpuMetric), span(window), a.of(limitMetric, `resource="cpu"`))
}

// memory that the pod with the most uses.
func (a ask) memory() string { return "max(" + a.of(memoryMetric) + ")" }

func (a ask) memoryShare() string {
	return fmt.Sprintf("max(%s / on (pod, container) %s)", a.of(memoryMetric), a.of(limitMetric, `resource="memory"`))
}

// highest is the most that a query answered with at any step of a window.
func highest(query string, over, step time.Duration) string {
	return fmt.Sprintf("max_over_time((%s)[%s:%s])", query, model.Duration(over), model.Duration(step))
}

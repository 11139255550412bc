package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Labels by which series say whose they are. They are those that the built-in
// source gives its samples, and a PodMonitor those of a Prometheus.
const (
	namespaceLabel = "namespace"
	nameLabel      = "delivery_signal_dev_name"
	releaseLabel   = "delivery_signal_dev_release"
)

// Metrics of an operation that names none, and which of its requests failed.
const (
	httpCounter   = "http_requests_total"
	httpHistogram = "http_request_duration_seconds"
	httpFailed    = `code=~"5.."`
	grpcCounter   = "grpc_server_handled_total"
	grpcHistogram = "grpc_server_handling_seconds"
	grpcFailed    = `grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"`
)

// Subject is whose requests are counted.
type Subject struct {
	Namespace, Name string // of the SignalDeployment
	Release         string // hash of the candidate
}

// requests are the requests that an objective is about.
type requests struct {
	slo   v1alpha1.SLO
	owner string // matchers of everything that is of the service
	whose string // matchers of the requests
}

// of are the requests of the whole service, whichever release answers.
func of(s v1alpha1.SLO, namespace, name string) requests {
	owner := matcher(namespaceLabel, namespace) + "," + matcher(nameLabel, name)
	matchers := []string{owner}
	if s.Operation.Route != "" {
		matchers = append(matchers, matcher("route", s.Operation.Route))
	}
	if service, method, named := strings.Cut(s.Operation.GRPCMethod, "/"); named {
		matchers = append(matchers, matcher("grpc_service", service), matcher("grpc_method", method))
	}
	if s.Operation.Matchers != "" {
		matchers = append(matchers, s.Operation.Matchers)
	}
	return requests{slo: s, owner: owner, whose: strings.Join(matchers, ",")}
}

// by are those that one release answers.
func (r requests) by(release string) requests {
	r.whose += "," + matcher(releaseLabel, release)
	return r
}

func matcher(label, value string) string { return label + "=" + strconv.Quote(value) }

// measure makes of a selector what is added up: how fast it grows, or by how
// much it grew.
type measure func(selector string) string

// rate is how fast counters grow, per second.
func rate(window string) measure {
	return func(selector string) string { return "rate(" + selector + "[" + window + "])" }
}

// total are all requests: nothing where nothing is known of them.
func (r requests) total(m measure) string {
	if r.slo.Latency == nil {
		return "sum(" + m(r.counter("")) + ")"
	}
	return "(sum(" + m(r.histogram("_count", "")) + ") or histogram_count(" + r.native(m) + "))"
}

// failed are those of them that were not answered well: 0 where none was, and
// nothing where that cannot be told.
func (r requests) failed(m measure) string {
	if r.slo.Latency == nil {
		return "(sum(" + m(r.counter(r.failing())) + ") or 0 * " + r.total(m) + ")"
	}
	return fmt.Sprintf("(sum(%s) - sum(%s) or %s)",
		m(r.histogram("_count", "")), m(r.histogram("_bucket", bound(r.threshold()))), r.slow(r.native(m)))
}

// slow are the requests of a native histogram that took too long. Without
// requests it has no share that is in time, and none is slow.
func (r requests) slow(h string) string {
	return fmt.Sprintf("(1 - histogram_fraction(0, %s, %s)) * (histogram_count(%s) > 0) or histogram_count(%s)", literal(r.threshold()), h, h, h)
}

// failing are the matchers of requests that failed.
func (r requests) failing() string {
	return or(r.slo.Availability.Failed, r.or(httpFailed, grpcFailed))
}

// up are the pods of the service that are scraped.
func (r requests) up() string { return selector("up", r.owner, "") }

// ratio is the share of requests that failed: nothing without requests.
func (r requests) ratio(m measure) string {
	return r.failed(m) + " / (" + r.total(m) + " > 0)"
}

func (r requests) native(m measure) string { return "sum(" + m(r.histogram("", "")) + ")" }

func (r requests) threshold() float64 { return number(r.slo.Latency.ThresholdSeconds) }

func (r requests) counter(failed string) string {
	return selector(or(r.slo.Availability.Counter, r.or(httpCounter, grpcCounter)), r.whose, failed)
}

func (r requests) histogram(suffix, matchers string) string {
	return selector(r.histogramName()+suffix, r.whose, matchers)
}

func (r requests) histogramName() string {
	return or(r.slo.Latency.Histogram, r.or(httpHistogram, grpcHistogram))
}

// or is what the operation is spoken of in: HTTP or gRPC.
func (r requests) or(http, grpc string) string {
	if r.slo.Operation.GRPCMethod != "" {
		return grpc
	}
	return http
}

// bound matches a bucket by its upper bound: as it was exposed, or as
// Prometheus 3 writes whole numbers.
func bound(seconds float64) string {
	digits := literal(seconds)
	if seconds == math.Trunc(seconds) {
		return `le=~"` + digits + `|` + digits + `[.]0"`
	}
	return matcher("le", digits)
}

func selector(metric, whose, more string) string {
	if more != "" {
		whose += "," + more
	}
	return metric + "{" + whose + "}"
}

func or(text, absent string) string {
	if text == "" {
		return absent
	}
	return text
}

package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/controllers"
	"github.com/signal-delivery/operator/internal/alert"
	alertprometheus "github.com/signal-delivery/operator/internal/alert/prometheus"
	"github.com/signal-delivery/operator/internal/analysis"
	metricprometheus "github.com/signal-delivery/operator/internal/analysis/prometheus"
)

// defaultServer is the metric server of a --prometheus without a name.
const defaultServer = "default"

// flags are what an administrator says at the start.
type flags struct {
	metricsAddress, probeAddress string
	metricsSecure                bool
	leaderElect                  bool
	leaderNamespace              string
	namespaces                   list
	servers                      servers
	ruleLabels                   labels
	proberImage                  string
	insecureRegistries           list
	concurrency                  int
	development                  bool
	level                        zapcore.Level
}

func newFlags(set *flag.FlagSet) *flags {
	f := &flags{servers: servers{}, ruleLabels: labels{}}
	set.StringVar(&f.metricsAddress, "metrics-bind-address", ":8443", "address of the metrics endpoint; 0 turns it off")
	set.BoolVar(&f.metricsSecure, "metrics-secure", true, "serve metrics over TLS, to those whom the cluster authorizes to read them")
	set.StringVar(&f.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	set.BoolVar(&f.leaderElect, "leader-elect", false, "act only while holding the lease, so that several replicas can run")
	set.StringVar(&f.leaderNamespace, "leader-election-namespace", "", "namespace of the lease (default: the operator's own)")
	set.Var(&f.namespaces, "namespaces", "namespaces to serve, separated by commas (default: all)")
	set.Var(f.servers, "prometheus", "URL or NAME=URL of a Prometheus server; without a name it is the one called default; may be repeated")
	set.Var(f.ruleLabels, "prometheus-rule-labels", "labels, as k=v separated by commas, that PrometheusRules need to be selected")
	set.StringVar(&f.proberImage, "prober-image", os.Getenv("PROBER_IMAGE"), "image that runs built-in checks and resolves images (default: $PROBER_IMAGE)")
	set.Var(&f.insecureRegistries, "insecure-registries", "registries, separated by commas, that speak plain http")
	set.IntVar(&f.concurrency, "max-concurrent-reconciles", 64, "SignalDeployments that are reconciled side by side; most of the time they wait for metric servers")
	set.BoolVar(&f.development, "zap-devel", false, "log for people instead of as JSON")
	set.TextVar(&f.level, "zap-log-level", zapcore.InfoLevel, "least level that is logged: debug, info, warn or error")
	return f
}

// logger is zap behind logr: JSON in production.
func (f *flags) logger() (log logr.Logger, flush func()) {
	config := zap.NewProductionConfig()
	if f.development {
		config = zap.NewDevelopmentConfig()
	}
	config.Level = zap.NewAtomicLevelAt(f.level)
	config.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	z := zap.Must(config.Build())
	return zapr.NewLogger(z), func() { _ = z.Sync() }
}

// rooms are the parts of the house that the flags have a say in.
func (f *flags) rooms() (controllers.Rooms, error) {
	rooms := controllers.Rooms{
		Metrics: map[string]analysis.Source{}, Alerts: map[string]alert.Source{},
		RuleLabels: f.ruleLabels, ProberImage: f.proberImage, Insecure: f.insecureRegistries,
		Everywhere: len(f.namespaces) == 0,
	}
	for name, url := range f.servers {
		metrics, err := metricprometheus.New(name, url, http.DefaultTransport, 0)
		if err != nil {
			return rooms, fmt.Errorf("--prometheus %s=%s: %w", name, url, err)
		}
		alerts, err := alertprometheus.New(name, url, http.DefaultTransport, 0)
		if err != nil {
			return rooms, fmt.Errorf("--prometheus %s=%s: %w", name, url, err)
		}
		rooms.Metrics[name] = metricprometheus.NewBatch(metrics, metricprometheus.BatchOptions{})
		rooms.Alerts[name] = alertprometheus.NewShared(alerts, alertprometheus.SharedOptions{})
	}
	return rooms, nil
}

// list is a comma-separated flag.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set adds the parts that are not empty.
func (l *list) Set(value string) error {
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

// servers is a repeatable flag of URLs by name.
type servers map[string]string

func (s servers) String() string { return "" }

// Set adds one server.
func (s servers) Set(value string) error {
	name, url, named := strings.Cut(value, "=")
	if !named || strings.Contains(name, "/") { // the = is part of a URL
		name, url = defaultServer, value
	}
	if name == v1alpha1.ServerBuiltIn {
		return fmt.Errorf("%q is the operator's own source: give the server another name", name)
	}
	if _, twice := s[name]; twice {
		return fmt.Errorf("server %q is given twice", name)
	}
	s[name] = url
	return nil
}

// labels is a flag of k=v pairs.
type labels map[string]string

func (l labels) String() string { return "" }

// Set adds the pairs.
func (l labels) Set(value string) error {
	for part := range strings.SplitSeq(value, ",") {
		key, v, ok := strings.Cut(part, "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not of the form key=value", part)
		}
		l[key] = v
	}
	return nil
}

package controllers

import (
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/traffic"
)

// Rooms are the parts of the house that the corridor leads to and that an
// administrator has a say in.
type Rooms struct {
	Router traffic.Router // nil where the Gateway API is not installed

	BuiltIn *builtin.Builtin           // scrapes the pods of releases under way
	Metrics map[string]analysis.Source // metric servers, by the administrator's name
	Alerts  map[string]alert.Source    // the same servers, asked for their rules

	RulesPublished bool              // whether PrometheusRules are understood here
	Prometheuses   bool              // whether Prometheus objects are
	RuleLabels     map[string]string // that the cluster's Prometheus selects rules by

	DashboardsKnown bool // whether GrafanaDashboards are understood here

	ProberImage string   // what runs built-in checks, and resolves images
	Insecure    []string // registries, as host or host:port, that speak plain http
	NodesKnown  bool     // whether the operator may see the nodes
	Everywhere  bool     // whether it sees the pods of all namespaces
}

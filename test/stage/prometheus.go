package stage

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Prometheus speaks the HTTP API of a Prometheus that has loaded every
// published rule. A query of the form value{namespace="…",release="…"} answers
// with what was set for it, and 0 otherwise; one about a SignalDeployment by
// name, with what was told of its requests. Queries are real PromQL, and may be
// joined.
type Prometheus struct {
	client   client.Reader
	requests *requests
	server   *httptest.Server

	mu     sync.Mutex
	values map[string]string            // by namespace and release; "" answers with no data
	firing map[string]map[string]string // labels of the alert that fires, by namespace and rule
	down   map[string]bool              // by namespace
	blind  map[string]bool              // namespaces whose rules are not loaded
}

func newPrometheus(c client.Reader) *Prometheus {
	p := &Prometheus{client: c, requests: newRequests(), values: map[string]string{}, firing: map[string]map[string]string{}, down: map[string]bool{}, blind: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/query", p.query)
	mux.HandleFunc("/api/v1/rules", p.rules)
	p.server = httptest.NewServer(mux)
	return p
}

// URL of the server.
func (p *Prometheus) URL() string { return p.server.URL }

// Set makes the namespace's query answer with a value for one release, or for
// every one when the release is empty.
func (p *Prometheus) Set(namespace, release, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[namespace+"/"+release] = value
}

// Fire makes a rule of the namespace fire with these labels; nil stops it.
func (p *Prometheus) Fire(namespace, rule string, labels map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.firing[namespace+"/"+rule] = labels
}

// Down makes queries of a namespace fail with 503.
func (p *Prometheus) Down(namespace string, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down[namespace] = down
}

// Blind makes it load no rules of a namespace.
func (p *Prometheus) Blind(namespace string, blind bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blind[namespace] = blind
}

func (p *Prometheus) sees(namespace string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.blind[namespace]
}

var selector = regexp.MustCompile(`value\{namespace="([^"]*)",release="([^"]*)"\}`)

func (p *Prometheus) query(w http.ResponseWriter, r *http.Request) {
	query := r.FormValue("query")
	matches := selector.FindAllStringSubmatch(query, -1)
	if matches == nil && !strings.Contains(query, "delivery_signal_dev_name") {
		http.Error(w, `{"status":"error","errorType":"bad_data","error":"not a query of the stage"}`, http.StatusBadRequest)
		return
	}
	now := time.Now()
	for _, match := range matches {
		value, down := p.value(match[1], match[2])
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		if err := p.requests.set(now, match[1], match[2], value); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	p.requests.query(w, r, query, now)
}

// value is what was set for a release.
func (p *Prometheus) value(namespace, release string) (value string, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	value, set := p.values[namespace+"/"+release]
	if !set {
		value, set = p.values[namespace+"/"]
	}
	if !set {
		value = "0"
	}
	return value, p.down[namespace]
}

func (p *Prometheus) rules(w http.ResponseWriter, r *http.Request) {
	list := &monitoringv1.PrometheusRuleList{}
	if err := p.client.List(r.Context(), list); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	groups := []any{}
	for _, object := range list.Items {
		if !p.sees(object.Namespace) {
			continue
		}
		for _, group := range object.Spec.Groups {
			rules := []any{}
			for _, rule := range group.Rules {
				if rule.Alert == "" {
					continue // what it records is nobody's concern here
				}
				rules = append(rules, p.rule(object.Namespace, rule))
			}
			groups = append(groups, map[string]any{"name": group.Name, "file": "stage", "interval": 1, "rules": rules})
		}
	}
	reply(w, map[string]any{"groups": groups})
}

func (p *Prometheus) rule(namespace string, rule monitoringv1.Rule) map[string]any {
	p.mu.Lock()
	labels := p.firing[namespace+"/"+rule.Alert]
	p.mu.Unlock()
	alerts := []any{}
	if labels != nil {
		all := map[string]string{"alertname": rule.Alert}
		maps.Copy(all, labels)
		alerts = append(alerts, map[string]any{"labels": all, "annotations": rule.Annotations, "state": "firing", "activeAt": time.Unix(1_700_000_000, 0), "value": "1"})
	}
	return map[string]any{
		"type": "alerting", "name": rule.Alert, "query": rule.Expr.String(), "labels": rule.Labels, "annotations": rule.Annotations,
		"health": "ok", "alerts": alerts, "state": "inactive", "duration": 0,
	}
}

func reply(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data}); err != nil {
		panic(fmt.Sprintf("stage: %v", err)) // the operator hung up, which is its right
	}
}

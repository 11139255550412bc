// Package prometheus asks a Prometheus server which alert rules it evaluates.
// The server is named by the cluster's administrator; it is given a few
// seconds and a few megabytes, and is followed nowhere else.
package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/signal-delivery/operator/internal/alert"
)

const (
	defaultTimeout = 5 * time.Second
	maxAnswer      = 32 << 20 // bytes: a large server has thousands of rules
)

// Source is one Prometheus server. It is safe for concurrent use.
type Source struct {
	name    string
	api     prometheusv1.API
	timeout time.Duration
}

// New is the server of that name at that URL. Without a transport it is the
// default one; a timeout of zero is 5 s.
func New(name, address string, transport http.RoundTripper, timeout time.Duration) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("parse the URL of metric server %q: %w", name, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("the URL of metric server %q must be like http://prometheus.monitoring:9090", name)
	}
	client, err := api.NewClient(api.Config{Address: address, Client: &http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, fmt.Errorf("make a client of metric server %q: %w", name, err)
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return &Source{name: name, api: prometheusv1.NewAPI(client), timeout: timeout}, nil
}

// Name says in evidence what was asked.
func (s *Source) Name() string { return s.name }

// Rules are the alert rules that the server evaluates.
func (s *Source) Rules(ctx context.Context) ([]alert.LiveGroup, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer, err := s.api.Rules(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("ask metric server %s for its rules: %w", s.name, err)
	}
	groups := make([]alert.LiveGroup, 0, len(answer.Groups))
	for _, group := range answer.Groups {
		live := alert.LiveGroup{Name: group.Name}
		for _, rule := range group.Rules {
			if alerting, ok := rule.(prometheusv1.AlertingRule); ok {
				live.Rules = append(live.Rules, liveRule(alerting))
			}
		}
		groups = append(groups, live)
	}
	return groups, nil
}

// Stock is which metrics the server has, by a query for them.
func (s *Source) Stock(ctx context.Context, query string, at time.Time) (alert.Stock, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer, _, _, err := s.api.Query(ctx, query, at)
	if err != nil {
		return nil, fmt.Errorf("ask metric server %s which metrics it has: %w", s.name, err)
	}
	vector, ok := answer.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("ask metric server %s which metrics it has: it answers with a %s", s.name, answer.Type())
	}
	series := make([]labels.Labels, 0, len(vector))
	for _, sample := range vector {
		series = append(series, labels.FromMap(plain(model.LabelSet(sample.Metric))))
	}
	return alert.StockOf(series), nil
}

// liveRule is the rule as the room knows it. One that has not been evaluated
// yet is not healthy: its silence says nothing.
func liveRule(rule prometheusv1.AlertingRule) alert.LiveRule {
	live := alert.LiveRule{Name: rule.Name, Query: rule.Query, Labels: plain(rule.Labels), LastError: rule.LastError}
	switch {
	case rule.Health == prometheusv1.RuleHealthGood:
		live.Healthy = true
	case rule.Health == prometheusv1.RuleHealthBad && rule.LastError == "":
		live.LastError = "the server does not say why"
	}
	for _, a := range rule.Alerts {
		if a != nil && a.State == prometheusv1.AlertStateFiring {
			live.Firing = append(live.Firing, alert.Firing{Labels: plain(a.Labels), Annotations: plain(a.Annotations), Value: a.Value, Since: a.ActiveAt})
		}
	}
	return live
}

func plain(set model.LabelSet) map[string]string {
	out := make(map[string]string, len(set))
	for name, value := range set {
		out[string(name)] = string(value)
	}
	return out
}

// bounded is a transport whose answers end, with an error when they are too
// long: half an answer must not pass for a whole one.
type bounded struct{ http.RoundTripper }

// RoundTrip answers with a body of at most maxAnswer bytes.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	next := b.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	return response, nil
}

// Package prometheus takes samples from a Prometheus server through its HTTP
// API. The server is named by the cluster's administrator; it is given a few
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

	"github.com/signal-delivery/operator/internal/analysis"
)

const (
	defaultTimeout = 5 * time.Second // of one query
	maxAnswer      = 8 << 20         // bytes of one answer
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

// Query answers as of one moment.
func (s *Source) Query(ctx context.Context, query string, at time.Time) ([]analysis.Point, error) {
	value, err := s.ask(ctx, query, at, s.timeout)
	if err != nil {
		return nil, s.explain(err)
	}
	switch v := value.(type) {
	case *model.Scalar:
		return []analysis.Point{{Time: v.Timestamp.Time(), Value: float64(v.Value)}}, nil
	case model.Vector:
		return ofVector(v)
	}
	return nil, ofNoUse(value)
}

// ask has the client's own errors.
func (s *Source) ask(ctx context.Context, query string, at time.Time, timeout time.Duration) (model.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, _, _, err := s.api.Query(ctx, query, at)
	return value, err
}

// QueryRange answers over a window.
func (s *Source) QueryRange(ctx context.Context, query string, from, to time.Time, step time.Duration) ([][]analysis.Point, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	value, _, _, err := s.api.QueryRange(ctx, query, prometheusv1.Range{Start: from, End: to, Step: step})
	if err != nil {
		return nil, s.explain(err)
	}
	if v, ok := value.(model.Matrix); ok {
		return ofMatrix(v)
	}
	return nil, ofNoUse(value)
}

func ofVector(v model.Vector) ([]analysis.Point, error) {
	points := make([]analysis.Point, 0, len(v))
	for _, sample := range v {
		if sample.Histogram != nil {
			return nil, histogramError()
		}
		points = append(points, analysis.Point{Time: sample.Timestamp.Time(), Value: float64(sample.Value), Bound: string(sample.Metric[model.BucketLabel])})
	}
	return points, nil
}

func ofMatrix(v model.Matrix) ([][]analysis.Point, error) {
	series := make([][]analysis.Point, 0, len(v))
	for _, stream := range v {
		if len(stream.Histograms) > 0 {
			return nil, histogramError()
		}
		points := make([]analysis.Point, 0, len(stream.Values))
		for _, pair := range stream.Values {
			points = append(points, analysis.Point{Time: pair.Timestamp.Time(), Value: float64(pair.Value)})
		}
		series = append(series, points)
	}
	return series, nil
}

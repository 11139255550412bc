// Package prometheus takes samples from a Prometheus server through its HTTP
// API. The server is named by the cluster's administrator.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	defaultTimeout = 5 * time.Second // of one query
	maxAnswer      = 8 << 20         // bytes of one answer
)

// Source is one Prometheus server.
type Source struct {
	name    string
	api     prometheusv1.API
	timeout time.Duration
}

// New is the server of that name at that URL. A timeout of zero is 5 s.
func New(name, url string, transport http.RoundTripper, timeout time.Duration) (*Source, error) {
	client, err := api.NewClient(api.Config{Address: url, Client: &http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, fmt.Errorf("parse the URL of metric server %q: %w", name, err)
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
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	value, _, _, err := s.api.Query(ctx, query, at)
	if err != nil {
		return nil, s.explain(err)
	}
	switch v := value.(type) {
	case *model.Scalar:
		return []analysis.Point{{Time: v.Timestamp.Time(), Value: float64(v.Value)}}, nil
	case model.Vector:
		points := make([]analysis.Point, 0, len(v))
		for _, sample := range v {
			if sample.Histogram != nil {
				return nil, fmt.Errorf("%w: it answers with a histogram; take a quantile or a count of it", analysis.ErrType)
			}
			points = append(points, analysis.Point{Time: sample.Timestamp.Time(), Value: float64(sample.Value)})
		}
		return points, nil
	}
	return nil, fmt.Errorf("%w: it answers with a %s", analysis.ErrType, value.Type())
}

// QueryRange answers over a window.
func (s *Source) QueryRange(ctx context.Context, query string, from, to time.Time, step time.Duration) ([][]analysis.Point, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	value, _, _, err := s.api.QueryRange(ctx, query, prometheusv1.Range{Start: from, End: to, Step: step})
	if err != nil {
		return nil, s.explain(err)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("%w: it answers with a %s", analysis.ErrType, value.Type())
	}
	series := make([][]analysis.Point, 0, len(matrix))
	for _, stream := range matrix {
		if len(stream.Histograms) > 0 {
			return nil, fmt.Errorf("%w: it answers with histograms; take a quantile or a count of them", analysis.ErrType)
		}
		points := make([]analysis.Point, 0, len(stream.Values))
		for _, pair := range stream.Values {
			points = append(points, analysis.Point{Time: pair.Timestamp.Time(), Value: float64(pair.Value)})
		}
		series = append(series, points)
	}
	return series, nil
}

// explain tells a query that is refused from a server that does not answer.
func (s *Source) explain(err error) error {
	var answer *prometheusv1.Error
	if errors.As(err, &answer) && (answer.Type == prometheusv1.ErrBadData || answer.Type == prometheusv1.ErrExec) {
		return fmt.Errorf("%w: %s", analysis.ErrRejected, verdict.Clip(answer.Msg, 400))
	}
	return fmt.Errorf("ask metric server %s: %w", s.name, err)
}

// bounded is a transport whose answers end.
type bounded struct{ http.RoundTripper }

// RoundTrip answers with a body of at most maxAnswer bytes.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}

package analysis

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// app is what the tests judge: release new of prod/app, beside release old.
var app = Subject{Namespace: "prod", Name: "app", Service: "app", Release: "new", Stable: "old", Since: noon.Add(-90 * time.Second)}

// fake answers each query with the points of its series, or with an error. It
// notes how far back it was asked.
type fake struct {
	series map[string][][]float64
	errs   map[string]error
	asked  *string
}

func (f fake) Name() string { return "main" }

func (f fake) Query(_ context.Context, query string, _ time.Time) ([]Point, error) {
	var points []Point
	for _, s := range f.series[query] {
		points = append(points, Point{Value: s[0]})
	}
	return points, f.errs[query]
}

func (f fake) QueryRange(_ context.Context, query string, from, to time.Time, step time.Duration) ([][]Point, error) {
	if f.asked != nil {
		*f.asked = fmt.Sprintf("%s, from %s back by %s", to.Sub(from), to.Format(time.TimeOnly), step)
	}
	var all [][]Point
	for _, s := range f.series[query] {
		var points []Point
		for _, v := range s {
			points = append(points, Point{Value: v})
		}
		all = append(all, points)
	}
	return all, f.errs[query]
}

// one is a source in which each release has one value.
func one(values map[string]float64) fake {
	f := fake{series: map[string][][]float64{}}
	for release, value := range values {
		f.series[release] = [][]float64{{value}}
	}
	return f
}

var errBroken = errors.New("dial tcp 10.0.0.1:43210->10.0.0.2:9090: connection refused")

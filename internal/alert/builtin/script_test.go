package builtin

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/internal/alert"
)

var errRefused = errors.New("refused")

// script is a server whose answers are written down: for each query, a sign a
// second. "." is nothing, "!" an error, a digit the value of one series, and
// "=" two series that differ in a label alone.
type script struct {
	t       *testing.T
	start   time.Time
	answers map[string]string
	asked   []string
	made    []string // what was recorded
	refuses bool     // to record
	stock   promql.Vector
}

func (s *script) query(_ context.Context, query string, at time.Time) (promql.Vector, error) {
	s.asked = append(s.asked, query)
	signs, known := s.answers[query]
	if strings.HasPrefix(query, "group by") {
		return s.stock, nil
	}
	second := int(at.Sub(s.start) / time.Second)
	if !known || second < 0 || second >= len(signs) {
		s.t.Fatalf("asked %q at %ds", query, second)
	}
	switch sign := signs[second]; sign {
	case '.':
		return nil, nil
	case '!':
		return nil, errRefused
	case '=':
		return promql.Vector{one("a", 1), one("b", 1)}, nil
	default:
		return promql.Vector{one("a", float64(sign-'0'))}, nil
	}
}

func one(pod string, value float64) promql.Sample {
	return promql.Sample{Metric: labels.FromStrings("__name__", "x", "pod", pod), F: value}
}

func (s *script) record(_ time.Time, made promql.Vector) error {
	if s.refuses {
		return errRefused
	}
	for _, sample := range made {
		s.made = append(s.made, sample.String())
	}
	return nil
}

// play is a source and the server that it asks; something has been scraped.
func play(t *testing.T, answers map[string]string) (*Source, *script) {
	t.Helper()
	s := &script{t: t, start: noon, answers: map[string]string{scrapedQuery: strings.Repeat("1", 60)}}
	maps.Copy(s.answers, answers)
	return New(Options{Name: "built-in", Query: s.query, Record: s.record}), s
}

// alerting is a group of one rule with the expression x.
func alerting(change func(*monitoringv1.Rule), changeGroup func(*alert.Group)) []alert.Group {
	g := alert.Group{Name: "g", Rules: []monitoringv1.Rule{{Alert: "A", Expr: intstr.FromString("x"), Labels: map[string]string{"severity": "critical"}}}}
	if change != nil {
		change(&g.Rules[0])
	}
	if changeGroup != nil {
		changeGroup(&g)
	}
	return []alert.Group{g}
}

func load(t *testing.T, s *Source, groups []alert.Group) {
	t.Helper()
	if err := s.Load(groups); err != nil {
		t.Fatal(err)
	}
}

// at evaluates at a second.
func at(t *testing.T, s *Source, second int) []alert.LiveGroup {
	t.Helper()
	if err := s.Evaluate(t.Context(), noon.Add(time.Duration(second)*time.Second)); err != nil {
		t.Fatalf("at %ds: %v", second, err)
	}
	live, err := s.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// course evaluates each second and writes down the state of the first rule: "."
// does not fire, "F" fires, "!" is not healthy.
func course(t *testing.T, s *Source, from, to int) string {
	t.Helper()
	signs := ""
	for second := from; second < to; second++ {
		rule := at(t, s, second)[0].Rules[0]
		switch {
		case !rule.Healthy && len(rule.Firing) > 0:
			signs += "f"
		case !rule.Healthy:
			signs += "!"
		case len(rule.Firing) > 0:
			signs += "F"
		default:
			signs += "."
		}
	}
	return signs
}

package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert/builtin"
	"github.com/signal-delivery/operator/internal/alert/library"
	"github.com/signal-delivery/operator/internal/series"
)

// judge is the default alert rules over what a pod tells, second by second.
type judge struct {
	*builtin.Source
	samples *series.Store
	start   time.Time
}

func newJudge(t *testing.T) judge {
	t.Helper()
	sd := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app"}}
	groups, err := library.Build(sd, v1alpha1.AlertLibrary{}, library.Options{})
	if err != nil {
		t.Fatal(err)
	}
	engine, samples := series.NewEngine(series.EngineOptions{}), series.NewStore(series.Limits{Age: time.Hour})
	source := builtin.New(builtin.Options{Name: "built-in", Query: func(ctx context.Context, query string, at time.Time) (promql.Vector, error) {
		value, err := engine.Query(ctx, samples, query, at)
		if err != nil {
			return nil, err
		}
		vector, is := value.(promql.Vector)
		if !is {
			return nil, fmt.Errorf("%s answers with a %s", query, value.Type())
		}
		return vector, nil
	}})
	if err := source.Load(groups); err != nil {
		t.Fatal(err)
	}
	return judge{source, samples, time.Unix(1_000_000, 0)}
}

// scrape takes in what the metrics are at a second, as the built-in source
// labels them.
func (j judge) scrape(t *testing.T, s shelf, second int) {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	batch := []series.Sample{{Labels: labels.FromStrings("__name__", "up", "pod", "app-bbbbbbbbbb-6d4c-x1"), Value: 1}}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			of := map[string]string{
				"__name__": family.GetName(), "namespace": "prod", "delivery_signal_dev_name": "app", "delivery_signal_dev_release": "bbbbbbbbbb",
				"release": "bbbbbbbbbb", "track": "candidate", "pod": "app-bbbbbbbbbb-6d4c-x1",
			}
			for _, l := range m.GetLabel() {
				of[l.GetName()] = l.GetValue()
			}
			if m.GetSummary() == nil {
				batch = append(batch, series.Sample{Labels: labels.FromMap(of), Value: m.GetGauge().GetValue() + m.GetCounter().GetValue()})
			}
		}
	}
	if err := j.samples.Append(j.start.Add(time.Duration(second)*time.Second), batch); err != nil {
		t.Fatal(err)
	}
}

// firing are the alerts that turn a release back.
func (j judge) firing(t *testing.T, second int) []string {
	t.Helper()
	if err := j.Evaluate(t.Context(), j.start.Add(time.Duration(second)*time.Second)); err != nil {
		t.Fatal(err)
	}
	live, err := j.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, rule := range live[0].Rules {
		for _, alert := range rule.Firing {
			if alert.Labels["severity"] == "critical" {
				names = append(names, alert.Labels["alertname"])
			}
		}
	}
	return names
}

// The default rules find a release that is short of connections, or has given
// up on its database, within 30 scrapes; of a sound one they say nothing. A
// second of theirs is a hundredth of one here.
func TestTheDefaultRulesFindWhatIsWrong(t *testing.T) {
	const seconds, within, shorter = 60, 30, 100
	for name, tc := range map[string]struct {
		change func(*Options)
		want   map[string]bool
	}{
		"sound":         {func(*Options) {}, map[string]bool{}},
		"pool-leak":     {func(o *Options) { o.PoolLeak = true }, map[string]bool{"SignalPoolExhausted": true, "SignalCircuitBreakerOpen": true}},
		"breaker-stuck": {func(o *Options) { o.BreakerStuck = true }, map[string]bool{"SignalCircuitBreakerOpen": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(o *Options) {
				o.Postgres, o.Timeout, o.Rest = fakePostgres(t), 500*time.Millisecond/shorter, openFor/shorter
				o.Timeout *= 10 // a machine that is busy must not look like a flaw
				tc.change(o)
			})
			j := newJudge(t)
			found, last := map[string]bool{}, []string(nil)
			for second := range seconds {
				_ = s.Publish(t.Context(), signal("EURUSD", int64(second))) // the metrics tell
				j.scrape(t, s, second)
				last = j.firing(t, second)
				for _, alert := range last {
					if second <= within {
						found[alert] = true
					}
				}
				time.Sleep(time.Second / shorter)
			}
			if diff := cmp.Diff(tc.want, found); diff != "" {
				t.Errorf("within %d scrapes: %s", within, diff)
			}
			still := map[string]bool{}
			for _, alert := range last {
				still[alert] = true
			}
			if diff := cmp.Diff(tc.want, still); diff != "" {
				t.Errorf("after %d scrapes: %s", seconds, diff)
			}
		})
	}
}

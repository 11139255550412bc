package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/alert/builtin"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/series"
)

// ear evaluates the alert rules of one release under way over what is scraped
// of its pods. It is as old as what is scraped: both are forgotten together.
type ear struct {
	rules  *builtin.Source
	before bool      // it listens to what serves before the release starts, and to nothing of the release
	began  time.Time // when it began to listen
	anew   time.Time // the same, if that was in the middle of the release
	heard  time.Time // the newest scrape that was evaluated
	latest time.Time // evaluation
}

// ear of a SignalDeployment. One that is new once there may be traffic has
// missed something: the operator was started again.
func (r *SignalDeploymentReconciler) ear(sd *v1alpha1.SignalDeployment) *ear {
	key := client.ObjectKeyFromObject(sd)
	if known, has := r.ears.Load(key); has {
		return known.(*ear) //nolint:forcetypeassert // nothing else is stored
	}
	e := &ear{before: overheard(sd), began: r.Clock.Now(), rules: builtin.New(builtin.Options{
		Name: v1alpha1.ServerBuiltIn,
		Query: func(ctx context.Context, query string, at time.Time) (promql.Vector, error) {
			return r.vector(ctx, key, query, at)
		},
		Record: func(at time.Time, made promql.Vector) error { return r.BuiltIn.Record(key, at, samples(made)) },
	})}
	if sd.Status.Rollout.Phase != v1alpha1.PhaseStaging {
		e.anew = r.Clock.Now()
	}
	r.ears.Store(key, e)
	return e
}

// deafen forgets what was scraped of a SignalDeployment, and heard.
func (r *SignalDeploymentReconciler) deafen(key types.NamespacedName) {
	r.BuiltIn.Forget(key)
	r.ears.Delete(key)
}

// vector asks what is scraped of a SignalDeployment.
func (r *SignalDeploymentReconciler) vector(ctx context.Context, key types.NamespacedName, query string, at time.Time) (promql.Vector, error) {
	answer, err := r.BuiltIn.Ask(ctx, key, query, at)
	if err != nil {
		return nil, err
	}
	switch v := answer.(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, fmt.Errorf("%w: it answers with a %s", analysis.ErrType, answer.Type())
}

// samples are what a recording rule made, as the store takes them.
func samples(made promql.Vector) []series.Sample {
	all := make([]series.Sample, 0, len(made))
	for _, s := range made {
		all = append(all, series.Sample{Labels: s.Metric, Value: s.F, Histogram: s.H})
	}
	return all
}

// share is the candidate's share of the traffic as a sample, under the name and
// the labels of the operator's own metric, which nobody scrapes here.
func share(sd *v1alpha1.SignalDeployment) []series.Sample {
	return []series.Sample{{
		Labels: labels.FromStrings(model.MetricNameLabel, "signal_rollout_weight", "name", sd.Name, "namespace", sd.Namespace),
		Value:  float64(sd.Status.Weight),
	}}
}

// evaluate has the rules evaluated once for each round of scrapes, and once an
// interval without one: time alone lets alerts fire.
func (e *ear) evaluate(ctx context.Context, groups []alert.Group, now, scraped time.Time, every time.Duration) error {
	if err := e.rules.Load(groups); err != nil {
		return err
	}
	if scraped.Equal(e.heard) && !now.Before(e.latest) && now.Sub(e.latest) < every {
		return nil
	}
	e.heard, e.latest = scraped, now
	return e.rules.Evaluate(ctx, now)
}

// listen evaluates the rules over what is scraped. Before there are pods, it
// has nothing to listen to, and says nothing.
func (r *SignalDeploymentReconciler) listen(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) {
	if !scraped(sd) {
		return
	}
	key, now, e := client.ObjectKeyFromObject(sd), r.Clock.Now(), r.ear(sd)
	err := r.BuiltIn.Record(key, now, share(sd))
	if err != nil { // there is no room for it, as Ready will say
		ctrl.LoggerFrom(ctx).V(1).Info("Cannot keep the weight of the candidate", "error", err.Error())
	}
	if err := e.evaluate(ctx, w.groups, now, r.BuiltIn.Latest(key), interval(sd)); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot evaluate alert rules")
		w.hear(alert.Unreachable(e.rules.Name()))
		return
	}
	live, err := e.rules.Rules(ctx)
	if err != nil {
		w.hear(alert.Unreachable(e.rules.Name()))
		return
	}
	s := alertSubject(sd, e.rules)
	s.Stock, s.Anew, s.Starting = e.rules.Stock(), e.anew, sd.Status.Rollout.Phase == v1alpha1.PhaseStaging
	if err := r.BuiltIn.Ready(key, now); err != nil {
		s.Deaf, s.Barren = deafness(err), r.BuiltIn.Barren(key)
	}
	w.hear(alert.Judge(w.groups, live, s))
	w.Heard = s.Deaf == ""
	if s.Deaf != "" && !exposed(sd) { // the pods are yet to be scraped: there is nothing to show
		w.quiet, w.loaded = slices.DeleteFunc(slices.Clone(w.quiet), unfailed), alert.Reading{}.Loaded
	}
}

// deafness is why silence says nothing, as the rest of a sentence.
func deafness(err error) string {
	if unavailable, ok := errors.AsType[*analysis.UnavailableError](err); ok {
		return unavailable.How
	}
	return "has no answer"
}

// exposed reports whether the release has been let near traffic.
func exposed(sd *v1alpha1.SignalDeployment) bool {
	phase := sd.Status.Rollout.Phase
	return phase != v1alpha1.PhaseStaging && phase != v1alpha1.PhaseChecking
}

func unfailed(v v1alpha1.Verdict) bool { return v.Outcome != v1alpha1.OutcomeFailed }

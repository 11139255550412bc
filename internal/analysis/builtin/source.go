package builtin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/series"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Name of the source, in specifications and evidence.
const Name = "built-in"

// maxWords bounds the engine's words, in bytes.
const maxWords = 400

// What keeps the source from an answer, as errors.
var (
	errUnknown   = errors.New("no release of it is watched")
	errNoScrape  = errors.New("no scrape has succeeded")
	errHistory   = errors.New("the history is too short")
	errCandidate = errors.New("no pod of the candidate is scraped")
)

// Ask answers a query over what is known of one SignalDeployment, whether or
// not that is enough to judge by. Its errors are those of analysis.Source.
func (b *Builtin) Ask(ctx context.Context, key types.NamespacedName, query string, at time.Time) (parser.Value, error) {
	s := b.subject(key)
	if s == nil {
		return nil, unavailable(errUnknown, "scrapes the pods of a release only while it is under way")
	}
	if err := s.whole(); err != nil {
		return nil, err
	}
	value, err := b.engine.Query(ctx, s.store, query, at)
	if err != nil {
		return nil, explain(err)
	}
	return value, nil
}

// Ready says why the silence of a release says nothing: it is nil once the
// candidate is scraped, and has been for long enough.
func (b *Builtin) Ready(key types.NamespacedName, at time.Time) error {
	_, err := source{b, key, true}.ready(at)
	return err
}

// Record keeps series that were made of others, such as those of recording
// rules, for as long as what they were made of.
func (b *Builtin) Record(key types.NamespacedName, at time.Time, made []series.Sample) error {
	s := b.subject(key)
	if s == nil {
		return unavailable(errUnknown, "scrapes the pods of a release only while it is under way")
	}
	return s.store.Append(at, made)
}

// Source answers queries over what is known of one SignalDeployment, once that
// is enough to judge by.
func (b *Builtin) Source(key types.NamespacedName) analysis.Source { return source{b, key, true} }

// Past answers queries over what is known of one SignalDeployment, whether or
// not that is enough to judge by: to tell of what has been, not to decide.
func (b *Builtin) Past(key types.NamespacedName) analysis.Source { return source{b, key, false} }

type source struct {
	*Builtin
	key    types.NamespacedName
	judges bool
}

// Name says in evidence what was asked.
func (source) Name() string { return Name }

// Query answers as of one moment.
func (s source) Query(ctx context.Context, query string, at time.Time) ([]analysis.Point, error) {
	subject, err := s.ready(at)
	if err != nil {
		return nil, err
	}
	answer, err := s.Ask(ctx, s.key, query, at)
	if err != nil {
		return nil, err
	}
	switch v := answer.(type) {
	case promql.Scalar:
		return []analysis.Point{point(v.T, v.V)}, nil
	case promql.Vector:
		points := make([]analysis.Point, 0, len(v))
		for _, sample := range v {
			if sample.H != nil {
				return nil, histogramError()
			}
			p := point(sample.T, sample.F)
			p.Bound = sample.Metric.Get(model.BucketLabel)
			points = append(points, p)
		}
		return points, subject.silent(len(points))
	}
	return nil, fmt.Errorf("%w: it answers with a %s", analysis.ErrType, answer.Type())
}

// QueryRange answers over a window.
func (s source) QueryRange(ctx context.Context, query string, from, to time.Time, step time.Duration) ([][]analysis.Point, error) {
	subject, err := s.ready(to)
	if err != nil {
		return nil, err
	}
	matrix, err := s.engine.QueryRange(ctx, subject.store, query, from, to, step)
	if err != nil {
		return nil, explain(err)
	}
	all := make([][]analysis.Point, 0, len(matrix))
	for _, one := range matrix {
		if len(one.Histograms) > 0 {
			return nil, histogramError()
		}
		points := make([]analysis.Point, 0, len(one.Floats))
		for _, p := range one.Floats {
			points = append(points, point(p.T, p.F))
		}
		all = append(all, points)
	}
	return all, subject.silent(len(all))
}

func point(at int64, value float64) analysis.Point {
	return analysis.Point{Time: time.UnixMilli(at), Value: value}
}

func histogramError() error {
	return fmt.Errorf("%w: it answers with a histogram; take a quantile or a count of it", analysis.ErrType)
}

func unavailable(err error, format string, args ...any) *analysis.UnavailableError {
	return &analysis.UnavailableError{How: fmt.Sprintf(format, args...), Err: err}
}

// explain tells a query that is refused from one that was not answered in time.
func explain(err error) error {
	_, late := errors.AsType[promql.ErrQueryTimeout](err)
	_, cancelled := errors.AsType[promql.ErrQueryCanceled](err)
	if late || cancelled || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unavailable(err, "does not answer in time")
	}
	if cause := errors.Unwrap(err); cause != nil { // without the query, which is told beside it
		err = cause
	}
	return fmt.Errorf("%w: %s", analysis.ErrRejected, verdict.Clip(err.Error(), maxWords))
}

// ready is the subject, once it can be judged by: the candidate is scraped, and
// has been for long enough. Silence must not be taken for consent: a query that
// falls back to a number would answer with it.
func (s source) ready(at time.Time) (*subject, error) {
	subject := s.subject(s.key)
	if subject == nil {
		return nil, unavailable(errUnknown, "scrapes the pods of a release only while it is under way")
	}
	if err := subject.whole(); err != nil {
		return nil, err
	}
	if !s.judges {
		return subject, nil
	}
	return subject, subject.ready(at)
}

func (s *subject) ready(at time.Time) error {
	targets := s.health()
	s.mu.Lock()
	defer s.mu.Unlock()
	candidate := ofTrack(targets, TrackCandidate)
	switch {
	case s.plan.pods == 0:
		return unavailable(errCandidate, "sees no pod of the candidate")
	case len(candidate) == 0:
		return unavailable(errCandidate, "finds no pod of the candidate that it can scrape: they need an address, which the node's own is not, and the port of spec.analysis.scrape")
	case !anyUp(candidate):
		return failing(candidate, errCandidate, "has not scraped any pod of the candidate yet")
	case s.first.IsZero():
		return failing(targets, errNoScrape, "has not scraped any pod yet")
	case s.first.After(s.needed(at)):
		return unavailable(errHistory, "has too little history yet, which it gathers anew after the operator has started")
	}
	return nil
}

// history is how many intervals, and how much time at most, a judgement rests
// on at least, if the release has been judged for so long.
const (
	history    = 10
	maxHistory = time.Minute
)

// needed is since when pods must have been scraped.
func (s *subject) needed(at time.Time) time.Time {
	from := at.Add(-min(history*s.plan.interval, maxHistory))
	if from.Before(s.plan.since) {
		from = s.plan.since
	}
	return from.Add(2*s.plan.interval + time.Second) // the first scrape takes its time
}

// whole reports whether everything that was scraped is known.
func (s *subject) whole() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.limited
	for _, sc := range s.scrapers {
		err = errors.Join(err, sc.limited)
	}
	if err == nil {
		return nil
	}
	what := "samples"
	if errors.Is(err, series.ErrTooManySeries) {
		what = "series"
	}
	return unavailable(err, "holds as many %s of this release as it may; let its pods expose less, or raise the limit", what)
}

// silent is why there is no answer, if a pod that cannot be scraped may have
// had one.
func (s *subject) silent(answers int) error {
	if answers > 0 {
		return nil
	}
	for _, h := range s.health() {
		if h.Message != "" {
			return cannot(h)
		}
	}
	return nil
}

// failing says what is wrong with the first target that fails.
func failing(all []Health, err error, otherwise string) error {
	for _, h := range all {
		if h.Message != "" {
			return cannot(h)
		}
	}
	return unavailable(err, "%s", otherwise)
}

func cannot(h Health) error {
	return unavailable(errNoScrape, "cannot scrape pod %q, which %s", h.Pod, h.Message)
}

func ofTrack(all []Health, track string) []Health {
	var some []Health
	for _, h := range all {
		if h.Track == track {
			some = append(some, h)
		}
	}
	return some
}

func anyUp(all []Health) bool {
	for _, h := range all {
		if h.Up {
			return true
		}
	}
	return false
}

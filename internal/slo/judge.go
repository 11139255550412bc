package slo

import (
	"fmt"
	"math"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on what a release has consumed.
const (
	ReasonWithin     = "WithinBudget"  // no more than maxBudgetBurn
	ReasonBurned     = "BudgetBurned"  // more
	ReasonClose      = "BudgetUnclear" // more or less: too few requests to tell
	ReasonNoLimit    = "NoBudgetLimit" // there is no maxBudgetBurn
	ReasonNoData     = "NoData"        // nothing answers
	ReasonNoRequests = "NoRequests"    // of the candidate
	ReasonNotSampled = "NotSampled"    // nobody has asked yet
	ReasonIgnored    = "NoDataIgnored" // it cannot be told, and limits nothing
)

// maxQuery is the schema's bound on a query in evidence, in bytes.
const maxQuery = 4096

// Spending is what a release has consumed of an error budget.
type Spending struct {
	Ratio       float64 // failed of all requests
	BurnRate    float64 // how many times as fast as it may the release spends the budget
	Expected    float64 // requests of the whole window, should they go on as they come now
	Consumed    float64 // share of the window's budget
	Least, Most float64 // between which the share is, with 95 % confidence in the rate
}

// Spend is what has been consumed, if it can be told: there must have been
// requests.
//
// That so many requests failed is a count: nothing about it is uncertain. How
// large the budget is, is an estimate: the requests of the window are not over
// yet, so the present rate, of all releases together, stands for all of it.
// Least and Most say how well the rate is known, from the number of requests it
// was taken of, as if they came independently of each other. They do not know
// that nights are quieter than days: a release at the quietest hour seems to
// spend more than it will have, one at the busiest less.
func Spend(s v1alpha1.SLO, a Account) (Spending, bool) {
	for _, n := range []float64{a.Failed, a.Total, a.Rate, a.Seen} {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return Spending{}, false
		}
	}
	if a.Total <= 0 || a.Rate <= 0 || a.Seen < 1 {
		return Spending{}, false
	}
	sp := Spending{Ratio: a.Failed / a.Total, Expected: a.Rate * window(s).Seconds()}
	sp.BurnRate = sp.Ratio / budget(s)
	sp.Consumed = a.Failed / (budget(s) * sp.Expected)
	fewest, most := bounds(a.Seen)
	sp.Least, sp.Most = sp.Consumed*a.Seen/most, sp.Consumed*a.Seen/fewest
	return sp, true
}

// bounds are between which the mean is, with 95 % confidence, of a Poisson
// distribution of which n was seen, at least 1: Wilson and Hilferty's
// approximation of the exact bounds, right to a percent or two from 2 on.
func bounds(n float64) (least, most float64) {
	const z = 1.959964
	cube := func(x float64) float64 { return x * x * x }
	least = n * cube(1-1/(9*n)-z/(3*math.Sqrt(n)))
	most = (n + 1) * cube(1-1/(9*(n+1))+z/(3*math.Sqrt(n+1)))
	return least, most
}

// Judge holds what a release has consumed against maxBudgetBurn. Without a
// limit it only informs, and holds nothing up. With one, the release fails as
// soon as there is no doubt that it consumed more, and passes while it seems to
// have consumed no more; nothing known is no consent.
func Judge(s v1alpha1.SLO, a Account) verdict.Verdict {
	return verdict.With(verdict.Named(judge(s, a), s.Name), evidence(s, a))
}

func judge(s v1alpha1.SLO, a Account) verdict.Verdict {
	const kind = v1alpha1.SignalSLO
	reason, problem := missing(s, a)
	sp, known := Spend(s, a)
	if s.MaxBudgetBurn == nil {
		if !known {
			return verdict.Pass(kind, ReasonIgnored, "%s: what the release consumed of its error budget cannot be told, and limits nothing: %s", subject(s), problem)
		}
		return verdict.Pass(kind, ReasonNoLimit, "%s: the release consumed %s; no maxBudgetBurn limits it", subject(s), spent(s, a, sp))
	}
	limit := number(*s.MaxBudgetBurn)
	switch {
	case known && sp.Least > limit:
		return verdict.Fail(kind, ReasonBurned, "%s: the release consumed %s, more than its maxBudgetBurn of %s", subject(s), spent(s, a, sp), percent(limit))
	case problem != "":
		return verdict.Wait(kind, reason, "%s: what the release consumed of its error budget is unknown: %s", subject(s), problem)
	case sp.Consumed > limit:
		return verdict.Wait(kind, ReasonClose, "%s: there are too few requests to tell whether the release consumed more than %s of its error budget, which is its maxBudgetBurn", subject(s), percent(limit))
	}
	return verdict.Pass(kind, ReasonWithin, "%s: the release consumed %s, no more than its maxBudgetBurn of %s", subject(s), spent(s, a, sp), percent(limit))
}

// missing is why what was consumed cannot be told, or cannot be any more;
// nothing where it can.
func missing(s v1alpha1.SLO, a Account) (reason, problem string) {
	_, known := Spend(s, a)
	switch {
	case a.Latest.Time.IsZero():
		return ReasonNotSampled, "nobody has been asked yet"
	case a.Latest.Reason != "" && a.Latest.Reason != ReasonNoData:
		return a.Latest.Reason, a.Latest.Problem
	case known && !a.overdue():
		return "", ""
	case a.Latest.Reason == ReasonNoData && a.Total == 0:
		return ReasonNoData, a.Latest.Problem
	case a.overdue():
		return ReasonNoData, "no request of the operation has been known for a while"
	}
	return ReasonNoRequests, "the release has not answered any request of this operation yet, or too few are known to say how fast they come"
}

func subject(s v1alpha1.SLO) string {
	return fmt.Sprintf("Objective %q (%s: %s)", s.Name, verdict.Clip(Operation(s), 256), Target(s))
}

func spent(s v1alpha1.SLO, a Account, sp Spending) string {
	return fmt.Sprintf("%s of its error budget of %d days (%s of %s requests, burn rate %s)",
		percent(sp.Consumed), days(s), whole(a.Failed), whole(a.Total), brief(sp.BurnRate))
}

// evidence is what the verdict rests on.
func evidence(s v1alpha1.SLO, a Account) verdict.Evidence {
	e := verdict.Evidence{Query: verdict.Clip(a.Latest.Query, maxQuery), Source: a.Latest.Source, Time: metav1.NewTime(a.Latest.Time)}
	if s.MaxBudgetBurn != nil {
		e.Threshold = "<= " + text(number(*s.MaxBudgetBurn))
	}
	sp, known := Spend(s, a)
	if !known {
		return e
	}
	e.Value = fmt.Sprintf("%s (%s to %s): %s of %s requests", brief(sp.Consumed), brief(sp.Least), brief(sp.Most), whole(a.Failed), whole(a.Total))
	e.Window = a.heard.Sub(a.Opened).Truncate(time.Second).String()
	return e
}

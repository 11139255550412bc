package slo

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// closes is how long a window grows before its count is kept and the next one
// begins: queries stay cheap, and do not reach back beyond what the built-in
// source holds.
const closes = 2 * time.Minute

// Of so many requests, and for so long, a rate is good enough.
const (
	enough = 1000
	fresh  = 15 * time.Second
)

// Account is what one release is known to have spent of one budget. Windows
// follow each other without a gap, so that nothing is counted twice or not at
// all.
type Account struct {
	Opened time.Time // when the release first took traffic
	Since  time.Time // when the present window began

	Failed, Total float64 // requests, the present window included
	Rate, Seen    float64 // as last answered
	Latest        Sample

	failed, total float64   // of the windows before
	heard         time.Time // up to when requests are in Failed and Total
	rated         time.Time // when Rate and Seen were answered
}

// Open is the account of a release that took traffic at a time, or what is
// remembered of it.
func Open(opened time.Time, was *v1alpha1.BudgetRecord) Account {
	a := Account{Opened: opened, Since: opened, heard: opened}
	if was != nil && !was.Time.Time.Before(opened) {
		a.Since, a.heard = was.Time.Time, was.Time.Time
		a.failed, a.total = float64(was.Failed), float64(was.Total)
		a.Failed, a.Total = a.failed, a.total
	}
	return a
}

// Due reports whether no sample has been taken within the interval. A
// reconcile that comes a little early does not lose a whole interval, and a
// clock that was put back does not keep samples from being taken.
func (a Account) Due(interval time.Duration, now time.Time) bool {
	latest := a.Latest.Time
	return latest.IsZero() || now.Before(latest) || now.Sub(latest) >= interval-interval/10
}

// Add is the account after one more sample of the present window. What was
// spent is spent: pods that are gone take nothing back.
func (a Account) Add(s Sample) Account {
	a.Latest = s
	if s.Rate != nil && s.Seen != nil {
		a.Rate, a.Seen, a.rated = *s.Rate, *s.Seen, s.Time
	}
	if !s.counted() {
		return a
	}
	a.heard = s.Time
	a.Total = max(a.Total, a.total+*s.Total)
	a.Failed = min(max(a.Failed, a.failed+*s.Failed), a.Total)
	if s.Time.Sub(a.Since) >= closes {
		a.Since, a.failed, a.total = s.Time, a.Failed, a.Total
	}
	return a
}

// paced reports whether the rate is known well, and of late: it is taken over
// minutes, and costs more to ask for than all else.
func (a Account) paced(now time.Time) bool {
	return a.Rate > 0 && a.Seen >= enough && !now.Before(a.rated) && now.Sub(a.rated) < fresh
}

// overdue reports whether the present window has gone without an answer for
// longer than any window does.
func (a Account) overdue() bool {
	return !a.Latest.counted() && a.Latest.Time.Sub(a.Since) >= closes
}

// Record is what to remember of the account.
func (a Account) Record(s v1alpha1.SLO) v1alpha1.BudgetRecord {
	r := v1alpha1.BudgetRecord{
		Name: s.Name, Operation: Operation(s), Objective: Target(s), WindowDays: days(s),
		Total: rounded(a.Total), Failed: rounded(a.Failed), Time: metav1.NewMicroTime(a.heard.UTC().Truncate(time.Microsecond)),
	}
	if s.MaxBudgetBurn != nil {
		r.Limit = text(number(*s.MaxBudgetBurn))
	}
	if sp, known := Spend(s, a); known {
		r.BurnRate, r.Consumed = text(sp.BurnRate), text(sp.Consumed)
	}
	return r
}

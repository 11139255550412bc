// Package security sends the security checks to a candidate, inside a Job, and
// to the stable release what was found, to see whether that is new. It calls
// these two and nobody else, changes nothing, and repeats nothing of what it
// read.
package security

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
	"github.com/signal-delivery/operator/internal/prober/security/wire"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	patience = 10 * time.Second       // for the first connection
	pace     = 200 * time.Millisecond // between two tries at it
	settling = 2 * time.Second        // that a service which was led astray may take
	holding  = 15 * time.Second       // that a service may have with a client that says nothing
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Side is where one side of a release is: IP and port, with TLS and without.
type Side struct{ Address, TLS string }

// Security runs the checks.
type Security struct {
	Clock   Clock
	Canary  Side
	Stable  Side   // empty beside a first release
	Host    string // the name by which clients know the service, for both
	Release string // id of the release
	Users   catalogue.Users
	Roots   *x509.CertPool
	PodIP   string        // at which the service could call the Job
	Holding time.Duration // in place of holding
	Secure  bool          // the candidate is asked over TLS, by the host's name
	Before  *Before       // once the candidate serves all: what was found before; the stable side is its own Service then
}

// Before is which checks found something before the candidate served all.
type Before struct {
	Any   bool // that is not remembered: each may have
	Found []int32
}

// known reports whether the check may have found something.
func (b *Before) known(c catalogue.Check) bool { return b.Any || slices.Contains(b.Found, c.ID) }

// Run answers with what was found, check by check, and at last with what all
// amount to.
func (s Security) Run(ctx context.Context, spec v1alpha1.SecuritySpec) []verdict.Verdict {
	start := s.Clock.Now()
	site, done := s.site(spec)
	defer done()
	a := account{spec: spec, first: s.Stable.Address == "", after: s.Before != nil}
	candidate := s.exam(site, s.Canary)
	if s.Secure {
		host, _, _ := strings.Cut(s.Host, ":")
		candidate.Session.Secure = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: s.Roots}
	}
	if err := s.reach(ctx, candidate); err != nil {
		return a.unreached("candidate", err)
	}
	a.candidate = s.examine(ctx, candidate, catalogue.All())
	a.requests = candidate.Session.Sent
	again := a.doubtful()
	compares := !a.first && spec.Compare != v1alpha1.CompareAbsolute
	if a.after { // what found nothing before may find nothing now
		again = slices.DeleteFunc(again, func(c catalogue.Check) bool { return !s.Before.known(c) })
		compares = true
	}
	if len(again) > 0 && compares {
		stable := s.exam(site, s.Stable)
		if err := s.reach(ctx, stable); err != nil {
			return a.unreached(strings.TrimPrefix(a.other(), "the "), err)
		}
		a.stable = s.examine(ctx, stable, again)
		a.compared, a.comparing = true, stable.Session.Sent
	}
	a.lasted = s.Clock.Since(start)
	return a.verdicts()
}

// site is what is known before anyone is asked.
func (s Security) site(spec v1alpha1.SecuritySpec) (site catalogue.Site, done func()) {
	site = catalogue.Site{Spec: spec, Host: s.Host, Users: s.Users, Roots: s.Roots, Now: s.Clock.Now()}
	trap, done := setTrap(s.Clock, s.PodIP)
	site.Trap = trap
	return site, done
}

// exam is one side, with marks of its own: what the candidate called must not
// be blamed on the stable release.
func (s Security) exam(site catalogue.Site, side Side) *catalogue.Exam {
	sum := sha256.Sum256([]byte(s.Release + " " + side.Address))
	site.Nonce = fmt.Sprintf("%x", sum[:6])
	hold := s.Holding
	if hold == 0 {
		hold = holding
	}
	return &catalogue.Exam{Site: site, Session: &wire.Session{
		Clock: s.Clock, Address: side.Address, TLS: side.TLS, Host: s.Host, Release: s.Release,
		Budget: int(site.Spec.RequestBudget), Interval: time.Second / time.Duration(max(1, site.Spec.RatePerSecond)), Patience: hold,
	}}
}

// reach asks what checks compare with. While nobody takes a connection that is
// tried again: a node's proxy learns of a Service's endpoints later than the
// API does.
func (s Security) reach(ctx context.Context, x *catalogue.Exam) error {
	start := s.Clock.Now()
	for {
		err := x.Reach(ctx)
		if !errors.Is(err, wire.ErrUnreachable) || s.Clock.Since(start) >= patience {
			return err
		}
		select {
		case <-s.Clock.After(pace):
		case <-ctx.Done():
			return wire.ErrStopped
		}
	}
}

// examine runs checks one after the other. What each came to is in the log of
// the Job, with a hash of what it rests on.
func (s Security) examine(ctx context.Context, x *catalogue.Exam, checks []catalogue.Check) []catalogue.Result {
	results := make([]catalogue.Result, 0, len(checks))
	for _, c := range checks {
		r := x.Examine(ctx, c)
		results = append(results, r)
		logr.FromContextOrDiscard(ctx).Info("Checked", "address", x.Session.Address, "id", c.ID, "group", c.Group, "standard", c.Standard,
			"outcome", r.Outcome, "found", r.Found, "why", r.Why, "evidence", r.Sum)
	}
	return results
}

// doubtful are the checks of the candidate that found something.
func (a account) doubtful() []catalogue.Check {
	var again []catalogue.Check
	for _, r := range a.candidate {
		if r.Outcome == catalogue.Finding {
			again = append(again, r.Check)
		}
	}
	return again
}

// known are the findings that the stable release has as well.
func (a account) known(id int32) []string {
	i := slices.IndexFunc(a.stable, func(r catalogue.Result) bool { return r.Check.ID == id })
	if i < 0 {
		return nil
	}
	return a.stable[i].Found
}

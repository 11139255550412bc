// Package catalogue has the 57 security checks: what each sends, and what of
// an answer is a finding. It repeats of an answer no more than its status, a
// cookie's name and a media type.
package catalogue

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

// Groups of checks.
const (
	CORS       = "CORS"
	Headers    = "Headers"
	Routing    = "Methods and routing"
	Exposure   = "Exposure"
	Injection  = "Injection"
	Auth       = "Auth"
	TLS        = "TLS"
	Resilience = "Resilience"
)

// Check is one check.
type Check struct {
	ID       int32
	Group    string
	Name     string // what it looks for
	Standard string // the tests and requirements that it stands for
	Advice   string // what to do about a finding

	// Needs says why it does not apply, or "".
	Needs func(Site) string
	// Probes are what is sent; they depend on nothing that is answered.
	Probes func(Site) []Probe
	// Judge says what of one answer is a finding.
	Judge func(*Exam, Probe, wire.Answer) Say
	// Then are probes that depend on answers, at most More of them.
	Then func(*Exam) []Probe
	More func(Site) int
	// Whole judges all answers together.
	Whole func(*Exam, []wire.Answer) []Say
	// Hangs says that a server which hangs up has refused, as it should.
	Hangs bool
}

// Probe is one request or handshake of a check, and what is said of it.
type Probe struct {
	Where   string // the path, for people
	What    string // what is tried there, for people
	Request wire.Request
	Shake   *tls.Config
}

// Say is what an answer shows: a finding, or what is open.
type Say struct{ Found, Open string }

func found(format string, args ...any) Say { return Say{Found: fmt.Sprintf(format, args...)} }

func open(format string, args ...any) Say { return Say{Open: fmt.Sprintf(format, args...)} }

// Outcome of a check.
type Outcome string

// Outcomes.
const (
	Held    Outcome = "Held"    // nothing was found
	Finding Outcome = "Finding" // something was
	Open    Outcome = "Open"    // it cannot be told
	Skipped Outcome = "Skipped" // it does not apply
)

// Result is what became of a check.
type Result struct {
	Check   Check
	Outcome Outcome
	Found   []string
	Why     string // it is open or skipped
	Sum     string // stands for all answers
}

// Exam is a side of a release under examination.
type Exam struct {
	Site
	Session *wire.Session
}

// Plain is the answer to a plain request, which has been sent.
func (x *Exam) Plain(path string) wire.Answer { return x.Session.Known(wire.Get(path)) }

// Nowhere is the answer to a path that cannot exist.
func (x *Exam) Nowhere() wire.Answer { return x.Plain(x.nowhere()) }

// Examine runs one check.
func (x *Exam) Examine(ctx context.Context, c Check) Result {
	r := Result{Check: c, Outcome: Held}
	switch {
	case slices.Contains(x.Spec.Disable, c.ID):
		r.Outcome, r.Why = Skipped, "it is disabled"
		return r
	case c.Needs != nil && c.Needs(x.Site) != "":
		r.Outcome, r.Why = Skipped, c.Needs(x.Site)
		return r
	}
	var answers []wire.Answer
	probes := c.Probes(x.Site)
	for _, all := range [][]Probe{probes, nil} {
		if all == nil && c.Then != nil {
			all = c.Then(x)
		}
		for _, p := range all {
			a, err := x.send(ctx, p)
			if err != nil {
				return r.open(err.Error())
			}
			answers = append(answers, a)
			r.add(x.judge(c, p, a))
		}
	}
	if c.Whole != nil {
		r.add(c.Whole(x, answers)...)
	}
	return r.summed(answers)
}

func (x *Exam) send(ctx context.Context, p Probe) (wire.Answer, error) {
	if p.Shake != nil {
		return x.Session.Shake(ctx, p.Shake)
	}
	return x.Session.Send(ctx, p.Request)
}

// judge says what of one answer is a finding. Silence is none, and no proof of
// the contrary.
func (x *Exam) judge(c Check, p Probe, a wire.Answer) Say {
	silent := a.Status == 0 && p.Shake == nil && !p.Request.Patient
	switch {
	case silent && c.Hangs && a.Closed:
		return Say{}
	case silent:
		return open("%s was not answered", p.Where)
	case c.Judge == nil:
		return Say{}
	}
	return c.Judge(x, p, a)
}

// add keeps what is said, once.
func (r *Result) add(all ...Say) {
	for _, say := range all {
		switch {
		case say.Found != "":
			r.Outcome = Finding
			if !slices.Contains(r.Found, say.Found) {
				r.Found = append(r.Found, say.Found)
			}
		case say.Open != "" && r.Outcome != Finding:
			*r = r.open(say.Open)
		}
	}
}

func (r Result) open(why string) Result {
	if r.Outcome != Finding {
		r.Outcome, r.Why = Open, why
	}
	return r
}

func (r Result) summed(answers []wire.Answer) Result {
	var sums strings.Builder
	for _, a := range answers {
		sums.WriteString(a.Sum())
	}
	r.Sum = fmt.Sprintf("%x", sha256.Sum256([]byte(sums.String())))[:16]
	return r
}

// Reach sends the plain requests that checks compare with, and says why they
// cannot be compared.
func (x *Exam) Reach(ctx context.Context) error {
	for _, path := range x.plain() {
		a, err := x.Session.Send(ctx, wire.Get(path))
		switch {
		case err != nil:
			return err
		case a.Status == 0:
			return errors.New("GET " + path + " was not answered")
		}
	}
	return nil
}

// All are the checks, in the order of their numbers.
func All() []Check {
	return slices.Concat(corsChecks(), headerChecks(), routingChecks(), exposureChecks(), injectionChecks(), authChecks(), tlsChecks(), resilienceChecks())
}

// Requests is how many requests the checks send to one side, at most.
func Requests(s Site) int {
	n := len(s.plain())
	for _, c := range All() {
		if slices.Contains(s.Spec.Disable, c.ID) || c.Needs != nil && c.Needs(s) != "" {
			continue
		}
		for _, p := range c.Probes(s) {
			if n++; p.Request.Twice {
				n++
			}
		}
		if c.More != nil {
			n += c.More(s)
		}
	}
	return n
}

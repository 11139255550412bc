package security

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts.
const (
	ReasonHeld      = "SecurityChecksPassed" // nothing was found, or nothing new
	ReasonFound     = "SecurityFindings"     // something was
	ReasonOpen      = "SecurityChecksOpen"   // some checks cannot tell
	ReasonNoAnswer  = "SecurityNoAnswer"     // one side did not answer at all
	ReasonNoneApply = "SecurityNoneApply"    // no check applies
)

const (
	maxAnswer  = 4000 // bytes as JSON, of the 4096 that kubelet keeps
	maxSummary = 1000 // bytes of the message that decides
	maxDetail  = 420
	named      = 3 // findings of one check that are told
)

// account is what became of the checks.
type account struct {
	spec              v1alpha1.SecuritySpec
	first, compared   bool
	after             bool // the candidate serves all, and is compared with what it was before
	candidate, stable []catalogue.Result
	requests          int
	comparing         int
	lasted            time.Duration
}

// worse is a check with what was found that counts.
type worse struct {
	check catalogue.Check
	found []string
}

// tally sorts the results: what counts, what the stable release has as well,
// what cannot be told, and how many found nothing or do not apply.
type tally struct {
	worse         []worse
	known, open   []int32
	why           string
	held, skipped int
}

func (a account) tally() tally {
	var t tally
	for _, r := range a.candidate {
		switch r.Outcome {
		case catalogue.Held:
			t.held++
		case catalogue.Skipped:
			t.skipped++
		case catalogue.Open:
			t.leave(r)
		case catalogue.Finding:
			a.weigh(&t, r)
		}
	}
	return t
}

// leave adds a check that cannot tell.
func (t *tally) leave(r catalogue.Result) {
	t.open = append(t.open, r.Check.ID)
	if t.why == "" {
		t.why = r.Why
	}
}

// weigh says whether a finding counts. One that could not be compared counts
// neither way.
func (a account) weigh(t *tally, r catalogue.Result) {
	known := a.known(r.Check.ID)
	fresh := slices.DeleteFunc(slices.Clone(r.Found), func(f string) bool { return slices.Contains(known, f) })
	i := slices.IndexFunc(a.stable, func(s catalogue.Result) bool { return s.Check.ID == r.Check.ID && s.Outcome == catalogue.Open })
	switch {
	case len(fresh) == 0:
		t.known = append(t.known, r.Check.ID)
	case i >= 0:
		t.leave(catalogue.Result{Check: r.Check, Why: "of " + a.other() + " it could not be told: " + a.stable[i].Why})
	default:
		t.worse = append(t.worse, worse{r.Check, fresh})
	}
}

// verdicts are one for each check that fails the release, as many as fit, and
// at last the one that decides.
func (a account) verdicts() []verdict.Verdict {
	t := a.tally()
	last := a.decide(t)
	details := make([]verdict.Verdict, 0, len(t.worse))
	for _, w := range t.worse {
		details = append(details, verdict.With(
			verdict.Named(verdict.Fail(v1alpha1.SignalSecurity, ReasonFound, "%s", verdict.Clip(w.text(), maxDetail)), "security-"+strconv.Itoa(int(w.check.ID))),
			verdict.Evidence{Query: w.check.Standard}))
	}
	for n := min(len(details), 15); n > 0; n-- {
		all := append(slices.Clone(details[:n]), last)
		if text, err := json.Marshal(all); err == nil && len(text) <= maxAnswer {
			return all
		}
	}
	return []verdict.Verdict{last}
}

// text is what was seen, and what to do.
func (w worse) text() string {
	seen := strings.Join(w.found[:min(named, len(w.found))], ", ")
	if more := len(w.found) - named; more > 0 {
		seen += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%d (%s): %s; %s", w.check.ID, w.check.Name, seen, w.check.Advice)
}

func (a account) decide(t tally) verdict.Verdict {
	var v verdict.Verdict
	rest := fmt.Sprintf("%s found nothing, %d do not apply", count(t.held), t.skipped)
	if len(t.known) > 0 {
		rest += ", what " + ids(t.known) + " found " + a.excused()
	}
	if len(t.open) > 0 {
		rest += ", " + ids(t.open) + " cannot tell"
	}
	switch {
	case len(t.worse) > 0:
		v = a.against(t, rest)
	case len(t.open) > 0:
		v = verdict.Wait(v1alpha1.SignalSecurity, ReasonOpen, "Security checks %s cannot tell: %s; %s", ids(t.open), t.why, rest)
	case t.held+len(t.known) == 0:
		v = verdict.Wait(v1alpha1.SignalSecurity, ReasonNoneApply, "No security check applies: name fewer in spec.checks.security.disable")
	default:
		v = verdict.Pass(v1alpha1.SignalSecurity, ReasonHeld, "%s", rest)
	}
	return verdict.With(v, a.evidence(t))
}

// against names every check that found something, and as much of what it found
// as there is room for.
func (a account) against(t tally, rest string) verdict.Verdict {
	failed := make([]int32, len(t.worse))
	texts := make([]string, len(t.worse))
	for i, w := range t.worse {
		failed[i], texts[i] = w.check.ID, w.text()
	}
	head := "Security checks found what must not be"
	switch {
	case a.after:
		head = "Security checks found what was not there before the cutover"
	case a.compared:
		head = "Security checks found what the stable release does not have"
	}
	tail := fmt.Sprintf(". In all %s; %s", ids(failed), rest)
	if a.first && a.spec.Compare != v1alpha1.CompareAbsolute {
		tail += "; there is no stable release to compare with, so that every finding counts: mend them, or name them in spec.checks.security.disable"
	}
	room := maxSummary - len(head) - len(tail) - 2
	return verdict.Fail(v1alpha1.SignalSecurity, ReasonFound, "%s: %s%s", head, verdict.Clip(strings.Join(texts, "; "), max(room, 100)), tail)
}

func (a account) evidence(t tally) verdict.Evidence {
	decided := t.held + len(t.known) + len(t.worse)
	e := verdict.Evidence{
		Value:     fmt.Sprintf("%d of %d checks with findings that count", len(t.worse), decided),
		Threshold: "no finding", Window: a.lasted.Round(time.Second).String(),
		Query:   fmt.Sprintf("%d requests to the candidate", a.requests),
		Samples: int32(decided), Failures: int32(len(t.worse)), //nolint:gosec // at most 57
	}
	if !a.after { // for those that come after
		e.Statistic = ids(t.known)
	}
	if a.after {
		e.Threshold = "no finding that was not there before the cutover"
	}
	if a.compared && !a.after {
		e.Threshold = "no finding that the stable release does not have"
	}
	if a.compared {
		e.Baseline = fmt.Sprintf("%d of %d checks with findings", len(a.stable)-a.clean(), len(a.stable))
		e.Query += fmt.Sprintf(", %d to %s", a.comparing, a.other())
	}
	return e
}

// other is what is compared with.
func (a account) other() string {
	if a.after {
		return "the candidate's own Service"
	}
	return "the stable release"
}

// excused is why a finding does not count.
func (a account) excused() string {
	if a.after {
		return "was there before the cutover"
	}
	return "the stable release has as well"
}

// clean is how many checks found nothing with the stable release.
func (a account) clean() int {
	n := 0
	for _, r := range a.stable {
		if r.Outcome != catalogue.Finding {
			n++
		}
	}
	return n
}

// unreached says that one side could not be asked.
func (a account) unreached(side string, err error) []verdict.Verdict {
	return []verdict.Verdict{verdict.With(
		verdict.Wait(v1alpha1.SignalSecurity, ReasonNoAnswer, "The %s cannot be checked: %s; check spec.checks.security, and that network policies let its Job through", side, err),
		verdict.Evidence{Value: "no answer"})}
}

func count(n int) string {
	if n == 1 {
		return "1 security check"
	}
	return strconv.Itoa(n) + " security checks"
}

// ids are the numbers of checks in a sentence.
func ids(all []int32) string {
	texts := make([]string, len(all))
	for i, id := range all {
		texts[i] = strconv.Itoa(int(id))
	}
	return strings.Join(texts, ", ")
}

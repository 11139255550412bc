package alert

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/internal/verdict"
)

// told is what a reading amounts to: an outcome and a reason for each rule,
// and whether a release would wait.
type told struct {
	Verdicts, Absent, Before, Firing []string
	Loaded                           string
}

func tell(r Reading) told {
	say := func(all []verdict.Verdict) (lines []string) {
		for _, v := range all {
			lines = append(lines, string(v.Outcome)+" "+v.Reason+": "+v.Message)
		}
		return lines
	}
	return told{Verdicts: say(r.Verdicts), Absent: say(r.Absent), Before: r.Before, Firing: r.Firing, Loaded: string(r.Loaded.Outcome) + " " + r.Loaded.Reason + ": " + r.Loaded.Message}
}

// two are rule Own of the user's and rule Theirs of the library, both of
// metric errors, as they are evaluated.
func two(change func(own, theirs *LiveRule)) ([]Group, []LiveGroup) {
	grave := map[string]string{"severity": "critical"}
	own, theirs := LiveRule{Name: "Own", Query: "errors > 1", Healthy: true}, LiveRule{Name: "Theirs", Query: "errors > 2", Healthy: true}
	if change != nil {
		change(&own, &theirs)
	}
	groups := []Group{
		{Name: "prod/app/g", Rules: []monitoringv1.Rule{{Alert: "Own", Expr: intstr.FromString("errors > 1"), Labels: grave}}},
		{Name: "prod/app/" + LibraryGroup, Rules: []monitoringv1.Rule{{Alert: "Theirs", Expr: intstr.FromString("errors > 2"), Labels: grave}}},
	}
	return groups, []LiveGroup{{Name: "prod/app/g", Rules: []LiveRule{own}}, {Name: "prod/app/" + LibraryGroup, Rules: []LiveRule{theirs}}}
}

const (
	ownQuiet    = "Passed Quiet: Alert Own does not fire for the candidate"
	theirsQuiet = "Passed Quiet: Of the default alert rules, none fires for the candidate: Theirs"
	allLoaded   = "Passed RulesLoaded: Metric server main evaluates every alert rule"
	lacksOwn    = `Unknown MetricsMissing: Rule "Own" is not applicable at all: metric server main has no errors of this release`
	lacksTheirs = `Unknown MetricsMissing: Rule "Theirs" is not applicable at all: metric server main has no errors of this release`
)

// What silence means: of a rule that has its metrics and of one that has not,
// of a server that has listened and of one that has not.
func TestSilence(t *testing.T) {
	fire := func(pairs ...string) []Firing {
		f := firing(pairs...)
		f.Labels["alertname"] = "Own"
		return []Firing{f}
	}
	const (
		gathering = "has too little history yet"
		deafOwn   = `Unknown NotHeardYet: Metric server main has too little history yet: that rule "Own" is quiet says nothing`
		deafTheir = `Unknown NotHeardYet: Metric server main has too little history yet: that rule "Theirs" is quiet says nothing`
		blame     = `Failed AlertFiring: Alert Own fires for the candidate with value 0.31`
		excuse    = `Passed FiredBefore: Alert Own fired before the release started, and is not blamed on it`
	)
	for name, tc := range map[string]struct {
		subject func(*Subject)
		live    func(own, theirs *LiveRule)
		want    told
	}{
		"the metrics are there": {
			func(s *Subject) { s.Stock = have("errors new") }, nil,
			told{Verdicts: []string{ownQuiet, theirsQuiet}, Loaded: allLoaded},
		},
		"nobody has looked which there are": {nil, nil, told{Verdicts: []string{ownQuiet, theirsQuiet}, Loaded: allLoaded}},
		"they are not: the user's rule counts all the same": {
			func(s *Subject) { s.Stock = have("up new") }, nil,
			told{Verdicts: []string{ownQuiet}, Absent: []string{lacksOwn, lacksTheirs}, Loaded: allLoaded + "; not applicable, for want of metrics: Own, Theirs"},
		},
		"what fires has its metrics, whatever was seen": {
			func(s *Subject) { s.Stock = have("up new") }, func(own, _ *LiveRule) { own.Firing = fire() },
			told{Verdicts: []string{blame}, Absent: []string{lacksTheirs}, Firing: []string{"Own"}, Loaded: allLoaded + "; not applicable, for want of metrics: Theirs"},
		},
		"deaf: nothing passes": {
			func(s *Subject) { s.Deaf = gathering }, nil,
			told{Verdicts: []string{deafOwn, deafTheir}, Loaded: deafOwn},
		},
		"deaf: failing needs no patience": {
			func(s *Subject) { s.Deaf = gathering }, func(own, _ *LiveRule) { own.Firing = fire() },
			told{Verdicts: []string{blame, deafTheir}, Firing: []string{"Own"}, Loaded: deafTheir},
		},
		"deaf: a rule that was never evaluated": {
			func(s *Subject) { s.Deaf = gathering }, func(own, theirs *LiveRule) { own.Healthy, theirs.Healthy = false, false },
			told{Verdicts: []string{deafOwn, deafTheir}, Loaded: deafOwn},
		},
		"barren: the user's rule is waited for, the default one is not": {
			func(s *Subject) { s.Deaf, s.Barren = "cannot scrape any pod", true }, nil,
			told{
				Verdicts: []string{`Unknown NotHeardYet: Metric server main cannot scrape any pod: that rule "Own" is quiet says nothing`},
				Absent:   []string{`Unknown MetricsMissing: Rule "Theirs" is not applicable: metric server main cannot scrape any pod`},
				Loaded:   `Unknown NotHeardYet: Metric server main cannot scrape any pod: that rule "Own" is quiet says nothing`,
			},
		},
		"starting: what holds was so before": {
			func(s *Subject) { s.Starting = true }, func(own, _ *LiveRule) { own.Firing = fire() },
			told{Verdicts: []string{excuse, theirsQuiet}, Firing: []string{"Own"}, Before: []string{"Own"}, Loaded: allLoaded},
		},
		"starting: what is pending was so before": {
			func(s *Subject) { s.Starting = true }, func(own, _ *LiveRule) { own.Pending = fire() },
			told{Verdicts: []string{ownQuiet, theirsQuiet}, Firing: []string{"Own"}, Before: []string{"Own"}, Loaded: allLoaded},
		},
		"starting: what names the release is its own doing": {
			func(s *Subject) { s.Starting = true }, func(own, _ *LiveRule) { own.Firing = fire("pod", "app-new-x") },
			told{Verdicts: []string{`Failed AlertFiring: Alert Own{pod="app-new-x"} fires for the candidate with value 0.31`, theirsQuiet}, Firing: []string{`Own{pod="app-new-x"}`}, Loaded: allLoaded},
		},
		"started: what was pending before may fire": {
			func(s *Subject) { s.FiredBefore = []string{"Own"} }, func(own, _ *LiveRule) { own.Firing = fire() },
			told{Verdicts: []string{excuse, theirsQuiet}, Firing: []string{"Own"}, Before: []string{"Own"}, Loaded: allLoaded},
		},
		"started: what is pending and new is not remembered": {
			nil, func(own, _ *LiveRule) { own.Pending = fire() },
			told{Verdicts: []string{ownQuiet, theirsQuiet}, Loaded: allLoaded},
		},
		"listening anew: what is pending may have been for longer": {
			func(s *Subject) { s.Anew = noon.Add(-time.Second) }, func(own, _ *LiveRule) { own.Pending = fire() },
			told{
				Verdicts: []string{`Unknown AlertPending: Alert Own is pending for the candidate, and may have been since before metric server main began to listen anew`, theirsQuiet},
				Loaded:   `Unknown AlertPending: Alert Own is pending for the candidate, and may have been since before metric server main began to listen anew`,
			},
		},
		"listening anew: what began long after is only pending": {
			func(s *Subject) { s.Anew = noon.Add(-relearning) }, func(own, _ *LiveRule) { own.Pending = fire() },
			told{Verdicts: []string{ownQuiet, theirsQuiet}, Loaded: allLoaded},
		},
		"listening anew: someone else's": {
			func(s *Subject) { s.Anew = noon.Add(-time.Second) }, func(own, _ *LiveRule) { own.Pending = fire("release", "old") },
			told{Verdicts: []string{ownQuiet, theirsQuiet}, Loaded: allLoaded},
		},
		"a default rule fires: it is told by itself": {
			nil, func(_, theirs *LiveRule) {
				theirs.Firing = fire()
				theirs.Firing[0].Labels["alertname"] = "Theirs"
			},
			told{Verdicts: []string{ownQuiet, `Failed AlertFiring: Alert Theirs fires for the candidate with value 0.31`}, Firing: []string{"Theirs"}, Loaded: allLoaded},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := watched
			if tc.subject != nil {
				tc.subject(&s)
			}
			groups, live := two(tc.live)
			if diff := cmp.Diff(tc.want, tell(Judge(groups, live, s))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGaps(t *testing.T) {
	if gaps := (Reading{}).Gaps(); gaps != nil {
		t.Errorf("nothing is missing: %v", gaps)
	}
	s := watched
	s.Stock = have("up new")
	groups, live := two(nil)
	got := Judge(groups, live, s).Gaps()
	want := []verdict.Verdict{verdict.With(
		verdict.Wait(kind, ReasonMissing, "Of the alert rules, these are not applicable, or only in part, for want of metrics: Own, Theirs"), verdict.Evidence{Source: "main"})}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

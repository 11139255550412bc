package leaks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/search"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts.
const (
	ReasonNone     = "NoLeaks"       // no fake secret was found
	ReasonLeaked   = "SecretsLeaked" // some were
	ReasonUnread   = "LeaksUnread"   // not everything could be searched
	ReasonNoAnswer = "LeaksNoAnswer" // the candidate could not be sent any
	maxAnswer      = 4000            // bytes as JSON, of the 4096 that kubelet keeps
	maxSummary     = 1000            // bytes of the message that decides
	maxDetail      = 400             // bytes of another
	mostDetails    = 15              // that are taken of one Job
	nameOfDetails  = "leaks-"        // and a number
	kind           = v1alpha1.SignalSecurity
)

// group is what was found alike: in one encoding, in one kind of place.
type group struct {
	channels []string
	encoding search.Encoding
	what     string
	whose    []string
	classes  []string
	lines    int
}

// groups are what was found, most telling first: what shows most classes.
func (r *hunt) groups() []group {
	type likeness struct {
		channel  string
		encoding search.Encoding
		what     string
	}
	all := map[likeness]*group{}
	for h, lines := range r.found {
		s := r.secrets[h.secret]
		like := likeness{s.Channel, h.encoding, h.place.what}
		g := all[like]
		if g == nil {
			g = &group{channels: []string{s.Channel}, encoding: h.encoding, what: h.place.what}
			all[like] = g
		}
		g.lines += lines
		g.classes = append(g.classes, s.Class)
		g.whose = append(g.whose, h.place.whose)
	}
	sorted := make([]group, 0, len(all))
	for _, g := range all {
		slices.Sort(g.classes)
		slices.Sort(g.whose)
		g.classes, g.whose = slices.Compact(g.classes), slices.Compact(g.whose)
		sorted = append(sorted, *g)
	}
	slices.SortFunc(sorted, func(a, b group) int {
		return cmp.Or(cmp.Compare(len(b.classes), len(a.classes)), cmp.Compare(a.what, b.what), cmp.Compare(a.channels[0], b.channels[0]), cmp.Compare(a.encoding, b.encoding))
	})
	return sorted
}

// merged are groups that differ in their channel alone, as one.
func merged(groups []group) []group {
	var all []group
	for _, g := range groups {
		i := slices.IndexFunc(all, func(o group) bool {
			return o.encoding == g.encoding && o.what == g.what && slices.Equal(o.classes, g.classes) && slices.Equal(o.whose, g.whose)
		})
		if i < 0 {
			g.channels = slices.Clone(g.channels)
			all = append(all, g)
			continue
		}
		all[i].channels = append(all[i].channels, g.channels...)
		all[i].lines += g.lines
	}
	return all
}

// text says what was found, and never the secret.
func (g group) text() string {
	who, verb := g.classes[0], "appears"
	if n := len(g.classes); n > 1 {
		who, verb = fmt.Sprintf("%d classes (%s)", n, some(g.classes, 3)), "appear"
	}
	return fmt.Sprintf("%s sent in %s %s %s in %s of %s, %s", who, some(g.channels, 3), verb, g.encoding, g.what, some(g.whose, 1), count(g.lines, "line"))
}

// count is so many of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// some names the first few.
func some(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), len(all)-n)
}

// verdicts are one for each group, as many as fit, and at last the one that
// decides.
func (r *hunt) verdicts() []verdict.Verdict {
	groups := r.groups()
	last := verdict.With(r.decide(groups), r.evidence())
	details := make([]verdict.Verdict, 0, mostDetails)
	for i, g := range groups[:min(len(groups), mostDetails)] {
		details = append(details, verdict.With(
			verdict.Named(verdict.Fail(kind, ReasonLeaked, "%s", verdict.Clip(g.text(), maxDetail)), nameOfDetails+strconv.Itoa(i+1)),
			verdict.Evidence{Query: "ASVS 16.2.5"}))
	}
	for n := len(details); n > 0; n-- {
		all := append(slices.Clone(details[:n]), last)
		if text, err := json.Marshal(all); err == nil && len(text) <= maxAnswer {
			return all
		}
	}
	return []verdict.Verdict{last}
}

func (r *hunt) decide(groups []group) verdict.Verdict {
	scope := r.scope()
	switch {
	case len(groups) > 0:
		alike := merged(groups)
		texts := make([]string, 0, len(alike))
		for _, g := range alike {
			texts = append(texts, g.text())
		}
		head := fmt.Sprintf("%d of %d fake secrets leaked: ", r.leaked(), len(r.secrets))
		tail := ". Redact them where they are written: log no header, body or address that has not been filtered"
		return verdict.Fail(kind, ReasonLeaked, "%s%s%s", head, verdict.Clip(strings.Join(texts, "; "), maxSummary-len(head)-len(tail)), tail)
	case len(r.unread) > 0:
		return verdict.Wait(kind, ReasonUnread, "Of %d fake secrets none was found, but not everything could be searched: %s"+rights,
			len(r.secrets), verdict.Clip(strings.Join(r.unread, "; "), maxSummary/2))
	}
	return verdict.Pass(kind, ReasonNone, "None of %d fake secrets was found in %s", len(r.secrets), scope)
}

// leaked is how many secrets were found.
func (r *hunt) leaked() int {
	some := map[int]bool{}
	for h := range r.found {
		some[h.secret] = true
	}
	return len(some)
}

// scope is what was searched, and what was not there.
func (r *hunt) scope() string {
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(r.searched)) {
		t := r.searched[what]
		texts = append(texts, fmt.Sprintf("%s (%d, %d bytes)", what, t.texts, t.bytes))
	}
	return verdict.Clip(strings.Join(append(texts, r.absent...), ", "), maxSummary/2)
}

// evidence counts the matrix of class, channel, encoding and place.
func (r *hunt) evidence() verdict.Evidence {
	places := map[place]bool{}
	for h := range r.found {
		places[h.place] = true
	}
	return verdict.Evidence{
		Value:     fmt.Sprintf("%d of %d fake secrets in %s, %s of the matrix", r.leaked(), len(r.secrets), count(len(places), "place"), count(len(r.found), "cell")),
		Threshold: "none", Window: r.lasted.Round(time.Second).String(),
		Query: fmt.Sprintf("%d classes by %d channels in %d requests (%d answered), %d encodings looked for, in %s",
			r.classes, r.channels, r.sent, r.answered, len(search.Encodings()), r.scope()),
		Samples: int32(len(r.secrets)), Failures: int32(r.leaked()), //nolint:gosec // a few hundred
	}
}

// undecided says why it cannot be told.
func (r *hunt) undecided(reason, message string) []verdict.Verdict {
	if len(r.found) > 0 { // what an answer showed counts whatever came after
		return r.verdicts()
	}
	return []verdict.Verdict{verdict.With(verdict.Wait(kind, reason, "%s", message), verdict.Evidence{Value: "not searched", Query: fmt.Sprintf("%d requests", r.sent)})}
}

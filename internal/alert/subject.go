package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"

	"github.com/signal-delivery/operator/internal/verdict"
)

// Labels by which an alert says whom it is about. Those of the operator's own
// are as Prometheus writes the labels of pods.
const (
	alertLabel      = "alertname"
	namespaceLabel  = "namespace"
	nameLabel       = "delivery_signal_dev_name"
	releaseLabel    = "delivery_signal_dev_release"
	oldReleaseLabel = "release"
)

// maxKey bounds the key of an alert, in bytes, as the schema does.
const maxKey = 512

// Subject is the release that is watched.
type Subject struct {
	Namespace, Name string
	Release, Stable string   // hashes of the candidate and of the stable release
	Source          string   // the metric server that was asked
	RollbackOn      []string // severities that turn a release back
	FiredBefore     []string // keys of alerts that fired before the release started
	Stock           Stock    // which metrics the server has; nil where nobody asked
	Mismatch        string   // why no Prometheus selects the published rules, where that is known

	Starting bool      // its pods only start: what holds and does not name it, held before
	Anew     time.Time // when the server began to listen, if it did so while the release was under way
	Deaf     string    // why silence says nothing: the rest of a sentence that begins with the server; empty when it does
	Barren   bool      // it is so for good: the pods of the release serve no metrics that could be read
}

// before reports whether an alert is none of the release's doing: it fired
// before, or its condition held while there was nothing of the release yet.
func (s Subject) before(a keyed) bool {
	return slices.Contains(s.FiredBefore, a.key) || s.Starting && !s.named(a.Labels)
}

// named reports whether labels name the release, be it by the name of a pod.
func (s Subject) named(labels map[string]string) bool {
	for _, value := range labels {
		if strings.Contains(value, s.Release) {
			return true
		}
	}
	return false
}

// concerns reports whether an alert with these labels is the candidate's: it
// is, unless they name another release, another SignalDeployment or another
// namespace.
func (s Subject) concerns(labels map[string]string) bool {
	for label, own := range map[string]string{namespaceLabel: s.Namespace, nameLabel: s.Name, releaseLabel: s.Release} {
		if value, named := labels[label]; named && value != own {
			return false
		}
	}
	return s.Stable == "" || s.Stable == s.Release || labels[oldReleaseLabel] != s.Stable
}

// keyed is an alert and its key.
type keyed struct {
	Firing
	key string
}

// mine are the alerts that concern the subject, in the order of their keys.
func mine(firing []Firing, s Subject) []keyed {
	var all []keyed
	for _, alert := range firing {
		if s.concerns(alert.Labels) {
			all = append(all, keyed{alert, keyOf(alert.Labels)})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	return all
}

// keyOf names an alert by its labels, in order: Name{a="b"}. One that is too
// long keeps its beginning and gets a hash of the whole.
func keyOf(labels map[string]string) string {
	var parts []string
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if label != alertLabel {
			parts = append(parts, fmt.Sprintf("%s=%q", label, labels[label]))
		}
	}
	key := labels[alertLabel]
	if len(parts) > 0 {
		key += "{" + strings.Join(parts, ",") + "}"
	}
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	hash := hex.EncodeToString(sum[:6])
	return verdict.Clip(key, maxKey-len(hash)) + hash
}

// remembered are the keys that are kept, sorted; the grave ones have first
// claim on the room there is.
func remembered(grave, other []string) []string {
	slices.Sort(grave)
	slices.Sort(other)
	kept := slices.Compact(grave)
	for _, key := range slices.Compact(other) {
		if !slices.Contains(kept, key) {
			kept = append(kept, key)
		}
	}
	kept = kept[:min(len(kept), maxFiring)]
	slices.Sort(kept)
	return kept
}

// find is the evaluated rule that was asked for: of that group and name, with
// an expression that means the same and no label that differs. Rules of one
// name and expression may differ in severity alone.
func find(live []LiveGroup, group Group, rule monitoringv1.Rule, namespace string) *LiveRule {
	for _, g := range live {
		if g.Name != group.Name {
			continue
		}
		for i, r := range g.Rules {
			if r.Name == rule.Alert && agree(r.Labels, rule.Labels) && same(r.Query, rule.Expr.String(), namespace) {
				return &g.Rules[i]
			}
		}
	}
	return nil
}

// agree reports whether no label has two values. A server may add labels.
func agree(live, asked map[string]string) bool {
	for label, want := range asked {
		if got, has := live[label]; has && got != want && label != namespaceLabel {
			return false
		}
	}
	return true
}

// Call is an alert that fires, whomever it is about.
type Call struct{ Name, Severity string }

// Calling are the alerts that fire now: of the subject's own rules, whichever
// of its releases they name, and of everyone else's rules those that name its
// namespace. Alerts about another SignalDeployment are not among them.
func Calling(groups []Group, live []LiveGroup, s Subject) []Call {
	own := map[*LiveRule]bool{}
	for _, group := range groups {
		for _, rule := range group.Rules {
			own[find(live, group, rule, s.Namespace)] = true
		}
	}
	var calls []Call
	for _, group := range live {
		for i := range group.Rules {
			rule := &group.Rules[i]
			for _, a := range rule.Firing {
				if s.near(a.Labels, own[rule]) {
					calls = append(calls, Call{Name: cmp.Or(a.Labels[alertLabel], rule.Name), Severity: cmp.Or(a.Labels[severityLabel], rule.Labels[severityLabel])})
				}
			}
		}
	}
	return calls
}

// Longest is how long an expression must hold at most until an alert of one of
// the severities fires: whoever has listened for less has not heard them all.
func Longest(groups []Group, severities []string) time.Duration {
	var longest model.Duration
	for _, group := range groups {
		for _, rule := range group.Rules {
			if rule.For == nil || !slices.Contains(severities, cmp.Or(rule.Labels[severityLabel], group.Labels[severityLabel])) {
				continue
			}
			if holds, err := model.ParseDuration(string(*rule.For)); err == nil { // else the rule is not valid, and says so
				longest = max(longest, holds)
			}
		}
	}
	return time.Duration(longest)
}

// near reports whether an alert with these labels is about the subject or its
// namespace. One of its own rules need not say so.
func (s Subject) near(labels map[string]string, own bool) bool {
	namespace, named := labels[namespaceLabel]
	if other, is := labels[nameLabel]; is && other != s.Name {
		return false
	}
	return named && namespace == s.Namespace || !named && own
}

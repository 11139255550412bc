package library_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/alert/builtin"
	"github.com/signal-delivery/operator/internal/alert/library"
)

// start is when every story begins: a round number, for those on time itself.
var start = time.Unix(1_000_000, 0).UTC()

var app = &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app"}}

// story is one unit test of a rule, as promtool has them: series, and the
// alerts that fire in the end.
type story struct {
	series string        // lines in promtool's notation, with names of whose they are in them
	every  time.Duration // between two samples and two evaluations; 0 is 5 s
	at     time.Duration // 0 is 2 minutes
	window time.Duration // of the rules
	want   []string      // labels, value and summary of each alert
}

// Whose series they are. The built-in source knows the track; in a Prometheus,
// day1 and day2 are releases without one.
const (
	app1 = `namespace="prod",delivery_signal_dev_name="app",delivery_signal_dev_release="aaaaaaaaaa"`
	app2 = `namespace="prod",delivery_signal_dev_name="app",delivery_signal_dev_release="bbbbbbbbbb"`
)

var whose = strings.NewReplacer(
	"$older", app1+`,release="aaaaaaaaaa",track="stable",pod="app-aaaaaaaaaa-5d8f-x2"`,
	"$old", app1+`,release="aaaaaaaaaa",track="stable",pod="app-aaaaaaaaaa-5d8f-x1"`,
	"$new2", app2+`,release="bbbbbbbbbb",track="candidate",pod="app-bbbbbbbbbb-6d4c-x2"`,
	"$new3", app2+`,release="bbbbbbbbbb",track="candidate",pod="app-bbbbbbbbbb-6d4c-x3"`,
	"$new4", app2+`,release="bbbbbbbbbb",track="candidate",pod="app-bbbbbbbbbb-6d4c-x4"`,
	"$new", app2+`,release="bbbbbbbbbb",track="candidate",pod="app-bbbbbbbbbb-6d4c-x1"`,
	"$day1", app1+`,pod="app-aaaaaaaaaa-5d8f-x1"`,
	"$day2", app2+`,pod="app-bbbbbbbbbb-6d4c-x1"`,
	"$state2", `namespace="prod",pod="app-bbbbbbbbbb-6d4c-x2",container="app"`,
	"$state", `namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="app"`,
	"$operator", `namespace="ops",exported_namespace="prod",name="app",pod="operator-0"`,
)

// Others have the same series, and must not matter.
var (
	elsewhere = strings.NewReplacer(`namespace="prod"`, `namespace="dev"`)
	other     = strings.NewReplacer(`name="app"`, `name="web"`, `pod="app-`, `pod="web-`)
)

// lines are the series of a story, and those of others.
func (s story) lines() []string {
	var all []string
	for line := range strings.Lines(whose.Replace(s.series)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line, elsewhere.Replace(line), other.Replace(line))
		}
	}
	return all
}

func (s story) step() time.Duration {
	if s.every == 0 {
		return 5 * time.Second
	}
	return s.every
}

func (s story) end() time.Time {
	if s.at == 0 {
		return start.Add(2 * time.Minute)
	}
	return start.Add(s.at)
}

// rule is the group with the one rule in it.
func (s story) rule(t *testing.T, name string) []alert.Group {
	t.Helper()
	groups, err := library.Build(app, v1alpha1.AlertLibrary{}, library.Options{Window: s.window})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range groups[0].Rules {
		if r.Alert == name {
			groups[0].Rules = append(groups[0].Rules[:0:0], r)
			return groups
		}
	}
	t.Fatalf("there is no rule %s", name)
	return nil
}

// plays evaluates the groups from the beginning to the end, and says what
// fires.
func (s story) plays(t *testing.T, ask builtin.Query, groups []alert.Group) []string {
	t.Helper()
	source := builtin.New(builtin.Options{Name: "built-in", Query: ask})
	if err := source.Load(groups); err != nil {
		t.Fatal(err)
	}
	for now := start; !now.After(s.end()); now = now.Add(s.step()) {
		if err := source.Evaluate(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	live, err := source.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rule := live[0].Rules[0]; !rule.Healthy {
		t.Fatalf("%s: %s", rule.Query, rule.LastError)
	}
	var says []string
	for _, firing := range live[0].Rules[0].Firing {
		says = append(says, told(firing))
	}
	slices.Sort(says)
	return says
}

// told is an alert in one line. That it is of prod/app goes without saying,
// and the releases are called new and old.
func told(f alert.Firing) string {
	labels := maps.Clone(f.Labels)
	delete(labels, "alertname")
	if labels["namespace"] == "prod" && labels["delivery_signal_dev_name"] == "app" {
		delete(labels, "namespace")
		delete(labels, "delivery_signal_dev_name")
	}
	if hash, named := labels["delivery_signal_dev_release"]; named {
		delete(labels, "delivery_signal_dev_release")
		labels["release"] = map[string]string{"aaaaaaaaaa": "old", "bbbbbbbbbb": "new"}[hash]
	}
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+labels[name])
	}
	return fmt.Sprintf("%s: %s: %s", strings.Join(pairs, " "), f.Value, f.Annotations["summary"])
}

// stories are the unit tests of all rules, by rule and name.
func stories() map[string]map[string]story {
	all := map[string]map[string]story{}
	for _, some := range []map[string]map[string]story{trafficStories, errorStories, latencyStories, podStories, dependencyStories, signalStories} {
		maps.Copy(all, some)
	}
	return all
}

// scraped says that something was.
const scraped = `up{instance="any"} 1x500`

func TestStories(t *testing.T) {
	for rule, told := range stories() {
		for name, s := range told {
			t.Run(rule+"/"+name, func(t *testing.T) {
				t.Parallel()
				ask := serve(t, s.step(), append(s.lines(), scraped))
				if diff := cmp.Diff(s.want, s.plays(t, ask, s.rule(t, rule))); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// Package bench counts and measures: what a release costs the API server, and
// what a reconcile costs the operator. Figures are counts, or ratios of one run.
package bench

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

var on *stage.Stage

func TestMain(m *testing.M) { stage.Main(m, &on) }

// maxRequests is what one good release of three steps may cost. Argo Rollouts
// was counted at 76 to 87 with leases, Flagger at 128 to 140.
const maxRequests = 40

// BenchmarkReleaseRequests counts the requests that the operator sends for one
// good release of three steps, besides leases, events, watches and the lists
// that fill caches.
func BenchmarkReleaseRequests(b *testing.B) {
	counter := &stage.Counter{}
	y := on.Story(b, stage.Hold(2))
	y.Operator = y.Stage.Operator(b, y.Namespace, counter.Wrap)
	y.Apply()
	y.Rest("v1 is released", stage.Succeeded)
	total, releases := 0, 0
	for b.Loop() {
		counter.Reset()
		was := y.SD.Status.Stable.Hash
		y.Ask(fmt.Sprintf("v%d", releases+2))
		y.Rest("the next version is released", func(sd *v1alpha1.SignalDeployment) bool {
			return stage.Succeeded(sd) && sd.Status.Stable.Hash != was
		})
		total += len(counter.Calls())
		releases++
		for _, call := range counter.Calls() {
			if call.Verb == "get" { // the memory was read live once, when the operator started
				b.Errorf("%s %s was read live", call.Kind, call.Name)
			}
		}
	}
	b.ReportMetric(float64(total)/float64(releases), "requests/release")
	b.ReportMetric(0, "ns/op")
	table(b, counter.Calls())
	if total > maxRequests*releases {
		b.Errorf("%d requests for %d releases: more than %d each", total, releases, maxRequests)
	}
}

// table prints the requests of the last release by kind and verb.
func table(b *testing.B, calls []stage.Call) {
	b.Helper()
	counts := map[string]int{}
	for _, call := range calls {
		counts[call.Kind+"\t"+call.Verb]++
	}
	var rows []string
	for row, n := range counts {
		rows = append(rows, fmt.Sprintf("%s\t%d", row, n))
	}
	slices.Sort(rows)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nkind\tverb\trequests\n")
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	fmt.Fprintf(w, "all\t\t%d\n", len(calls))
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}

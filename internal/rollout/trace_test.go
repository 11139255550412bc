package rollout_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
)

var update = flag.Bool("update", false, "rewrite the golden traces")

// A story is a whole rollout, told as the line of every tick at which
// something changed.
type story struct {
	begin  func(testing.TB, ...func(*v1alpha1.SignalDeployment)) *world
	change func(*v1alpha1.SignalDeployment)
	script []act
	lasts  time.Duration
	want   v1alpha1.Phase // at the end
}

// tell runs stories and compares them with their golden traces.
func tell(t *testing.T, stories map[string]story) {
	t.Helper()
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			if s.change == nil {
				s.change = func(*v1alpha1.SignalDeployment) {}
			}
			w := s.begin(t, s.change)
			w.script = s.script
			w.run(s.lasts)
			if len(w.script) > 0 {
				t.Errorf("%d acts were never done", len(w.script))
			}
			if got := w.sd.Status.Rollout.Phase; got != s.want {
				t.Errorf("ends in %s, want %s", got, s.want)
			}
			if over(s.want) && !w.gone {
				rest(t, w)
			}
			golden(t, name, w.trace.String())
		})
	}
}

// rest checks that nothing is written and nothing is waited for.
func rest(t *testing.T, w *world) {
	t.Helper()
	was, want := w.sd.Status.DeepCopy(), w.last.Want
	d := w.turn()
	if diff := gocmp.Diff(*was, d.Next); diff != "" {
		t.Error("at rest, status changes:", diff)
	}
	if diff := gocmp.Diff(want, d.Want); diff != "" {
		t.Error("at rest, the wanted changes:", diff)
	}
	if d.After != 0 || len(d.Events) > 0 {
		t.Errorf("at rest, wakes after %s and tells %v", d.After, d.Events)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "trace", strings.ReplaceAll(name, " ", "-")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("differs from %s (accept with -update):\n%s", path, diff)
	}
}

// TestEveryGoldenTraceIsTold finds traces that no story tells any more.
func TestEveryGoldenTraceIsTold(t *testing.T) {
	told := map[string]bool{}
	for _, stories := range []map[string]story{goodStories, badStories, cutoverStories, peopleStories, changedStories, worldStories, oddStories, gateStories, entryStories, splitStories} {
		for name := range stories {
			told[strings.ReplaceAll(name, " ", "-")+".golden"] = true
		}
	}
	files, err := os.ReadDir(filepath.Join("testdata", "trace"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !told[file.Name()] {
			t.Errorf("no story tells %s", file.Name())
		}
	}
}

// write adds a line to the trace, unless nothing has changed but the time.
func (w *world) write(seen rollout.Observation, d rollout.Decision) {
	wants := fmt.Sprintf("wants %3d%%", d.Want.Weight)
	if d.Want.HoldWeight {
		wants = "leaves it "
	}
	line := fmt.Sprintf("%-11s %-8s sees %3d%% %s  %-4s serves  %-24s %s",
		d.Next.Phase, place(d.Next.Rollout), seen.Route.Weight, wants, cmp.Or(seen.Service.Stable, "-"), count(seen.Sides), d.Next.Reason)
	if d.Want.Preview != "" {
		line += "  " + d.Want.Preview + " by name"
	}
	if line != w.line {
		fmt.Fprintf(&w.trace, "%6s  %s\n", w.clock(), strings.TrimSpace(line))
	}
	w.line = line
}

// clock is the time since the story began.
func (w *world) clock() string { return fmt.Sprintf("%.0fs", w.now.Sub(w.origin).Seconds()) }

func place(r v1alpha1.RolloutStatus) string {
	switch r.Phase {
	case v1alpha1.PhaseProgressing:
		return r.Plan.Steps[r.Step].Name
	case v1alpha1.PhaseCuttingOver:
		return string(r.Move)
	}
	return ""
}

// count is the pods that there are: ready of desired.
func count(sides map[string]rollout.Side) string {
	var out []string
	for _, hash := range slices.Sorted(maps.Keys(sides)) {
		if s := sides[hash]; s.Desired+s.Created > 0 {
			out = append(out, fmt.Sprintf("%s %d/%d", hash, s.Ready, s.Desired))
		}
	}
	return strings.Join(out, "  ")
}

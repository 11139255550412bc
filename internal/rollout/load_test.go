package rollout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// loaded asks for background load.
func loaded(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Checks.Load.Background = &v1alpha1.BackgroundLoad{RatePerSecond: 20}
}

// told is what each phase of a world wants of background load and of the canary
// Service, once each.
func told(w *world, lasts time.Duration) []string {
	var lines []string
	for end := w.now.Add(lasts); w.now.Before(end); {
		d := w.turn()
		line := fmt.Sprintf("%s load %t canary %s", d.Next.Rollout.Phase, d.Want.Load, d.Want.Canary)
		if len(lines) == 0 || lines[len(lines)-1] != line {
			lines = append(lines, line)
		}
	}
	return lines
}

// Where it is asked for, it is sent while the candidate takes traffic; then the
// canary Service selects nothing, so that it ends in time for the report.
func TestBackgroundLoadIsSentWhileTheCandidateTakesTraffic(t *testing.T) {
	shortVerification := func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.VerifySeconds = new(int32(29)) }
	for name, tc := range map[string]struct {
		change []func(*v1alpha1.SignalDeployment)
		first  bool
		want   string
	}{
		"asked for":     {[]func(*v1alpha1.SignalDeployment){loaded}, false, "Progressing true v2, CuttingOver true v2, Verifying true v2, Settling false none, Succeeded false none"},
		"not asked for": {nil, false, "Progressing false v2, CuttingOver false v2, Verifying false v2, Settling false v2, Succeeded false v2"},
		"verified for less than the drain delay, as routes may still send": {
			[]func(*v1alpha1.SignalDeployment){loaded, shortVerification},
			false,
			"Progressing true v2, CuttingOver true v2, Verifying true v2, Settling false v2, Succeeded false none",
		},
		"without routes":     {[]func(*v1alpha1.SignalDeployment){loaded, unrouted}, false, "CuttingOver true v2, Verifying true v2, Settling false none, Succeeded false none"},
		"of a first release": {[]func(*v1alpha1.SignalDeployment){loaded}, true, "CuttingOver true v1, Verifying true v1, Settling false none, Succeeded false none"},
	} {
		t.Run(name, func(t *testing.T) {
			begin := serving
			if tc.first {
				begin = first
			}
			all := strings.ReplaceAll(strings.ReplaceAll(strings.Join(told(begin(t, tc.change...), 15*time.Minute), ", "), "load ", ""), "canary ", "")
			if _, got, _ := strings.Cut(all, "Checking false "); got[strings.Index(got, ", ")+2:] != tc.want {
				t.Errorf("got  %s\nwant …, %s", all, tc.want)
			}
		})
	}
}

// While traffic is on its way back, and until the candidate's pods have gone,
// requests that are late find them by the canary Service.
func TestAfterARollbackTheCanaryServiceKeepsTheCandidate(t *testing.T) {
	w := serving(t, loaded)
	w.script = []act{{step("quarter"), alertFires}}
	w.until(phase(v1alpha1.PhaseRollingBack))
	got := strings.Join(told(w, 5*time.Minute), ", ")
	if want := "RollingBack load false canary v2, RolledBack load false canary v2"; got != want {
		t.Errorf("got %s", got)
	}
	alertEnds(w)
	ask("v1")(w) // the stable release is asked for again at once
	w.until(phase(v1alpha1.PhaseSucceeded))
	if w.last.Want.Canary != "v1" {
		t.Errorf("reverted, the canary Service selects %s", w.last.Want.Canary)
	}
}

// Whatever it says, the release goes the same way at the same time; it is told
// once, at the end, and written with what is written then.
func TestBackgroundLoadDecidesNothing(t *testing.T) {
	said := map[string]verdict.Verdict{
		"nothing": {}, "passed": testkit.Passed(v1alpha1.SignalLoad), "unknown": testkit.Unknown(v1alpha1.SignalLoad),
		"failed": testkit.Failed(v1alpha1.SignalLoad, "LoadBad"),
	}
	for name, script := range map[string][]act{"good": nil, "turned back": {{step("half"), alertFires}}, "silent": {{step("first"), silence}}} {
		t.Run(name, func(t *testing.T) {
			traces := map[string]string{}
			for what, v := range said {
				w := serving(t, loaded)
				w.says.load, w.script = v, script
				w.run(25 * time.Minute)
				traces[what] = w.trace.String()
				if !over(w.sd.Status.Rollout.Phase) {
					t.Fatalf("%s: it is %s still", what, w.sd.Status.Rollout.Phase)
				}
				var records []string
				for _, recorded := range w.sd.Status.Rollout.Verdicts {
					if recorded.Kind == v1alpha1.SignalLoad {
						records = append(records, recorded.Reason)
					}
				}
				want := []string{v.Reason}
				if what == "nothing" {
					want = nil
				}
				if diff := gocmp.Diff(want, records); diff != "" {
					t.Errorf("%s: recorded (-want +got):\n%s", what, diff)
				}
				rest(t, w)
			}
			for what, trace := range traces {
				if diff := gocmp.Diff(traces["nothing"], trace); diff != "" {
					t.Errorf("%s changes the way (-without +with):\n%s", what, diff)
				}
			}
		})
	}
}

// What is being deleted has nothing to be judged.
func TestBackgroundLoadOfAnObjectThatGoes(t *testing.T) {
	w := serving(t, loaded)
	w.until(step("first"))
	w.turn()
	if !w.last.Want.Load {
		t.Fatal("it is not sent at the first step")
	}
	remove(w)
	w.turn()
	if w.last.Want.Load {
		t.Error("it is sent for what is being deleted")
	}
}

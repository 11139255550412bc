package fault

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// stories are what is disturbed. Each begins with v1 released.
var stories = map[string]func(y *stage.Story){
	"promote": func(y *stage.Story) {
		y.Ask("v2")
		y.Rest("v2 is stable", stable(y, "v2"))
	},
	"smoke failure": func(y *stage.Story) {
		y.World.Misbehave(y.Namespace, stage.Faults{Job: "fail"})
		y.Ask("v2")
		y.Rest("v2 has failed", ended(y, "v2", v1alpha1.PhaseFailed))
	},
	"alert rollback": func(y *stage.Story) {
		y.Change(stage.Hold(60))
		y.Ask("v2")
		y.Until("v2 holds its first weight", stage.Holding("first"))
		y.Prometheus.Fire(y.Namespace, "Broken", map[string]string{"namespace": y.Namespace})
		y.Rest("v2 is rolled back", ended(y, "v2", v1alpha1.PhaseRolledBack))
	},
	"drill": func(y *stage.Story) {
		y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.DrainSeconds = new(int32(0)) })
		y.Annotate(v1alpha1.AnnotationDrill, "now")
		y.Rest("the drill has passed", func(sd *v1alpha1.SignalDeployment) bool {
			return stage.Succeeded(sd) && sd.Status.Drill != nil && sd.Status.Drill.Runs[0].Result == v1alpha1.DrillPassed
		})
		y.Until("nothing of it is left", func(*v1alpha1.SignalDeployment) bool { return !strings.Contains(y.End(), "deployment app-drill") })
	},
	"supersede": func(y *stage.Story) {
		y.Change(stage.Hold(60))
		y.Ask("v2")
		y.Until("v2 holds its first weight", stage.Holding("first"))
		y.Change(stage.Hold(0))
		y.Ask("v3")
		y.Rest("v3 is stable", stable(y, "v3"))
	},
}

func stable(y *stage.Story, version string) stage.Condition {
	return ended(y, version, v1alpha1.PhaseSucceeded)
}

func ended(y *stage.Story, version string, phase v1alpha1.Phase) stage.Condition {
	return func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Phase == phase && sd.Status.Candidate.Version == version+"-"+y.Namespace
	}
}

// run plays a story under a plan, with a second life for the operator when it
// dies, and returns the end.
func run(t *testing.T, tell func(*stage.Story), p *plan) string {
	t.Helper()
	y := on.Story(t).BeginThrough(p.wrap)
	y.Rest("v1 is at rest", stage.Succeeded)
	p.arm()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-p.died:
			y.Operator.Stop()
			on.Operator(t, y.Namespace, nil)
		case <-done:
		}
	}()
	tell(y)
	return y.End()
}

// The end of every disturbed run is that of the undisturbed one. A run may make
// a write less than the one that was counted, when two reconciles fall together;
// a plan for its last write is then spared, which only few may be.
func TestEveryWriteDisturbed(t *testing.T) {
	var runs, faults, spared atomic.Int32
	t.Run("stories", func(t *testing.T) {
		for name, tell := range stories {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				calm := newPlan("", 0)
				want := run(t, tell, calm)
				for _, p := range plans(len(calm.writes)) {
					t.Run(p.String(), func(t *testing.T) {
						t.Parallel()
						got := run(t, tell, p)
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%s: the end differs:\n%s", p, diff)
						}
						runs.Add(1)
						faults.Add(int32(p.fired))
						if p.fired == 0 {
							spared.Add(1)
						}
					})
				}
			})
		}
	})
	fmt.Fprintf(os.Stdout, "%d fault plans run, with %d faults in all; %d ended before their write\n", runs.Load(), faults.Load(), spared.Load())
	if runs.Load() == 0 || spared.Load()*10 > runs.Load() {
		t.Errorf("%d plans run, of which %d disturbed nothing", runs.Load(), spared.Load())
	}
}

// plans are a death at every write, and every wrong answer to all writes of one
// run. The deaths take turns; with SIGNAL_FAULTS=all, each of them, and each
// wrong answer alone, happens at every write.
func plans(writes int) []*plan {
	whole := os.Getenv("SIGNAL_FAULTS") == "all"
	var all []*plan
	for index := 1; index <= writes; index++ {
		for turn, k := range deaths {
			if whole || index%len(deaths) == turn {
				all = append(all, newPlan(k, index))
			}
		}
		for _, k := range answers {
			if whole {
				all = append(all, newPlan(k, index))
			}
		}
	}
	for _, k := range answers {
		all = append(all, newPlan(k, everySecond))
	}
	return all
}

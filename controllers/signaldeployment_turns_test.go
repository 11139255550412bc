package controllers

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

func member(name string, start int64, groups ...string) *v1alpha1.SignalDeployment {
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Name, sd.Status.Rollout.Phase, sd.Status.Rollout.StartTime = name, v1alpha1.PhaseGating, metav1.NewTime(time.Unix(start, 0))
		for _, group := range groups {
			sd.Spec.Gates = append(sd.Spec.Gates, v1alpha1.Gate{Name: group, Group: &v1alpha1.GroupGate{Name: group}})
		}
	})
}

func beside(all []*v1alpha1.SignalDeployment) []v1alpha1.SignalDeployment {
	others := make([]v1alpha1.SignalDeployment, 0, len(all))
	for _, sd := range all {
		others = append(others, *sd.DeepCopy())
	}
	return others
}

func lets(t *turns, sd *v1alpha1.SignalDeployment, others []v1alpha1.SignalDeployment) bool {
	said, _ := t.judge(sd, gate.Facts{Object: sd, Others: others})
	return gate.Open(sd.Spec.Gates, said, true)
}

// Reconciles that run side by side on what was read before any of them let go
// of a release let go of one.
func TestOfAGroupOneIsLetGo(t *testing.T) {
	for range 20 {
		var all []*v1alpha1.SignalDeployment
		for i := range 16 {
			all = append(all, member(fmt.Sprintf("m%d", i), int64(i%3), "shop"))
		}
		var turns turns
		var both sync.WaitGroup
		let, stale := make([]bool, len(all)), beside(all)
		for i, sd := range all {
			both.Go(func() { let[i] = lets(&turns, sd, stale) })
		}
		both.Wait()
		count := 0
		for _, is := range let {
			if is {
				count++
			}
		}
		if count != 1 {
			t.Fatalf("%d of a group were let go at once", count)
		}
	}
}

// In whatever order reconciles come, and however groups overlap, no two members
// of a group are under way, and every release gets its turn.
func TestEveryMemberGetsItsTurn(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		var all []*v1alpha1.SignalDeployment
		for i := range 8 {
			groups := [][]string{{"a"}, {"b"}, {"a", "b"}, {"b", "a"}, {"b", "c"}, {"c", "a"}}[random.IntN(6)]
			all = append(all, member(fmt.Sprintf("m%d", i), random.Int64N(3), groups...))
		}
		var turns turns
		ended := 0
		for turn := 0; ended < len(all); turn++ {
			if turn > 2000 {
				t.Fatalf("seed %d: %d of %d ended: they wait for each other", seed, ended, len(all))
			}
			sd := all[random.IntN(len(all))]
			switch sd.Status.Rollout.Phase {
			case v1alpha1.PhaseGating:
				sd.Spec.Paused = random.IntN(4) == 0
				if lets(&turns, sd, beside(all)) && !sd.Spec.Paused && random.IntN(5) > 0 { // else the write was lost
					sd.Status.Rollout.Phase = v1alpha1.PhaseProgressing
				}
			case v1alpha1.PhaseProgressing:
				turns.leave(client.ObjectKeyFromObject(sd))
				if random.IntN(3) == 0 {
					sd.Status.Rollout.Phase = v1alpha1.PhaseSucceeded
					ended++
				}
			}
			alone(t, all)
		}
	}
}

// alone checks that no group has two members under way.
func alone(t *testing.T, all []*v1alpha1.SignalDeployment) {
	t.Helper()
	by := map[string]string{}
	for _, sd := range all {
		for _, g := range sd.Spec.Gates {
			if sd.Status.Rollout.Phase != v1alpha1.PhaseProgressing {
				continue
			}
			if other := by[g.Name]; other != "" {
				t.Fatalf("%s and %s are under way in group %s", other, sd.Name, g.Name)
			}
			by[g.Name] = sd.Name
		}
	}
}

// Who waits for something else keeps nobody from going first.
func TestWhoWaitsForSomethingElseIsNotWaitedFor(t *testing.T) {
	first, second := member("first", 1, "shop"), member("second", 2, "shop")
	first.Spec.Gates = append(first.Spec.Gates, v1alpha1.Gate{Name: "db", Service: &v1alpha1.ServiceGate{Name: "db"}})
	both := beside([]*v1alpha1.SignalDeployment{first, second})
	var turns turns
	if lets(&turns, first, both) || !lets(&turns, second, both) {
		t.Fatal("the second waits for the first, which waits for a database")
	}
	said, _ := turns.judge(first, gate.Facts{Object: first, Others: both, Endpoints: map[string]int32{"db": 1}})
	if got := said[0]; got.Outcome != verdict.Unknown || got.Reason != "GroupBusy" {
		t.Errorf("once the database is there: %+v", got)
	}
	turns.leave(client.ObjectKeyFromObject(second))
	if said, _ = turns.judge(first, gate.Facts{Object: first, Others: both, Endpoints: map[string]int32{"db": 1}}); said[0].Outcome != verdict.Passed {
		t.Errorf("once the second is gone: %+v", said[0])
	}
}

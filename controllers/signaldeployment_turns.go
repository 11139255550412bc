package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/gate"
	"github.com/signal-delivery/operator/internal/verdict"
)

// turns are the releases that wait at their gates. Reconciles run side by side:
// of a group, one is let go at a time, and the next only when it is seen that
// the one before has started, or no longer would. A restart loses nothing: who
// waits comes again, and who has started says so in its status.
type turns struct {
	mu      sync.Mutex
	waiting map[types.NamespacedName]*place
}

// place of one release that waits at its gates.
type place struct {
	sd    *v1alpha1.SignalDeployment
	ready bool // it waits for nothing but its groups
	gone  bool // it has been let go
}

// judge asks the gates of one release, and lets it go when all are open.
func (t *turns) judge(sd *v1alpha1.SignalDeployment, facts gate.Facts) ([]verdict.Verdict, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &place{sd: sd.DeepCopy()}
	p.sd.Status = v1alpha1.SignalDeploymentStatus{}
	if t.waiting == nil {
		t.waiting = map[types.NamespacedName]*place{}
	}
	t.waiting[client.ObjectKeyFromObject(sd)] = p

	facts.Turns = map[types.NamespacedName]bool{}
	for key, other := range t.waiting {
		if other.ready {
			facts.Turns[key] = other.gone
		}
	}
	verdicts, opens := gate.Judge(sd.Spec.Gates, facts)
	p.ready = !sd.Spec.Paused && sd.DeletionTimestamp.IsZero() && gate.Open(sd.Spec.Gates, verdicts, false)
	p.gone = p.ready && gate.Open(sd.Spec.Gates, verdicts, true)
	return verdicts, opens
}

// leave forgets a release that does not wait at its gates.
func (t *turns) leave(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, key)
}

// those enqueues the releases that wait and match.
func (t *turns) those(match func(*v1alpha1.SignalDeployment) bool) []reconcile.Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	var requests []reconcile.Request
	for key, p := range t.waiting {
		if match(p.sd) {
			requests = append(requests, request(key.Namespace, key.Name)...)
		}
	}
	return requests
}

package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// times are when the parts of a rollback were first seen, by polling every
// 20 ms.
type times struct{ firing, decided, written time.Time }

// watcher looks at the parts of a rollback from outside the operator.
type watcher struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	seen   times
}

// watch begins to look.
func watch(ctx context.Context, c *cluster.Cluster) *watcher {
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{cancel: cancel}
	key := types.NamespacedName{Namespace: namespace, Name: cluster.ServiceName}
	w.first(ctx, &w.seen.firing, func() bool { return firing(ctx, c.Prometheus) })
	w.first(ctx, &w.seen.decided, func() bool {
		sd := &v1alpha1.SignalDeployment{}
		return c.Get(ctx, key, sd) == nil && sd.Status.Phase == v1alpha1.PhaseRollingBack
	})
	exposed := false
	w.first(ctx, &w.seen.written, func() bool {
		route := &gatewayv1.HTTPRoute{}
		if c.Get(ctx, key, route) != nil {
			return false
		}
		sibling := len(route.Spec.Rules) > 0 && len(route.Spec.Rules[0].BackendRefs) > 1
		exposed = exposed || sibling
		return exposed && !sibling
	})
	return w
}

// first notes when something was first seen.
func (w *watcher) first(ctx context.Context, when *time.Time, seen func() bool) {
	w.done.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			if seen() {
				w.mu.Lock()
				*when = time.Now()
				w.mu.Unlock()
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
}

func (w *watcher) stop() times {
	w.cancel()
	w.done.Wait()
	return w.seen
}

// firing reports whether the demo's alert rule fires.
func firing(ctx context.Context, url string) bool {
	prometheus, err := api.NewClient(api.Config{Address: url})
	if err != nil {
		return false
	}
	alerts, err := prometheusv1.NewAPI(prometheus).Alerts(ctx)
	if err != nil {
		return false
	}
	for _, alert := range alerts.Alerts {
		if string(alert.Labels["alertname"]) == "SignalErrors" && string(alert.Labels["namespace"]) == namespace && alert.State == prometheusv1.AlertStateFiring {
			return true
		}
	}
	return false
}

package stage

import (
	"context"
	"fmt"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/stage/world"
)

// witness sees every committed state of the objects that traffic goes by, and
// holds each against the law on traffic: nothing unready gets any, and nothing
// that still takes some is removed.
type witness struct {
	client    client.Client
	namespace string

	mu        sync.Mutex
	weights   []int32          // the canary's shares in the first rule, in order; -1 without a sibling
	selectors []string         // releases that the canary Service selected, in order
	selected  string           // release that the stable Service selected last
	replicas  map[string]int32 // last seen, by Deployment
}

// Weights are the canary's shares that were ever committed, in order, without
// repetitions; -1 is the route at rest.
func (y *Story) Weights() []int32 {
	y.witness.mu.Lock()
	defer y.witness.mu.Unlock()
	return slices.Compact(slices.Clone(y.witness.weights))
}

// CanarySelections are the releases that the canary Service ever selected, in
// order, without repetitions.
func (y *Story) CanarySelections() []string {
	y.witness.mu.Lock()
	defer y.witness.mu.Unlock()
	return slices.Compact(slices.Clone(y.witness.selectors))
}

// route checks that both sides of a committed weight have someone to answer.
func (w *witness) route(ctx context.Context, o runtime.Object) error {
	route, ok := o.(*gatewayv1.HTTPRoute)
	if !ok {
		return nil
	}
	if route.Name != Name {
		return checkPreview(route)
	}
	if err := checkRoute(route); err != nil {
		return err
	}
	weight := shareOf(route)
	w.mu.Lock()
	moved := len(w.weights) == 0 || w.weights[len(w.weights)-1] != weight
	w.weights = append(w.weights, weight)
	w.mu.Unlock()
	if !moved || weight < 0 {
		return nil
	}
	canary, stable := w.ready(ctx, release.CanaryName(Name)), w.ready(ctx, release.StableName(Name))
	if w.share(ctx) == weight && (weight > 0 && canary == 0 || weight < 100 && stable == 0) { // else what was read is of a later state
		return fmt.Errorf("weight %d with %d ready endpoints of the canary and %d of the stable Service", weight, canary, stable)
	}
	return nil
}

// service checks that a release that the stable Service begins to select has
// pods that are ready.
func (w *witness) service(ctx context.Context, o runtime.Object) error {
	service, ok := o.(*corev1.Service)
	if !ok {
		return nil
	}
	hash := service.Spec.Selector[v1alpha1.LabelRelease]
	w.mu.Lock()
	defer w.mu.Unlock()
	switch service.Name {
	case release.CanaryName(Name):
		w.selectors = append(w.selectors, hash)
	case release.StableName(Name):
		changed := hash != w.selected
		w.selected = hash
		if changed && hash != v1alpha1.NoRelease && hash != "" && w.pods(ctx, hash) == 0 {
			return fmt.Errorf("the stable Service selects %s, which has no ready pod", hash)
		}
	}
	return nil
}

// deployment checks that what loses its last pod takes no traffic.
func (w *witness) deployment(ctx context.Context, o runtime.Object) error {
	d, ok := o.(*appsv1.Deployment)
	if !ok || !d.DeletionTimestamp.IsZero() || d.Spec.Replicas == nil {
		return nil
	}
	w.mu.Lock()
	was := w.replicas[d.Name]
	w.replicas[d.Name] = *d.Spec.Replicas
	w.mu.Unlock()
	if was == 0 || *d.Spec.Replicas > 0 {
		return nil
	}
	hash := d.Labels[v1alpha1.LabelRelease]
	stable, canary := w.selects(ctx, release.StableName(Name)), w.selects(ctx, release.CanaryName(Name))
	if share := w.share(ctx); hash == stable || hash == canary && share > 0 {
		return fmt.Errorf("scaled to nothing while it takes traffic: stable selects %s, canary %s with weight %d", stable, canary, share)
	}
	return nil
}

// share is the canary's weight now, or -1 at rest and once the route is gone.
func (w *witness) share(ctx context.Context) int32 {
	route := &gatewayv1.HTTPRoute{}
	if w.client.Get(ctx, types.NamespacedName{Namespace: w.namespace, Name: Name}, route) != nil {
		return -1
	}
	return shareOf(route)
}

func (w *witness) selects(ctx context.Context, name string) string {
	service := &corev1.Service{}
	if w.client.Get(ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, service) != nil {
		return ""
	}
	return service.Spec.Selector[v1alpha1.LabelRelease]
}

// ready endpoints of a Service.
func (w *witness) ready(ctx context.Context, service string) (count int) {
	all := &discoveryv1.EndpointSliceList{}
	if w.client.List(ctx, all, client.InNamespace(w.namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service}) != nil {
		return 0
	}
	for _, s := range all.Items {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready != nil && *e.Conditions.Ready {
				count++
			}
		}
	}
	return count
}

// pods of a release that are ready.
func (w *witness) pods(ctx context.Context, hash string) (count int) {
	pods := &corev1.PodList{}
	if w.client.List(ctx, pods, client.InNamespace(w.namespace), client.MatchingLabels(release.Selector(Name, hash))) != nil {
		return 0
	}
	for i := range pods.Items {
		if world.Ready(&pods.Items[i]) {
			count++
		}
	}
	return count
}

// shareOf is the canary's weight in the rule of the service, or -1 at rest.
func shareOf(route *gatewayv1.HTTPRoute) int32 {
	for _, ref := range route.Spec.Rules[0].BackendRefs {
		if string(ref.Name) == release.CanaryName(Name) {
			return *ref.Weight
		}
	}
	return -1
}

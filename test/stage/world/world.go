// Package world plays the controllers, kubelets, nodes and gateways that envtest
// does not have, or misbehaves as it is told to.
package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Faults are how the world misbehaves in one namespace.
type Faults struct {
	NeverReady    bool   // new pods never get ready
	CrashLoop     bool   // new pods crash
	SlowEndpoints bool   // Services do not learn of new endpoints
	Job           string // "", "fail", "hang" or "nopull"
	JobOf         string // the check whose Jobs do so, as their label has it; when empty, all
	RouteRefused  bool   // the gateway does not accept routes
	Candidate     string // where the canary Service leads, as IP and port: checks of security call it
	Stable        string // where the stable Service leads
	Entry         string // where clients are led once the candidate serves all; when empty, to the candidate
	Runs          string // what nodes say that new pods run, instead of what they are to run
	Says          string // what a Job that fails says, instead of that the answer was 42
	API           API    // that Jobs with a token are led to
}

// API is where Kubernetes' API is for a Job, who vouches for it, and whose token
// the Job is given.
type API struct{ Host, Port, Authority, Token string }

// World plays the controllers, kubelets and gateways that envtest does not have.
type World struct {
	scheme *runtime.Scheme
	config *rest.Config
	cache  cache.Cache
	client client.Client
	cancel context.CancelFunc
	done   sync.WaitGroup

	running sync.Map // UIDs of Jobs that are run

	mu        sync.Mutex
	faults    map[string]Faults
	addresses map[string]Address // of pods, by IP
}

// Address is whose an IP is.
type Address struct{ Namespace, Release string }

// address gives a pod an IP.
func (w *World) address(pod *corev1.Pod) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.addresses) + 1
	ip := fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255)
	w.addresses[ip] = Address{Namespace: pod.Namespace, Release: pod.Labels[v1alpha1.LabelRelease]}
	return ip
}

// At is whose an IP is.
func (w *World) At(ip string) Address {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addresses[ip]
}

// New is a world that has not begun to turn.
func New(config *rest.Config, scheme *runtime.Scheme) *World {
	return &World{scheme: scheme, config: config, faults: map[string]Faults{}, addresses: map[string]Address{}}
}

// Misbehave sets how the world misbehaves in a namespace from now on.
func (w *World) Misbehave(namespace string, f Faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[namespace] = f
}

func (w *World) faultsOf(namespace string) Faults {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults[namespace]
}

// pace is how often the world looks at itself.
const pace = 30 * time.Millisecond

// Start lets it turn.
func (w *World) Start() error {
	var err error
	if w.cache, err = cache.New(w.config, cache.Options{Scheme: w.scheme}); err != nil {
		return fmt.Errorf("make the world's cache: %w", err)
	}
	consistent := true
	if w.client, err = client.New(w.config, client.Options{Scheme: w.scheme, Cache: &client.CacheOptions{Reader: w.cache, EnableReadYourWritesConsistency: &consistent}}); err != nil {
		return fmt.Errorf("make the world's client: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.done.Go(func() { _ = w.cache.Start(ctx) })
	for _, part := range []func(context.Context) error{w.deployments, w.services, w.jobs, w.routes, w.garbage} {
		w.done.Go(func() { w.turn(ctx, part) })
	}
	return nil
}

// Stop ends it.
func (w *World) Stop() {
	w.cancel()
	w.done.Wait()
}

// turn lets one part of the world go on until the end. What it could not
// write, it tries again.
func (w *World) turn(ctx context.Context, part func(context.Context) error) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = part(ctx)
		}
	}
}

// services give every Service the endpoints that its selector finds.
func (w *World) services(ctx context.Context) error {
	services := &corev1.ServiceList{}
	if err := w.client.List(ctx, services); err != nil {
		return err
	}
	var problems []error
	for i := range services.Items {
		service := &services.Items[i]
		if len(service.Spec.Selector) > 0 && !w.faultsOf(service.Namespace).SlowEndpoints {
			problems = append(problems, w.endpoints(ctx, service))
		}
	}
	return errors.Join(problems...)
}

func (w *World) endpoints(ctx context.Context, service *corev1.Service) error {
	pods := &corev1.PodList{}
	if err := w.client.List(ctx, pods, client.InNamespace(service.Namespace), client.MatchingLabels(service.Spec.Selector)); err != nil {
		return err
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	var endpoints []discoveryv1.Endpoint
	for i := range pods.Items {
		pod := &pods.Items[i]
		ready := Ready(pod)
		endpoints = append(endpoints, discoveryv1.Endpoint{
			Addresses: []string{"198.18.1.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		})
	}
	want := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: service.Namespace, Name: service.Name + "-stage", Labels: map[string]string{discoveryv1.LabelServiceName: service.Name}},
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: endpoints,
	}
	live := &discoveryv1.EndpointSlice{}
	err := w.client.Get(ctx, client.ObjectKeyFromObject(want), live)
	switch {
	case apierrors.IsNotFound(err):
		return w.client.Create(ctx, want)
	case err != nil:
		return err
	case sameEndpoints(live.Endpoints, endpoints):
		return nil
	}
	live.Endpoints = endpoints
	return w.client.Update(ctx, live)
}

func sameEndpoints(a, b []discoveryv1.Endpoint) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].TargetRef.Name != b[i].TargetRef.Name || *a[i].Conditions.Ready != *b[i].Conditions.Ready {
			return false
		}
	}
	return true
}

// Ready reports whether a pod is.
func Ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// routes accept every route as it is now.
func (w *World) routes(ctx context.Context) error {
	routes := &gatewayv1.HTTPRouteList{}
	if err := w.client.List(ctx, routes); err != nil {
		return err
	}
	var problems []error
	for i := range routes.Items {
		problems = append(problems, w.accept(ctx, &routes.Items[i]))
	}
	return errors.Join(problems...)
}

func (w *World) accept(ctx context.Context, route *gatewayv1.HTTPRoute) error {
	accepted := metav1.ConditionTrue
	if w.faultsOf(route.Namespace).RouteRefused {
		accepted = metav1.ConditionFalse
	}
	if len(route.Status.Parents) > 0 && route.Status.Parents[0].Conditions[0].ObservedGeneration == route.Generation && route.Status.Parents[0].Conditions[0].Status == accepted {
		return nil
	}
	route.Status.Parents = nil
	for _, parent := range route.Spec.ParentRefs {
		route.Status.Parents = append(route.Status.Parents, gatewayv1.RouteParentStatus{
			ParentRef: parent, ControllerName: "stage.example/gateway",
			Conditions: []metav1.Condition{
				{Type: "Accepted", Status: accepted, Reason: "Stage", ObservedGeneration: route.Generation, LastTransitionTime: metav1.Now()},
				{Type: "ResolvedRefs", Status: metav1.ConditionTrue, Reason: "Stage", ObservedGeneration: route.Generation, LastTransitionTime: metav1.Now()},
			},
		})
	}
	return w.client.Status().Update(ctx, route)
}

// garbage deletes what belonged to a SignalDeployment that is gone.
func (w *World) garbage(ctx context.Context) error {
	owners := &v1alpha1List{}
	if err := w.client.List(ctx, owners); err != nil {
		return err
	}
	alive := map[string]bool{}
	for i := range owners.Items {
		alive[string(owners.Items[i].UID)] = true
	}
	var problems []error
	for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}, &batchv1.JobList{}} {
		problems = append(problems, w.collect(ctx, list, alive))
	}
	return errors.Join(append(problems, w.orphans(ctx))...)
}

// orphans deletes the pods of Deployments that are gone. The pods are read
// first: a Deployment is there before its pods are.
func (w *World) orphans(ctx context.Context) error {
	pods, deployments := &corev1.PodList{}, &appsv1.DeploymentList{}
	if err := errors.Join(w.client.List(ctx, pods), w.client.List(ctx, deployments)); err != nil {
		return err
	}
	var problems []error
	for i := range pods.Items {
		pod := &pods.Items[i]
		owner := metav1.GetControllerOf(pod)
		if owner == nil || owner.Kind != "ReplicaSet" || slices.ContainsFunc(deployments.Items, func(d appsv1.Deployment) bool { return d.UID == owner.UID }) {
			continue
		}
		problems = append(problems, client.IgnoreNotFound(w.client.Delete(ctx, pod, client.GracePeriodSeconds(0))))
	}
	return errors.Join(problems...)
}

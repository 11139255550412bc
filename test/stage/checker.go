package stage

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// watch holds every state that the story's objects are ever in against the
// rules that hold for all of them.
func (y *Story) watch() {
	y.Helper()
	ctx, cancel := context.WithCancel(background(y.TB))
	done := make(chan struct{})
	each := func(list client.ObjectList, check func(runtime.Object) error) {
		w, err := y.Client.Watch(ctx, list, client.InNamespace(y.Namespace))
		if err != nil {
			y.Fatal(err)
		}
		go func() {
			defer func() { done <- struct{}{} }()
			for event := range w.ResultChan() {
				if err := check(event.Object); err != nil {
					y.Errorf("%s %T: %v", event.Type, event.Object, err)
				}
			}
		}()
	}
	each(&v1alpha1.SignalDeploymentList{}, states())
	y.witness = &witness{client: y.Client, namespace: y.Namespace, replicas: map[string]int32{}}
	each(&gatewayv1.HTTPRouteList{}, func(o runtime.Object) error { return y.witness.route(ctx, o) })
	each(&corev1.ServiceList{}, func(o runtime.Object) error { return y.witness.service(ctx, o) })
	each(&appsv1.DeploymentList{}, func(o runtime.Object) error { return y.witness.deployment(ctx, o) })
	y.Cleanup(func() {
		cancel()
		for range 4 {
			<-done
		}
	})
}

// states checks one state of the story's SignalDeployment after the other;
// there may be another one beside it.
func states() func(runtime.Object) error {
	seen := int64(-1)
	return func(o runtime.Object) error {
		sd, ok := o.(*v1alpha1.SignalDeployment)
		if !ok || sd.Name != Name {
			return nil
		}
		if sd.Status.ObservedGeneration < seen {
			return fmt.Errorf("observedGeneration went back from %d to %d", seen, sd.Status.ObservedGeneration)
		}
		seen = sd.Status.ObservedGeneration
		return CheckStatus(sd)
	}
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// CheckStatus holds a status against the rules of kstatus and of DESIGN §6.
func CheckStatus(sd *v1alpha1.SignalDeployment) error {
	for _, c := range sd.Status.Conditions {
		if !camelCase.MatchString(c.Reason) || c.Message == "" || c.ObservedGeneration < 1 || c.ObservedGeneration > sd.Generation {
			return fmt.Errorf("condition %+v is not complete", c)
		}
		abnormal := c.Type == v1alpha1.ConditionReconciling || c.Type == v1alpha1.ConditionStalled
		if abnormal && c.Status != metav1.ConditionTrue {
			return fmt.Errorf("%s is %s; it must be True or absent", c.Type, c.Status)
		}
	}
	if sd.Status.Weight < 0 || sd.Status.Weight > 100 {
		return fmt.Errorf("weight %d", sd.Status.Weight)
	}
	want := wanted(sd)
	if want == "" || !sd.DeletionTimestamp.IsZero() {
		return nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(sd)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SignalDeployment"))
	got, err := status.Compute(u)
	if err != nil {
		return fmt.Errorf("kstatus: %w", err)
	}
	if got.Status != want {
		return fmt.Errorf("kstatus says %s in phase %q, not %s: %s", got.Status, sd.Status.Phase, want, got.Message)
	}
	return nil
}

// wanted is what kstatus must say, by the table of DESIGN §6.
func wanted(sd *v1alpha1.SignalDeployment) status.Status {
	switch {
	case sd.Status.ObservedGeneration != sd.Generation:
		return status.InProgressStatus
	case meta.IsStatusConditionTrue(sd.Status.Conditions, v1alpha1.ConditionStalled):
		return status.FailedStatus
	}
	switch sd.Status.Phase {
	case v1alpha1.PhaseSucceeded:
		return status.CurrentStatus
	case v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		return status.FailedStatus
	case "", v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging,
		v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying,
		v1alpha1.PhaseSettling, v1alpha1.PhaseRollingBack:
	}
	return status.InProgressStatus
}

// checkRoute holds a route against the law on weights: they sum to 100 while a
// canary is there, and are the user's own when none is. The rule of someone
// else never changes.
func checkRoute(route *gatewayv1.HTTPRoute) error {
	own, foreign := route.Spec.Rules[0].BackendRefs, route.Spec.Rules[1].BackendRefs
	if len(foreign) != 1 || foreign[0].Name != "someone-else" || *foreign[0].Weight != 3 {
		return fmt.Errorf("the foreign rule is %+v", foreign)
	}
	switch len(own) {
	case 1:
		if *own[0].Weight != 7 {
			return fmt.Errorf("at rest with weight %d", *own[0].Weight)
		}
	case 2:
		if *own[0].Weight+*own[1].Weight != 100 || *own[0].Weight < 0 || *own[1].Weight < 0 || string(own[1].Name) != Name+"-canary" {
			return fmt.Errorf("weights %d and %d", *own[0].Weight, *own[1].Weight)
		}
	default:
		return fmt.Errorf("%d backends", len(own))
	}
	return nil
}

// checkPreview holds a route of the operator's own against its law: it leads
// nobody but those who name its release, and nowhere but to the canary Service.
func checkPreview(route *gatewayv1.HTTPRoute) error {
	if metav1.GetControllerOf(route) == nil {
		return nil // someone else's
	}
	hash := route.Labels[v1alpha1.LabelRelease]
	for _, rule := range route.Spec.Rules {
		for _, match := range rule.Matches {
			named := slices.ContainsFunc(match.Headers, func(h gatewayv1.HTTPHeaderMatch) bool {
				return h.Name == v1alpha1.HeaderRelease && h.Value == hash && *h.Type == gatewayv1.HeaderMatchExact
			})
			if !named {
				return fmt.Errorf("preview %s matches without naming release %q: %+v", route.Name, hash, match)
			}
		}
		if len(rule.Matches) == 0 || len(rule.BackendRefs) != 1 || string(rule.BackendRefs[0].Name) != Name+"-canary" {
			return fmt.Errorf("preview %s has rule %+v", route.Name, rule)
		}
	}
	return nil
}

// Stalled requires that Stalled is True and its message has these words.
func (y *Story) Stalled(words ...string) {
	y.Helper()
	for _, c := range y.SD.Status.Conditions {
		if c.Type != v1alpha1.ConditionStalled {
			continue
		}
		for _, word := range words {
			if c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, word) {
				y.Errorf("Stalled is %s, and says nothing of %q: %s", c.Status, word, c.Message)
			}
		}
		return
	}
	y.Errorf("Stalled is absent")
}

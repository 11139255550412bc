package gatewayapi

import (
	"encoding/json"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// route is an HTTPRoute, and what it says of the two Services.
type route struct {
	object *unstructured.Unstructured
	name   string // of the SignalDeployment
	services
	rules  []rule              // those that name the stable Service
	kept   map[string][]*int64 // weights at rest, by SignalDeployment
	marked bool                // ours are among them
}

// newRoute reads a route. Its fields are what the API lets through; what is
// not of the shape that the API has is none of ours.
func newRoute(sd *v1alpha1.SignalDeployment, object *unstructured.Unstructured) route {
	r := route{object: object, name: sd.Name, services: servicesOf(sd)}
	if json.Unmarshal([]byte(object.GetAnnotations()[v1alpha1.AnnotationWeights]), &r.kept) != nil {
		r.kept = nil // not there, or written by someone else: the weights themselves will do
	}
	kept, marked := r.kept[r.name]
	r.marked = marked
	rules, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "rules")
	list, _ := rules.([]any)
	for i, item := range list {
		refs, _, _ := unstructured.NestedFieldNoCopy(map[string]any{"rule": item}, "rule", "backendRefs")
		backends, _ := refs.([]any)
		var one rule
		one, kept = newRule(r.services, i, backends, kept)
		if len(one.pairs) > 0 {
			r.rules = append(r.rules, one)
		}
	}
	return r
}

// shares are the candidate's shares in percent, one for each backendRef to the
// stable Service that takes traffic.
func (r route) shares() []int32 {
	var out []int32
	for _, one := range r.rules {
		for _, p := range one.pairs {
			if !p.off() {
				out = append(out, share(p.stable, p.canary))
			}
		}
	}
	return out
}

// sibling reports whether a rule names the canary Service beside the stable
// one, and whether it gives it any weight.
func (r route) sibling() (there, weighs bool) {
	for _, one := range r.rules {
		for _, p := range one.pairs {
			there, weighs = there || p.sibling, weighs || p.canary > 0
		}
	}
	return there, weighs
}

// resting reports whether there is nothing of ours in the route. A sibling
// that is not marked and has no weight is its owner's.
func (r route) resting() bool {
	_, weighs := r.sibling()
	return !r.marked && !weighs
}

// write is the patch that gives the candidate w percent, or nil.
func (r route) write(w int64) ([]byte, error) {
	var rests []*int64
	changed := map[int][]any{}
	for _, one := range r.rules {
		refs := one.written(r.services, w)
		if !reflect.DeepEqual(refs, one.refs) {
			changed[one.index] = refs
		}
		for _, p := range one.pairs {
			if !p.off() {
				rests = append(rests, p.rest)
			}
		}
	}
	return r.patch(changed, rests)
}

// rest is the patch that takes everything of ours out of the route, or nil.
func (r route) rest() ([]byte, error) {
	if r.resting() {
		return nil, nil
	}
	changed := map[int][]any{}
	for _, one := range r.rules {
		refs := one.rested(r.services)
		if !reflect.DeepEqual(refs, one.refs) {
			changed[one.index] = refs
		}
	}
	return r.patch(changed, nil)
}

// mark is the annotation that remembers these weights at rest beside those of
// other SignalDeployments; empty when there are none.
func (r route) mark(rests []*int64) (string, error) {
	kept := make(map[string][]*int64, len(r.kept)+1)
	for name, weights := range r.kept {
		if name != r.name {
			kept[name] = weights
		}
	}
	if len(rests) > 0 {
		kept[r.name] = rests
	}
	if len(kept) == 0 {
		return "", nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("encode weights of HTTPRoute %s/%s: %w", r.object.GetNamespace(), r.object.GetName(), err)
	}
	return string(text), nil
}

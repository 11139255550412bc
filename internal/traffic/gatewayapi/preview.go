package gatewayapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxHeaders is the API's bound on the headers of a match.
const maxHeaders = 16

// Preview makes a route of the operator's own beside each of the user's, by
// which requests that name the release in their header reach its candidate, and
// no others; or takes them away when no release is named. Each is a copy of its
// route, so that it hangs on the same gateways under the same names: a gateway
// prefers the match that asks for more. Errors wrap the API's, or are an
// owned.ForeignError.
func (r Router) Preview(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string, hash string) error {
	want, err := r.wanted(ctx, sd, names, hash)
	if err != nil {
		return err
	}
	have, err := r.previews(ctx, sd)
	if err != nil {
		return err
	}
	var problems []error
	for i := range have {
		if !slices.ContainsFunc(want, func(w *unstructured.Unstructured) bool { return w.GetName() == have[i].GetName() }) {
			problems = append(problems, r.remove(ctx, &have[i]))
		}
	}
	for _, object := range want {
		problems = append(problems, owned.Apply(ctx, r.Client, sd, object))
	}
	return errors.Join(problems...)
}

// ReadPreview says whether requests that name the release reach it: whether
// every gateway has accepted what Preview makes.
func (r Router) ReadPreview(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string, hash string) (traffic.Preview, error) {
	have, err := r.previews(ctx, sd)
	if err != nil {
		return traffic.Preview{}, err
	}
	reading := traffic.Preview{Present: len(have) > 0}
	if hash == "" {
		return reading, nil
	}
	want, err := r.wanted(ctx, sd, names, hash)
	if err != nil {
		return traffic.Preview{}, err
	}
	said := make([]verdict.Verdict, 0, len(want))
	for _, object := range want {
		v, err := r.previewed(ctx, sd, object.GetName(), hash)
		if err != nil {
			return traffic.Preview{}, err
		}
		said = append(said, verdict.Named(v, object.GetName()))
	}
	reading.Verdict = verdict.All(wait(traffic.ReasonNoBackend, "No rule of the routes sends anything to Service %q, so that there is nothing to preview", servicesOf(sd).stable), said...)
	return reading, nil
}

// previewed says whether one preview of this release is there and accepted.
func (r Router) previewed(ctx context.Context, sd *v1alpha1.SignalDeployment, name, hash string) (verdict.Verdict, error) {
	object, err := r.get(ctx, sd.Namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return wait(traffic.ReasonNotAccepted, "HTTPRoute %q is about to be made", name), nil
	case err != nil:
		return verdict.Verdict{}, err
	case !owned.Owns(sd, object):
		return wait(traffic.ReasonForeign, "HTTPRoute %q exists and does not belong to this SignalDeployment: delete it, or take the stage Gateway from the checks", name), nil
	case object.GetLabels()[v1alpha1.LabelRelease] != hash:
		return wait(traffic.ReasonNotAccepted, "HTTPRoute %q is of an earlier release still", name), nil
	}
	return newRoute(sd, object).accepted()
}

// previews are the previews that are there, of any release.
func (r Router) previews(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]unstructured.Unstructured, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(Kind.GroupVersion().WithKind(Kind.Kind + "List"))
	err := r.Client.List(ctx, list, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: sd.Name})
	switch {
	case meta.IsNoMatchError(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list HTTPRoutes of %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	var ours []unstructured.Unstructured
	for i := range list.Items {
		if owned.Owns(sd, &list.Items[i]) {
			ours = append(ours, list.Items[i])
		}
	}
	return ours, nil
}

// remove deletes exactly what was read.
func (r Router) remove(ctx context.Context, object *unstructured.Unstructured) error {
	uid := object.GetUID()
	if err := r.Client.Delete(ctx, object, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete HTTPRoute %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	return nil
}

// wanted are the previews of a release, in the order of their routes. A route
// that gives the service nothing has none.
func (r Router) wanted(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string, hash string) ([]*unstructured.Unstructured, error) {
	if hash == "" {
		return nil, nil
	}
	var want []*unstructured.Unstructured
	for i, name := range names {
		routes, err := r.list(ctx, sd, []string{name})
		if err != nil {
			return nil, err
		}
		for _, one := range routes {
			if object := one.preview(release.PreviewName(sd.Name, i), hash); object != nil {
				want = append(want, object)
			}
		}
	}
	return want, nil
}

// preview is a copy of the route for requests that name the release, or nil.
// Fields that this version does not know are copied, too.
func (r route) preview(name, hash string) *unstructured.Unstructured {
	spec, _, _ := unstructured.NestedMap(r.object.Object, "spec") // a deep copy
	list, _ := spec["rules"].([]any)
	var rules []any
	for _, one := range r.rules {
		if content, ok := list[one.index].(map[string]any); ok {
			if copied := r.previewRule(one, content, hash); copied != nil {
				rules = append(rules, copied)
			}
		}
	}
	if len(rules) == 0 {
		return nil
	}
	spec["rules"] = rules
	object := blank(r.object.GetNamespace(), name)
	labels := release.Labels(r.name)
	labels[v1alpha1.LabelRelease] = hash
	object.SetLabels(labels)
	object.Object["spec"] = spec
	return object
}

// previewRule is a rule for requests that name the release, or nil where there
// are none that it could take.
func (r route) previewRule(one rule, content map[string]any, hash string) map[string]any {
	var refs []any
	for _, ref := range one.rested(r.services) {
		if r.role(ref) == stable && weightOf(ref) > 0 {
			refs = append(refs, r.services.sibling(ref, weightOf(ref)))
		}
	}
	matches := previewMatches(content["matches"], hash)
	if len(refs) == 0 || len(matches) == 0 {
		return nil
	}
	content["backendRefs"], content["matches"] = refs, matches
	content["filters"] = marked(content["filters"], hash)
	return content
}

// previewMatches are a rule's matches, each of which asks for the release,
// too. One that asks for a release already is its owner's own, and one has no
// room for another header: neither is copied.
func previewMatches(all any, hash string) []any {
	list, _ := all.([]any)
	if len(list) == 0 {
		list = []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}}
	}
	var out []any
	for _, item := range list {
		match, _ := item.(map[string]any)
		headers, _ := match["headers"].([]any)
		if len(headers) >= maxHeaders || names(headers, v1alpha1.HeaderRelease) {
			continue
		}
		copied := maps.Clone(match)
		if copied == nil {
			copied = map[string]any{}
		}
		copied["headers"] = append(append([]any{}, headers...), map[string]any{"type": "Exact", "name": v1alpha1.HeaderRelease, "value": hash})
		out = append(out, copied)
	}
	return out
}

// marked are a rule's filters and one that writes the release into each answer,
// by which it can be told that it came this way. The API allows one filter of
// that kind in a rule, so that an owner's own is extended.
func marked(all any, hash string) []any {
	const kind, field = "ResponseHeaderModifier", "responseHeaderModifier"
	mark := map[string]any{"name": v1alpha1.HeaderRelease, "value": hash}
	list, _ := all.([]any)
	out, done := make([]any, 0, len(list)+1), false
	for _, item := range list {
		filter, ok := item.(map[string]any)
		if !ok || filter["type"] != kind || done {
			out = append(out, item)
			continue
		}
		modifier, _ := filter[field].(map[string]any)
		modifier = runtime.DeepCopyJSON(modifier)
		if modifier == nil {
			modifier = map[string]any{}
		}
		set, _ := modifier["set"].([]any)
		modifier["set"] = append(without(set, v1alpha1.HeaderRelease), mark)
		out, done = append(out, map[string]any{"type": kind, field: modifier}), true
	}
	if !done {
		out = append(out, map[string]any{"type": kind, field: map[string]any{"set": []any{mark}}})
	}
	return out
}

// names reports whether one of the headers has the name, which has no case.
func names(headers []any, name string) bool { return len(without(headers, name)) < len(headers) }

// without are the headers that do not have the name.
func without(headers []any, name string) []any {
	out := make([]any, 0, len(headers)+1)
	for _, item := range headers {
		header, _ := item.(map[string]any)
		if text, _ := header["name"].(string); !strings.EqualFold(text, name) {
			out = append(out, item)
		}
	}
	return out
}

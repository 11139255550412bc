// Package gatewayapi moves traffic by the weights of Gateway API HTTPRoutes.
//
// While a release is under way, each backendRef to the stable Service is
// followed by a sibling to the canary Service, and the two share the weight
// that the one had. An annotation, written with them, remembers that weight.
// At rest the route is as its owner wrote it. Nothing else in it is touched.
package gatewayapi

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/traffic"
)

// Kind is the kind of the routes, which are read as unstructured objects, so
// that fields this version does not know stay as they are.
var Kind = schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "HTTPRoute"}

// Object is an HTTPRoute without content, to be read into or watched.
func Object() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(Kind)
	return object
}

// Router drives HTTPRoutes.
type Router struct {
	Client client.Client
}

var _ traffic.Router = Router{}

// Write gives the candidate a weight from 0 to 100 in every rule that names
// the stable Service. When one of the routes cannot be driven, none is
// changed, unless the candidate is to have nothing: that is always done.
func (r Router) Write(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string, weight int32) error {
	routes, err := r.list(ctx, sd, names)
	if err != nil {
		return err
	}
	if weight > 0 {
		for _, one := range routes {
			if one.fault(partial(weight)) != nil && one.unnamed() == nil {
				return nil // Read says why
			}
		}
	}
	return r.patch(ctx, routes, func(one route) ([]byte, error) {
		if weight == 0 && one.fault(false) != nil {
			return one.rest()
		}
		return one.write(int64(weight))
	})
}

// Rest takes the siblings and the annotation out of the routes, and gives the
// stable Service's backendRefs the weights that they had.
func (r Router) Rest(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string) error {
	routes, err := r.list(ctx, sd, names)
	if err != nil {
		return err
	}
	return r.patch(ctx, routes, route.rest)
}

// patch writes what differs.
func (r Router) patch(ctx context.Context, routes []route, to func(route) ([]byte, error)) error {
	for _, one := range routes {
		text, err := to(one)
		if err != nil {
			return err
		}
		if text == nil {
			continue
		}
		target := blank(one.object.GetNamespace(), one.object.GetName())
		err = r.Client.Patch(ctx, target, client.RawPatch(types.JSONPatchType, text), client.FieldOwner(v1alpha1.FieldManager))
		if outdated(err) {
			err = apierrors.NewConflict(schema.GroupResource{Group: Kind.Group, Resource: "httproutes"}, target.GetName(), err)
		}
		if err != nil {
			return fmt.Errorf("patch HTTPRoute %s/%s: %w", target.GetNamespace(), target.GetName(), err)
		}
	}
	return nil
}

// outdated reports whether a patch could not be applied because the route has
// changed since it was read: what a patch would remove may be gone by then, and
// the server says so before it compares resource versions. Unlike a refusal by
// validation, such an answer has no causes.
func outdated(err error) bool {
	var answer apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &answer) {
		return false
	}
	details := answer.Status().Details
	return details == nil || len(details.Causes) == 0
}

// list are the routes that are there.
func (r Router) list(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string) ([]route, error) {
	routes := make([]route, 0, len(names))
	for _, name := range names {
		object, err := r.get(ctx, sd.Namespace, name)
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		routes = append(routes, newRoute(sd, object))
	}
	return routes, nil
}

func (r Router) get(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	object := blank(namespace, name)
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return nil, fmt.Errorf("read HTTPRoute %s/%s: %w", namespace, name, err)
	}
	return object, nil
}

// blank is a route of that name, without content.
func blank(namespace, name string) *unstructured.Unstructured {
	object := Object()
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

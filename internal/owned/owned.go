// Package owned puts objects that belong to a SignalDeployment into the
// cluster. It writes only what differs, and takes nothing over that belongs
// to someone else unless that object's annotation hands it over.
package owned

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// ForeignError says that an object of the wanted name belongs to someone else.
type ForeignError struct{ Kind, Name, Owner string }

// Error names the object and how to hand it over.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s %q exists and does not belong to this SignalDeployment; to hand it over, annotate it with %s=%s, or delete it",
		e.Kind, e.Name, v1alpha1.AnnotationAdopt, e.Owner)
}

// Apply makes the object as wanted, by server-side apply, unless it already is.
func Apply(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, want client.Object) error {
	desired, err := prepare(c.Scheme(), sd, want)
	if err != nil {
		return err
	}
	live, err := read(ctx, c, want)
	if err != nil {
		return err
	}
	if live != nil {
		if err := admit(sd, desired, live); err != nil {
			return err
		}
		if same(live, desired) {
			return nil
		}
	}
	text, err := json.Marshal(desired)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", desired.GetKind(), desired.GetName(), err)
	}
	// The typed object, not desired, is what is written with: the client keeps
	// reads behind writes for each representation apart.
	answer := fresh(want)
	if err := c.Patch(ctx, answer, client.RawPatch(types.ApplyPatchType, text), client.FieldOwner(v1alpha1.FieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("apply %s %s/%s: %w", desired.GetKind(), desired.GetNamespace(), desired.GetName(), err)
	}
	return nil
}

// Create makes the object unless one of its name is there. What is there is
// left as it is, if it belongs to the SignalDeployment, by owner and by label.
func Create(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, want client.Object) error {
	desired, err := prepare(c.Scheme(), sd, want)
	if err != nil {
		return err
	}
	live, err := read(ctx, c, want)
	if err != nil {
		return err
	}
	if live != nil {
		if Owns(sd, live) && live.GetLabels()[v1alpha1.LabelName] != desired.GetLabels()[v1alpha1.LabelName] {
			// Anyone may write an ownerReference; the label is what the guard keeps.
			return &ForeignError{Kind: desired.GetKind(), Name: desired.GetName(), Owner: sd.Name}
		}
		return admit(sd, desired, live)
	}
	typed := fresh(want)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(desired.Object, typed); err != nil {
		return fmt.Errorf("decode %s %s: %w", desired.GetKind(), desired.GetName(), err)
	}
	err = c.Create(ctx, typed, client.FieldOwner(v1alpha1.FieldManager))
	if err == nil || apierrors.IsAlreadyExists(err) { // ours, if the cache is late; else admit says so next time
		return nil
	}
	return fmt.Errorf("create %s %s/%s: %w", desired.GetKind(), desired.GetNamespace(), desired.GetName(), err)
}

// Owns reports whether the object belongs to the SignalDeployment.
func Owns(sd *v1alpha1.SignalDeployment, object metav1.Object) bool {
	return metav1.IsControlledBy(object, sd)
}

// prepare is the object as it is applied: owned, marked and without status.
func prepare(scheme *runtime.Scheme, sd *v1alpha1.SignalDeployment, want client.Object) (*unstructured.Unstructured, error) {
	gvk, err := apiutil.GVKForObject(want, scheme)
	if err != nil {
		return nil, fmt.Errorf("find the kind of %T: %w", want, err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", gvk.Kind, want.GetName(), err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gvk)
	delete(u.Object, "status")
	prune(u.Object)
	u.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))})
	mark(u)
	return u, nil
}

// mark notes a hash of the whole object on it, so that a field that is no
// longer wanted is noticed too.
func mark(u *unstructured.Unstructured) {
	text, err := json.Marshal(u.Object)
	if err != nil {
		panic(fmt.Sprintf("owned: encode %s: %v", u.GetKind(), err)) // it was just decoded
	}
	sum := sha256.Sum256(text)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.AnnotationApplied] = hex.EncodeToString(sum[:8])
	u.SetAnnotations(annotations)
}

// prune drops nulls, which typed objects leave behind for absent times.
func prune(m map[string]any) {
	for key, value := range m {
		switch v := value.(type) {
		case nil:
			delete(m, key)
		case map[string]any:
			prune(v)
		case []any:
			for _, item := range v {
				if inner, ok := item.(map[string]any); ok {
					prune(inner)
				}
			}
		}
	}
}

// read is the object as it is, or nil.
func read(ctx context.Context, c client.Reader, want client.Object) (*unstructured.Unstructured, error) {
	live := fresh(want)
	if err := c.Get(ctx, client.ObjectKeyFromObject(want), live); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil //nolint:nilnil // absence is an answer here, not an error
		}
		return nil, fmt.Errorf("read %T %s/%s: %w", want, want.GetNamespace(), want.GetName(), err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return nil, fmt.Errorf("encode %T %s: %w", live, live.GetName(), err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}

// fresh is an object of the same type and name, with nothing in it. One
// without a Go type of its own says its kind.
func fresh(want client.Object) client.Object {
	object := reflect.New(reflect.TypeOf(want).Elem()).Interface().(client.Object) //nolint:forcetypeassert // it is of want's type
	if u, is := object.(*unstructured.Unstructured); is {
		u.SetGroupVersionKind(want.GetObjectKind().GroupVersionKind())
	}
	object.SetNamespace(want.GetNamespace())
	object.SetName(want.GetName())
	return object
}

// admit refuses what belongs to someone else and has not been handed over.
func admit(sd *v1alpha1.SignalDeployment, desired, live *unstructured.Unstructured) error {
	if Owns(sd, live) {
		return nil
	}
	if metav1.GetControllerOf(live) == nil && live.GetAnnotations()[v1alpha1.AnnotationAdopt] == sd.Name {
		return nil
	}
	return &ForeignError{Kind: desired.GetKind(), Name: desired.GetName(), Owner: sd.Name}
}

// same reports whether live is what was wanted, and was wanted before.
func same(live, desired *unstructured.Unstructured) bool {
	if live.GetAnnotations()[v1alpha1.AnnotationApplied] != desired.GetAnnotations()[v1alpha1.AnnotationApplied] {
		return false
	}
	for key, want := range desired.Object {
		if key == "apiVersion" || key == "kind" { // typed reads leave them out
			continue
		}
		if !covers(live.Object[key], want) {
			return false
		}
	}
	return true
}

// covers reports whether live has everything that is wanted; the server may
// have added defaults.
func covers(live, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		return coversMap(live, w)
	case []any:
		return coversList(live, w)
	}
	return live == want
}

func coversMap(live any, want map[string]any) bool {
	l, ok := live.(map[string]any)
	if !ok {
		return len(want) == 0 && live == nil
	}
	for key, value := range want {
		if !covers(l[key], value) {
			return false
		}
	}
	return true
}

func coversList(live any, want []any) bool {
	l, ok := live.([]any)
	if !ok || len(l) != len(want) {
		return len(want) == 0 && live == nil
	}
	for i := range want {
		if !covers(l[i], want[i]) {
			return false
		}
	}
	return true
}

package owned

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var owner = &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "app", UID: "owner"}}

func cluster(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithReturnManagedFields().Build()
}

func service(selector string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "app"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"release": selector}, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
}

func serviceOf(t *testing.T, c client.Client) *corev1.Service {
	t.Helper()
	got := &corev1.Service{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(service("")), got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestApplyTwiceWritesOnce(t *testing.T) {
	c := cluster(t)
	var versions []string
	for _, selector := range []string{"a", "a", "b", "b"} {
		if err := Apply(t.Context(), c, owner, service(selector)); err != nil {
			t.Fatal(err)
		}
		got := serviceOf(t, c)
		if got.Spec.Selector["release"] != selector || !Owns(owner, got) {
			t.Fatalf("got %v, owned %t", got.Spec.Selector, Owns(owner, got))
		}
		versions = append(versions, got.ResourceVersion)
	}
	if versions[0] != versions[1] || versions[1] == versions[2] || versions[2] != versions[3] {
		t.Errorf("resource versions %v: want a write only where something changed", versions)
	}
}

func TestApplyMendsDrift(t *testing.T) {
	c := cluster(t)
	if err := Apply(t.Context(), c, owner, service("a")); err != nil {
		t.Fatal(err)
	}
	drifted := serviceOf(t, c)
	drifted.Spec.Selector["release"] = "someone's"
	if err := c.Update(t.Context(), drifted); err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), c, owner, service("a")); err != nil {
		t.Fatal(err)
	}
	if got := serviceOf(t, c).Spec.Selector["release"]; got != "a" {
		t.Errorf("selects %q", got)
	}
}

func TestForeignObjects(t *testing.T) {
	other := true
	for name, tc := range map[string]struct {
		change func(*corev1.Service)
		taken  bool
	}{
		"belongs to nobody":      {func(*corev1.Service) {}, false},
		"handed over":            {func(s *corev1.Service) { s.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "app"} }, true},
		"handed over to another": {func(s *corev1.Service) { s.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "other"} }, false},
		"still controlled by others": {func(s *corev1.Service) {
			s.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "app"}
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Other", Name: "other", UID: "other", Controller: &other}}
		}, false},
	} {
		for verb, put := range map[string]func(client.Client) error{
			"apply":  func(c client.Client) error { return Apply(t.Context(), c, owner, service("ours")) },
			"create": func(c client.Client) error { return Create(t.Context(), c, owner, service("ours")) },
		} {
			t.Run(verb+" "+name, func(t *testing.T) {
				foreign := service("theirs")
				tc.change(foreign)
				c := cluster(t, foreign)
				err := put(c)
				var refused *ForeignError
				if got := !errors.As(err, &refused); got != tc.taken {
					t.Fatalf("taken over: %t, want %t (%v)", got, tc.taken, err)
				}
				wantChange := tc.taken && verb == "apply"
				if got := serviceOf(t, c).Spec.Selector["release"] == "ours"; got != wantChange {
					t.Errorf("changed: %t, want %t", got, wantChange)
				}
			})
		}
	}
}

// An object that only says whose it is, and does not have the label by which it
// is guarded, is nobody's.
func TestAnOwnerReferenceAloneIsNotBelieved(t *testing.T) {
	labelled := service("ours")
	labelled.Labels = map[string]string{v1alpha1.LabelName: "app"}
	for name, tc := range map[string]struct {
		label string
		taken bool
	}{"with the label": {"app", true}, "with another's": {"other", false}, "without it": {"", false}} {
		t.Run(name, func(t *testing.T) {
			forged := service("theirs")
			forged.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
			if tc.label != "" {
				forged.Labels = map[string]string{v1alpha1.LabelName: tc.label}
			}
			err := Create(t.Context(), cluster(t, forged), owner, labelled.DeepCopy())
			var refused *ForeignError
			if got := !errors.As(err, &refused); got != tc.taken {
				t.Errorf("taken for ours: %t, %v", got, err)
			}
		})
	}
}

// A late cache must not make an error of what exists.
func TestFailureMode45WhatALateCacheDoesNotShowExists(t *testing.T) {
	c := cluster(t)
	for range 2 {
		if err := Create(t.Context(), c, owner, service("a")); err != nil {
			t.Fatal(err)
		}
	}
	late := blind{c}
	if err := Create(t.Context(), late, owner, service("b")); err != nil {
		t.Fatalf("AlreadyExists is success: %v", err)
	}
	if got := serviceOf(t, c).Spec.Selector["release"]; got != "a" {
		t.Errorf("create changed what exists: %q", got)
	}
}

// blind reads nothing, as a cache that is late.
type blind struct{ client.Client }

func (blind) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewNotFound(corev1.Resource("services"), "app")
}

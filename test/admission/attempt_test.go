package admission_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// attempt is a write that someone tries.
type attempt func(ctx context.Context, m *made, c client.Client) error

// refusal is an attempt, and what whoever tries it is told.
type refusal struct {
	attempt attempt
	want    string
}

// refused runs a table of refusals, each by everyone who has the right by RBAC.
func refused(t *testing.T, cases map[string]refusal) {
	t.Helper()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			for name, tc := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					for _, user := range append([]string{administrator}, mighty...) {
						wantRefused(t, user, tc.attempt(t.Context(), g.made, g.dry(user)), tc.want)
					}
				})
			}
		})
	}
}

// wantRefused requires an error that says the sentence.
func wantRefused(t *testing.T, user string, err error, sentence string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%q was let through; want: %s", user, sentence)
	case !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), sentence):
		t.Errorf("%q was told:\n%s\nwant: %s", user, err, sentence)
	}
}

// patch changes an object by a patch of a type; %HASH% is the release's.
func patch(kind types.PatchType, what, text string, options ...client.PatchOption) attempt {
	return func(ctx context.Context, m *made, c client.Client) error {
		o := m.copy(what)
		return c.Patch(ctx, o, client.RawPatch(kind, []byte(m.fill(text))), options...)
	}
}

func merge(what, text string) attempt { return patch(types.MergePatchType, what, text) }

func strategic(what, text string) attempt { return patch(types.StrategicMergePatchType, what, text) }

func operations(what, text string) attempt { return patch(types.JSONPatchType, what, text) }

// apply applies fields server-side, by force, as GitOps tools do.
func apply(what, fields string) attempt {
	return func(ctx context.Context, m *made, c client.Client) error {
		o := m.copy(what)
		gvk, err := apiutil.GVKForObject(o, c.Scheme())
		if err != nil {
			return err
		}
		body := map[string]any{}
		if err := json.Unmarshal([]byte(m.fill(fields)), &body); err != nil {
			return err
		}
		body["apiVersion"], body["kind"] = gvk.GroupVersion().String(), gvk.Kind
		meta, ok := body["metadata"].(map[string]any)
		if !ok {
			meta = map[string]any{}
			body["metadata"] = meta
		}
		meta["name"], meta["namespace"] = o.GetName(), o.GetNamespace()
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		return c.Patch(ctx, o, client.RawPatch(types.ApplyPatchType, text), client.FieldOwner("gitops"), client.ForceOwnership)
	}
}

// update changes what is there and puts it back whole.
func update[T client.Object](what string, change func(o T)) attempt {
	return func(ctx context.Context, m *made, c client.Client) error {
		o := m.copy(what)
		if err := c.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change(o.(T))
		return c.Update(ctx, o)
	}
}

// status changes an object through its status.
func status(what, text string) attempt {
	return func(ctx context.Context, m *made, c client.Client) error {
		return c.Status().Patch(ctx, m.copy(what), client.RawPatch(types.MergePatchType, []byte(m.fill(text))))
	}
}

func remove(what string, options ...client.DeleteOption) attempt {
	return func(ctx context.Context, m *made, c client.Client) error {
		return c.Delete(ctx, m.copy(what), options...)
	}
}

func create(object func(m *made) client.Object) attempt {
	return func(ctx context.Context, m *made, c client.Client) error { return c.Create(ctx, object(m)) }
}

// disown takes the ownerReference away.
const disown = `{"metadata":{"ownerReferences":null}}`

// fill puts the release's hash where a text has %HASH%.
func (m *made) fill(text string) string { return strings.ReplaceAll(text, "%HASH%", m.rel.Hash) }

func (m *made) copy(what string) client.Object {
	o, ok := m.objects[what]
	if !ok {
		panic(fmt.Sprintf("there is no %q", what))
	}
	return o.DeepCopyObject().(client.Object)
}

// forged is what the operator would believe to be its own.
func (m *made) forged(name string) metav1.ObjectMeta {
	labels := release.Labels(m.sd.Name)
	labels[v1alpha1.LabelRelease] = m.rel.Hash
	return metav1.ObjectMeta{
		Namespace: m.sd.Namespace, Name: name, Labels: labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(m.sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))},
	}
}

// container is a pod that runs something else.
func container() corev1.PodSpec {
	return corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "app", Image: "evil"}}}
}

package admission_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/traffic/service"
	"github.com/signal-delivery/operator/internal/workload"
)

// TestAdoption hands a running Service over; only then is it guarded.
func TestAdoption(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			m := &made{sd: signalDeployment("adoption")}
			m.rel.Hash = "0123456789"
			people := g.as(alice)
			running := &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: "adoption", Name: "app", Annotations: map[string]string{v1alpha1.AnnotationAdopt: "app"}},
				Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "old"}, Ports: []corev1.ServicePort{{Name: "web", Port: 80}}},
			}
			for _, o := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "adoption"}}, m.sd, running} {
				if err := people.Create(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
			m.objects = map[string]client.Object{"stable": running}
			elsewhere := merge("stable", `{"spec":{"selector":{"app":"other"}}}`)
			if err := elsewhere(t.Context(), m, people); err != nil {
				t.Errorf("before it is handed over: %v", err)
			}
			if err := service.ApplyStable(t.Context(), g.as(g.operator), m.sd, m.rel.Hash); err != nil {
				t.Fatalf("the operator takes it over: %v", err)
			}
			wantRefused(t, alice, elsewhere(t.Context(), m, people), "leave this Service out of what you apply")
		})
	}
}

// TestRetirement is the operator letting an old release go.
func TestRetirement(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			m, err := g.make(t.Context(), "retirement", nil)
			if err != nil {
				t.Fatal(err)
			}
			c := g.as(g.operator)
			if err := workload.Scale(t.Context(), c, m.sd, m.rel.Hash, 0); err != nil {
				t.Fatal(err)
			}
			if err := workload.Retire(t.Context(), c, m.sd, map[string]bool{}); err != nil {
				t.Fatal(err)
			}
			for _, what := range []string{"deployment", "copy", "manifest"} {
				o := m.copy(what)
				if err := g.admin.Get(t.Context(), client.ObjectKeyFromObject(o), o); !apierrors.IsNotFound(err) {
					t.Errorf("the %s is still there: %v", what, err)
				}
			}
		})
	}
}

// TestOrphans are nobody's once the garbage collector has let them go.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			m, err := g.make(t.Context(), "orphans", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, what := range all {
				if err := merge(what, disown)(t.Context(), m, g.as(collector)); err != nil {
					t.Errorf("orphan a %s: %v", what, err)
				}
				if err := remove(what)(t.Context(), m, g.as(alice)); err != nil {
					t.Errorf("delete an orphaned %s: %v", what, err)
				}
			}
		})
	}
}

// TestBreakGlass switches the guard off for one namespace, but not the
// question who may write a SignalDeployment.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			m, err := g.make(t.Context(), "broken", map[string]string{"delivery.signal.dev/guard": "off"})
			if err != nil {
				t.Fatal(err)
			}
			for name, do := range map[string]attempt{
				"a release":      merge("deployment", `{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}`),
				"a manifest":     remove("manifest"),
				"a pod":          strategic("pod", `{"spec":{"containers":[{"name":"app","image":"other"}]}}`),
				"a check's pod":  strategic("check pod", `{"spec":{"containers":[{"name":"check","image":"other"}]}}`),
				"what it stores": status("sd", `{"status":{"phase":"Succeeded"}}`),
			} {
				if err := do(t.Context(), m, g.dry(alice)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			binding := &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: "broken", Name: "incapable"},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "signal-operator-editor"},
				Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "incapable"}},
			}
			if err := g.admin.Create(t.Context(), binding); err != nil {
				t.Fatal(err)
			}
			g.await(t, func(context.Context) error {
				err := newRelease()(t.Context(), m, g.dry("incapable"))
				if err == nil {
					t.Fatal("who may not create Deployments was let through")
				}
				if !strings.Contains(err.Error(), "may not create deployments.apps") { // the role is not known yet
					return err
				}
				return nil
			})
		})
	}
}

// TestOthersAreNotLookedAt swaps the judgement of each policy for one that
// refuses everything it is shown, in one namespace: what comes through there
// was not shown to it.
func TestOthersAreNotLookedAt(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "others", Labels: map[string]string{"delivery.signal.dev/guard": "off"}}} // the traps alone
			if err := g.admin.Create(t.Context(), space); err != nil {
				t.Fatal(err)
			}
			for _, u := range g.installed {
				if err := g.admin.Create(t.Context(), trap(u, "others")); err != nil {
					t.Fatal(err)
				}
			}
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "others", Name: "pod"}, Spec: container()}
			shown := func(labels map[string]string) error {
				p := pod.DeepCopy()
				p.Labels = labels
				return g.dry(alice).Create(t.Context(), p)
			}
			for _, label := range []string{v1alpha1.LabelName, v1alpha1.LabelAttempt} {
				g.await(t, func(context.Context) error {
					if err := shown(map[string]string{label: "app"}); err == nil || !strings.Contains(err.Error(), "trapped") {
						return fmt.Errorf("the trap is not set: %w", err)
					}
					return nil
				})
			}
			g.await(t, func(context.Context) error {
				cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "others", Name: "labelled", Labels: map[string]string{v1alpha1.LabelName: "app"}}}
				if err := g.dry(alice).Create(t.Context(), cm); err == nil || !strings.Contains(err.Error(), "trapped") {
					return fmt.Errorf("the trap is not set: %w", err)
				}
				return nil
			})
			g.live(t, pod)
		})
	}
}

// trap is a policy or a binding that refuses whatever it is shown; all other
// objects are as they are.
func trap(u *unstructured.Unstructured, namespace string) *unstructured.Unstructured {
	u = u.DeepCopy()
	u.SetName("trap-" + u.GetName())
	spec, _ := u.Object["spec"].(map[string]any)
	switch u.GetKind() {
	case "ValidatingAdmissionPolicy":
		delete(spec, "matchConditions")
		delete(spec, "variables")
		spec["validations"] = []any{map[string]any{"expression": "false", "message": "trapped"}}
	case "ValidatingAdmissionPolicyBinding":
		spec["policyName"] = "trap-" + spec["policyName"].(string)
		if spec["matchResources"] == nil {
			spec["matchResources"] = map[string]any{}
		}
		spec["matchResources"].(map[string]any)["namespaceSelector"] = map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": namespace}}
	}
	return u
}

// live does with someone else's objects what is done to the operator's.
func (g *guard) live(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	c, deployment := g.as(alice), unrelated(pod.Namespace)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: "config", Labels: map[string]string{"app.kubernetes.io/managed-by": "signal-operator"}}}
	endpoint := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: "service"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	for _, o := range []client.Object{deployment, config, endpoint, pod} {
		for _, do := range []func() error{
			func() error { return c.Create(t.Context(), o) },
			func() error {
				return c.Patch(t.Context(), o, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`)))
			},
			func() error { return c.Delete(t.Context(), o) },
		} {
			if err := do(); err != nil {
				t.Errorf("an unrelated %T: %v", o, err)
			}
		}
	}
}

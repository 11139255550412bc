package alert

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
)

func TestPrometheusRule(t *testing.T) {
	sd := appWith(v1alpha1.AlertsSpec{})
	if got := PrometheusRule(sd, nil, map[string]string{"a": "b"}); got != nil {
		t.Errorf("without groups: %v", got)
	}
	labels := map[string]string{"prometheus": "main", v1alpha1.LabelName: "not ours"}
	want := &monitoringv1.PrometheusRule{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app", Labels: map[string]string{
			"prometheus": "main", v1alpha1.LabelName: "app", "app.kubernetes.io/managed-by": "signal-operator",
		}},
		Spec: monitoringv1.PrometheusRuleSpec{Groups: asked("critical")},
	}
	if diff := cmp.Diff(want, PrometheusRule(sd, asked("critical"), labels)); diff != "" {
		t.Error(diff)
	}
	if labels[v1alpha1.LabelName] != "not ours" {
		t.Error("the administrator's labels were changed")
	}
}

// cluster holds the objects; it refuses verbs for which broken has an error.
func cluster(t *testing.T, broken map[string]error, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(monitoringv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if err := broken["get"]; err != nil {
				return err
			}
			return c.Get(ctx, key, o, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if err := broken["delete"]; err != nil {
				return err
			}
			return c.Delete(ctx, o, opts...)
		},
	}).Build()
}

// published are the names of the groups in the cluster; nil without a rule.
func published(t *testing.T, c client.Client) []string {
	t.Helper()
	rule := &monitoringv1.PrometheusRule{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: "app"}, rule); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		t.Fatal(err)
	}
	names := []string{}
	for _, g := range rule.Spec.Groups {
		names = append(names, g.Name)
	}
	return names
}

func TestPublishFollowsTheSpec(t *testing.T) {
	c, sd := cluster(t, nil), appWith(v1alpha1.AlertsSpec{})
	more := append(asked("critical"), Group{Name: "prod/app/more"})
	for i, tc := range []struct {
		groups []Group
		want   []string
	}{
		{nil, nil},
		{asked("critical"), []string{"prod/app/g"}},
		{more, []string{"prod/app/g", "prod/app/more"}},
		{nil, nil},
	} {
		if err := Publish(t.Context(), c, sd, tc.groups, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, published(t, c)); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
}

func TestPublishLeavesOthersAlone(t *testing.T) {
	foreign := &monitoringv1.PrometheusRule{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app"}, Spec: monitoringv1.PrometheusRuleSpec{Groups: []Group{{Name: "theirs"}}}}
	c := cluster(t, nil, foreign)
	if err := Publish(t.Context(), c, appWith(v1alpha1.AlertsSpec{}), nil, nil); err != nil {
		t.Error(err)
	}
	err := Publish(t.Context(), c, appWith(v1alpha1.AlertsSpec{}), asked("critical"), nil)
	if _, refused := errors.AsType[*owned.ForeignError](err); !refused {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"theirs"}, published(t, c)); diff != "" {
		t.Error(diff)
	}
}

func TestPublishSaysWhatItCouldNotDo(t *testing.T) {
	gone := apierrors.NewNotFound(monitoringv1.Resource("prometheusrules"), "app")
	for name, tc := range map[string]struct {
		broken map[string]error
		want   string
	}{
		"read":         {map[string]error{"get": errRefused}, "read PrometheusRule prod/app: refused"},
		"delete":       {map[string]error{"delete": errRefused}, "delete PrometheusRule prod/app: refused"},
		"already gone": {map[string]error{"delete": gone}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sd, broken := appWith(v1alpha1.AlertsSpec{}), map[string]error{}
			c := cluster(t, broken)
			if err := Publish(t.Context(), c, sd, asked("critical"), nil); err != nil {
				t.Fatal(err)
			}
			broken["get"], broken["delete"] = tc.broken["get"], tc.broken["delete"]
			if got := text(Publish(t.Context(), c, sd, nil, nil)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

package admission_test

import (
	"context"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// TestAuthors lets those write a SignalDeployment who may do what it does.
func TestAuthors(t *testing.T) {
	t.Parallel()
	writes := rule("delivery.signal.dev", "signaldeployments", "create", "update", "patch", "get")
	scales := rule("delivery.signal.dev", "signaldeployments/scale", "update")
	deployments, jobs := rule("apps", "deployments", "create"), rule("batch", "jobs", "create")
	routes := rule("gateway.networking.k8s.io", "httproutes", "patch")
	web := routes
	web.ResourceNames = []string{"web", "web-internal"}
	full := []rbacv1.PolicyRule{writes, deployments, jobs, routes}

	const noDeployments, noJobs, noRoutes = `" may not create deployments.apps`, `" may not create jobs.batch`, `" may not patch httproutes.gateway.networking.k8s.io`
	for name, tc := range map[string]struct {
		rights  []rbacv1.PolicyRule
		attempt attempt
		want    string // nothing: it is let through
	}{
		"with every right":                         {full, newRelease("web"), ""},
		"without routes to drive":                  {[]rbacv1.PolicyRule{writes, deployments, jobs}, newRelease(), ""},
		"without the right to Deployments":         {[]rbacv1.PolicyRule{writes, jobs, routes}, newRelease("web"), noDeployments},
		"without the right to Jobs":                {[]rbacv1.PolicyRule{writes, deployments, routes}, newRelease("web"), noJobs},
		"without the right to routes":              {[]rbacv1.PolicyRule{writes, deployments, jobs}, newRelease("web"), noRoutes},
		"with the right to these routes":           {[]rbacv1.PolicyRule{writes, deployments, jobs, web}, newRelease("web", "web-internal"), ""},
		"with the right to another route":          {[]rbacv1.PolicyRule{writes, deployments, jobs, web}, newRelease("other"), noRoutes},
		"with the right to one route of two":       {[]rbacv1.PolicyRule{writes, deployments, jobs, web}, newRelease("web", "other"), noRoutes},
		"of sixteen routes, with the right to all": {full, newRelease(sixteen...), ""},
		"of sixteen routes, without":               {[]rbacv1.PolicyRule{writes, deployments, jobs, web}, newRelease(sixteen...), noRoutes},
		"who only reads Deployments":               {[]rbacv1.PolicyRule{writes, rule("apps", "deployments", "get", "patch"), jobs}, newRelease(), noDeployments},
		"by server-side apply":                     {[]rbacv1.PolicyRule{writes, jobs}, apply("sd", `{"spec":{"version":"v2"}}`), noDeployments},

		"a change by one with every right":       {full, merge("sd", `{"spec":{"version":"v2"}}`), ""},
		"a change without the right":             {[]rbacv1.PolicyRule{writes, jobs}, merge("sd", `{"spec":{"version":"v2"}}`), noDeployments},
		"a change of who runs the pods":          {[]rbacv1.PolicyRule{writes, deployments}, merge("sd", `{"spec":{"template":{"spec":{"serviceAccountName":"admin"}}}}`), noJobs},
		"a change that begins to drive a route":  {[]rbacv1.PolicyRule{writes, deployments, jobs}, merge("sd", `{"spec":{"traffic":{"httpRoutes":[{"name":"web"}]}}}`), noRoutes},
		"a pause without the right":              {[]rbacv1.PolicyRule{writes}, merge("sd", `{"spec":{"paused":true}}`), noDeployments},
		"an update without a change":             {[]rbacv1.PolicyRule{writes}, update("sd", func(*v1alpha1.SignalDeployment) {}), ""},
		"a request and a change, smuggled in it": {[]rbacv1.PolicyRule{writes}, merge("sd", `{"metadata":{"annotations":{"delivery.signal.dev/retry":"1"}},"spec":{"version":"v2"}}`), noDeployments},
		"a scaling":                              {[]rbacv1.PolicyRule{writes, scales}, scale, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for by, g := range guards {
				t.Run(by, func(t *testing.T) {
					t.Parallel()
					user := g.hire(t, rbacv1.RoleRef{}, tc.rights)
					err := tc.attempt(t.Context(), g.made, g.dry(user))
					if tc.want != "" {
						wantRefused(t, user, err, `user "`+user+tc.want)
						return
					}
					if err != nil {
						t.Errorf("refused: %v", err)
					}
				})
			}
		})
	}
}

// TestApprovers ask by annotation, with the role that is made for them, and
// change nothing else.
func TestApprovers(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			approver := g.hire(t, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "signal-operator-approver"}, nil)
			for _, request := range []string{"approve", "promote", "abort", "retry", "rollback", "drill"} {
				annotate := merge("sd", `{"metadata":{"annotations":{"delivery.signal.dev/`+request+`":"%HASH%"}}}`)
				if err := annotate(t.Context(), g.made, g.dry(approver)); err != nil {
					t.Errorf("%s: %v", request, err)
				}
			}
			err := merge("sd", `{"spec":{"artifact":{"image":"registry.example/acme/evil:v1"}}}`)(t.Context(), g.made, g.dry(approver))
			wantRefused(t, approver, err, "may not create deployments.apps in namespace \"prod\", and a SignalDeployment does so in their name: grant them that right, or let someone who has it write this")
		})
	}
}

func rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// hire is a new user with a role of the cluster or one of their own.
func (g *guard) hire(t *testing.T, role rbacv1.RoleRef, rights []rbacv1.PolicyRule) string {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: "prod", GenerateName: "user-"}
	if role.Name == "" {
		own := &rbacv1.Role{ObjectMeta: meta, Rules: rights}
		if err := g.admin.Create(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		role = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: own.Name}
		meta = metav1.ObjectMeta{Namespace: "prod", Name: own.Name}
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: role, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: t.Name()}}}
	if err := g.admin.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	g.await(t, func(ctx context.Context) error {
		return g.as(t.Name()).Get(ctx, client.ObjectKeyFromObject(g.sd), &v1alpha1.SignalDeployment{})
	})
	return t.Name()
}

var sixteen = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "web"}

// newRelease creates a SignalDeployment that drives these routes.
func newRelease(routes ...string) attempt {
	return create(func(m *made) client.Object {
		sd := signalDeployment(m.sd.Namespace)
		sd.Name = "other"
		for _, route := range routes {
			sd.Spec.Traffic.HTTPRoutes = append(sd.Spec.Traffic.HTTPRoutes, v1alpha1.RouteReference{Name: route})
		}
		return sd
	})
}

// scale asks for more pods, as an autoscaler does.
func scale(ctx context.Context, m *made, c client.Client) error {
	return c.SubResource("scale").Update(ctx, m.copy("sd"), client.WithSubResourceBody(&autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: m.sd.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: 7},
	}))
}

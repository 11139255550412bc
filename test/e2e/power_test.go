package e2e

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// The operator reads no Secret, has no wildcard, and cannot give itself more.
func TestLeastPower(t *testing.T) {
	roles := &rbacv1.ClusterRoleList{}
	if err := shared.List(t.Context(), roles); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, role := range roles.Items {
		if role.Annotations["meta.helm.sh/release-name"] != "signal-operator" {
			continue
		}
		looked++
		for _, rule := range role.Rules {
			forbid(t, role.Name, rule)
		}
	}
	if looked == 0 {
		t.Fatal("found no ClusterRole of the chart")
	}
	account := "system:serviceaccount:" + cluster.OperatorNamespace + ":signal-operator"
	for _, may := range []string{"get secrets", "list secrets", "create pods/exec", "create clusterroles", "impersonate users", "create serviceaccounts/token"} {
		verb, resource, _ := strings.Cut(may, " ")
		out, err := shared.Kubectl(t.Context(), "auth", "can-i", verb, resource, "--as="+account, "--all-namespaces")
		if err == nil {
			t.Errorf("may %s: %s", may, out)
		}
	}
	if out, err := shared.Kubectl(t.Context(), "auth", "can-i", "create", "deployments.apps", "--as="+account, "--all-namespaces"); err != nil {
		t.Errorf("the account is not the operator's: %s %v", out, err)
	}
}

func forbid(t *testing.T, role string, rule rbacv1.PolicyRule) {
	t.Helper()
	for _, list := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs} {
		if slices.Contains(list, "*") {
			t.Errorf("%s has a wildcard: %v", role, rule)
		}
	}
	if slices.Contains(rule.Resources, "secrets") {
		t.Errorf("%s names secrets: %v", role, rule)
	}
	for _, verb := range []string{"escalate", "bind", "impersonate"} {
		if slices.Contains(rule.Verbs, verb) {
			t.Errorf("%s may %s: %v", role, verb, rule)
		}
	}
}

// With Roles alone, an operator releases in its own namespace.
func TestNamespacedMode(t *testing.T) {
	namespace := space(t, "e2e-namespaced")
	// The guard of the shared operator knows that one alone.
	if _, err := shared.Kubectl(t.Context(), "label", "namespace", namespace, "delivery.signal.dev/guard=off"); err != nil {
		t.Fatal(err)
	}
	repository, digest, err := shared.PushOperator(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	values := []string{
		"signal-own", "charts/signal-operator", "--namespace", namespace, "--set", "crds.install=false",
		"--set", "rbac.namespaced=true", "--set", "watchNamespaces={" + namespace + "}",
		"--set", "image.repository=" + repository, "--set", "image.digest=" + digest,
		"--set", "prometheus.url=" + shared.Prometheus, "--set", "insecureRegistries={" + shared.Registry + "}",
	}
	rendered, err := shared.Run(t.Context(), nil, "helm", append([]string{"template"}, values...)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"kind: ClusterRole", "kind: ClusterRoleBinding", "kind: CustomResourceDefinition"} {
		if strings.Contains(rendered, kind+"\n") {
			t.Errorf("the namespaced chart has a %s", kind)
		}
	}
	// The shared operator serves all namespaces: it must not be the one that
	// does the work here.
	if _, err := shared.Kubectl(t.Context(), "-n", cluster.OperatorNamespace, "scale", "deployment", "--all", "--replicas=0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wake(t) })
	if _, err := shared.Run(t.Context(), nil, "helm", append([]string{"install", "--wait", "--timeout", "2m"}, values...)...); err != nil {
		t.Fatal(err)
	}
	sd, traffic := install(t, namespace, 50)
	ask(t, sd, "v1.1.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0"))
	if r := traffic.Stop(); r.Lost != 0 {
		t.Errorf("%d of %d requests were lost", r.Lost, r.Sent)
	}
}

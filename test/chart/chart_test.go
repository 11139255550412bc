package chart_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestDefault(t *testing.T) {
	t.Parallel()
	all := rendered(t)
	accepted(t, all)
	got := kinds(all)
	slices.Sort(got)
	want := []string{
		"ClusterRole signal-operator",
		"ClusterRole signal-operator-approver",
		"ClusterRole signal-operator-editor",
		"ClusterRole signal-operator-metrics-auth",
		"ClusterRole signal-operator-metrics-reader",
		"ClusterRole signal-operator-nodes",
		"ClusterRole signal-operator-viewer",
		"ClusterRoleBinding signal-operator",
		"ClusterRoleBinding signal-operator-metrics-auth",
		"ClusterRoleBinding signal-operator-nodes",
		"CustomResourceDefinition signaldeployments.delivery.signal.dev",
		"Deployment signal-operator",
		"NetworkPolicy signal-operator",
		"Role signal-operator-leader-election",
		"RoleBinding signal-operator-leader-election",
		"Service signal-operator-metrics",
		"ServiceAccount signal-operator",
		"ValidatingAdmissionPolicy signal-operator-authors",
		"ValidatingAdmissionPolicy signal-operator-pods",
		"ValidatingAdmissionPolicy signal-operator-releases",
		"ValidatingAdmissionPolicy signal-operator-status",
		"ValidatingAdmissionPolicyBinding signal-operator-authors",
		"ValidatingAdmissionPolicyBinding signal-operator-job-pods",
		"ValidatingAdmissionPolicyBinding signal-operator-pods",
		"ValidatingAdmissionPolicyBinding signal-operator-releases",
		"ValidatingAdmissionPolicyBinding signal-operator-status",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	crd := only(t, all, "CustomResourceDefinition", "signaldeployments.delivery.signal.dev")
	if got := crd.GetAnnotations()["helm.sh/resource-policy"]; got != "keep" {
		t.Errorf("the CRD's resource policy is %q; want keep", got)
	}
	wantArgs := []string{
		"--leader-elect",
		"--health-probe-bind-address=:8081",
		"--metrics-bind-address=:8443",
		"--prober-image=ghcr.io/signal-delivery/signal-operator:v0.1.0",
		"--max-concurrent-reconciles=64",
		"--zap-log-level=info",
	}
	if diff := cmp.Diff(wantArgs, arguments(t, all)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// TestNamespaced has Roles where SignalDeployments are, and nothing
// cluster-scoped.
func TestNamespaced(t *testing.T) {
	t.Parallel()
	all := rendered(t, "--values", filepath.Join(chart, "ci", "namespaced-values.yaml"))
	var got []string
	for _, u := range all {
		got = append(got, u.GetKind()+" "+u.GetNamespace()+"/"+u.GetName())
	}
	slices.Sort(got)
	want := []string{
		"Deployment default/signal-operator",
		"NetworkPolicy default/signal-operator",
		"Role default/signal-operator",
		"Role default/signal-operator-leader-election",
		"Role kube-public/signal-operator",
		"RoleBinding default/signal-operator",
		"RoleBinding default/signal-operator-leader-election",
		"RoleBinding kube-public/signal-operator",
		"ServiceAccount default/signal-operator",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	wantArgs := []string{
		"--leader-elect",
		"--health-probe-bind-address=:8081",
		"--metrics-bind-address=127.0.0.1:8443",
		"--metrics-secure=false",
		"--namespaces=default,kube-public",
		"--prober-image=ghcr.io/signal-delivery/signal-operator:v0.1.0",
		"--max-concurrent-reconciles=64",
		"--zap-log-level=info",
	}
	if diff := cmp.Diff(wantArgs, arguments(t, all)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	accepted(t, all)
}

// TestNamespacedByDefaultIsItsOwn is the namespaced mode without names.
func TestNamespacedByDefaultIsItsOwn(t *testing.T) {
	t.Parallel()
	named := rendered(t, "--set", "watchNamespaces={default},crds.install=false")
	own := rendered(t, "--set", "rbac.namespaced=true,crds.install=false")
	if diff := cmp.Diff(named, own); diff != "" {
		t.Errorf("objects (-named +own):\n%s", diff)
	}
}

// TestNodesAreSeenWhereThatIsAskedFor is so in either mode.
func TestNodesAreSeenWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  string
		want bool
	}{
		"by default":                     {"rbac.create=true", true},
		"never":                          {"rbac.nodes=false", false},
		"in namespaced mode, by default": {"watchNamespaces={default}", false},
		"in namespaced mode":             {"watchNamespaces={default},rbac.nodes=true", true},
		"without any role":               {"rbac.create=false,rbac.nodes=true", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := rendered(t, "--set", tc.set)
			got := kinds(all)
			for _, kind := range []string{"ClusterRole signal-operator-nodes", "ClusterRoleBinding signal-operator-nodes"} {
				if slices.Contains(got, kind) != tc.want {
					t.Errorf("%s is there: %t; want %t", kind, !tc.want, tc.want)
				}
			}
			if !tc.want {
				return
			}
			role := &rbacv1.ClusterRole{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(only(t, all, "ClusterRole", "signal-operator-nodes").Object, role); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"list", "watch"}}}, role.Rules); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEverything(t *testing.T) {
	t.Parallel()
	all := rendered(t, "--values", filepath.Join(chart, "ci", "everything-values.yaml"))
	accepted(t, all)
	only(t, all, "PodDisruptionBudget", "signal-operator")
	only(t, all, "ServiceMonitor", "signal-operator")
	sameRules(t, only(t, all, "PrometheusRule", "signal-operator"))
	want := []string{
		"--leader-elect",
		"--health-probe-bind-address=:8081",
		"--metrics-bind-address=:9443",
		"--prometheus=http://prometheus.monitoring:9090",
		"--prometheus=thanos=http://thanos-query.monitoring:9090/?tenant=a",
		"--prometheus-rule-labels=release=kube-prometheus-stack,team=delivery",
		"--prober-image=registry.example/acme/prober:v1",
		"--insecure-registries=127.0.0.1:5000,registry.local",
		"--max-concurrent-reconciles=8",
		"--zap-log-level=debug",
		"--zap-devel",
		"--leader-elect=true",
	}
	if diff := cmp.Diff(want, arguments(t, all)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// TestLeastPower holds for the operator's role wherever it is written.
func TestLeastPower(t *testing.T) {
	t.Parallel()
	for name, all := range map[string][]*unstructured.Unstructured{
		"ClusterRole": rendered(t),
		"Role":        rendered(t, "--set", "watchNamespaces={default}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := &rbacv1.ClusterRole{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(only(t, all, name, "signal-operator").Object, role); err != nil {
				t.Fatal(err)
			}
			if len(role.Rules) == 0 {
				t.Fatal("the role has no rules")
			}
			for _, rule := range role.Rules {
				for _, word := range slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs) {
					if slices.Contains([]string{"*", "secrets", "pods/exec", "serviceaccounts/token", "nodes", "namespaces", "escalate", "bind", "impersonate"}, word) {
						t.Errorf("%v has %q", rule, word)
					}
				}
				if slices.Contains(rule.APIGroups, "rbac.authorization.k8s.io") {
					t.Errorf("%v is about roles", rule)
				}
			}
		})
	}
}

func TestRefusedValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  string
		want string
	}{
		"a value misspelt":               {"replica=2", "replica"},
		"a nested value misspelt":        {"image.tags=v1", "tags"},
		"replicas in words":              {"replicas=two", "replicas"},
		"an address without a scheme":    {"prometheus.url=prometheus:9090", "/prometheus/url"},
		"a digest that is none":          {"image.digest=v1", "/image/digest"},
		"a registry with a scheme":       {"insecureRegistries={http://registry}", "/insecureRegistries/0"},
		"an access that is none":         {"metrics.access=Public", "/metrics/access"},
		"nodes in words":                 {"rbac.nodes=maybe", "/rbac/nodes"},
		"a namespace in capitals":        {"watchNamespaces={Prod}", "/watchNamespaces/0"},
		"questions a Role may not ask":   {"watchNamespaces={default},metrics.access=Authenticated", "choose Localhost, Open or Off"},
		"a monitor of what is not there": {"metrics.access=Off,metrics.serviceMonitor.enabled=true", "set metrics.access to Open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := output(t, helm, "template", "signal-operator", chart, "--set", tc.set)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v; want one that names %s", err, tc.want)
			}
		})
	}
}

// arguments are those of the operator's container.
func arguments(t *testing.T, all []*unstructured.Unstructured) []string {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(only(t, all, "Deployment", "signal-operator").Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	args, _, err := unstructured.NestedStringSlice(containers[0].(map[string]any), "args")
	if err != nil {
		t.Fatal(err)
	}
	return args
}

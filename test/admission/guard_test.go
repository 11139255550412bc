package admission_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Users of the tests. The mighty may do everything, as far as RBAC goes.
const (
	// administrator is of the group system:masters, and guarded like everyone.
	administrator = "administrator"

	alice     = "alice"
	node      = "system:node:n1"
	manager   = "system:kube-controller-manager"
	system    = "system:serviceaccount:kube-system:"
	collector = system + "generic-garbage-collector"

	loadBalancer = "system:serviceaccount:metallb-system:controller"
)

// mighty are those who tamper: people, pipelines, and namesakes of the operator
// and of Kubernetes' controllers.
var mighty = []string{
	alice, "system:serviceaccount:ci:deployer", "system:serviceaccount:prod:signal-operator",
	"system:serviceaccount:prod:generic-garbage-collector", system + "dashboard", "system:admin",
}

// controllers are Kubernetes' own, which get by on less.
var controllers = []string{
	manager, collector, system + "namespace-controller", system + "ttl-after-finished-controller", system + "deployment-controller",
	system + "replicaset-controller", system + "job-controller", system + "disruption-controller",
}

// guard is an API server with the operator's roles and policies.
type guard struct {
	*made // in namespace prod

	operator   string // its user
	installed  []*unstructured.Unstructured
	admin      client.Client // the administrator
	kubeconfig string

	env    *envtest.Environment
	config *rest.Config
	mapper meta.RESTMapper
}

// start brings an API server up, guarded, with a release in namespace prod.
func start(ctx context.Context, operator, manifests string) (*guard, error) {
	g := &guard{operator: operator, env: &envtest.Environment{ErrorIfCRDPathMissing: true, CRDDirectoryPaths: []string{
		filepath.Join(root, "config", "crd", "bases"), filepath.Join(root, "test", "stage", "testdata"),
	}}}
	var err error
	if g.config, err = g.env.Start(); err != nil {
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	g.config.QPS = -1
	http, err := rest.HTTPClientFor(g.config)
	if err != nil {
		return g, fmt.Errorf("make a client: %w", err)
	}
	if g.mapper, err = apiutil.NewDynamicRESTMapper(g.config, http); err != nil {
		return g, fmt.Errorf("make a client: %w", err)
	}
	if g.admin, err = g.client(g.config); err != nil {
		return g, err
	}
	for _, step := range []func() error{
		g.writeKubeconfig,
		func() error { return g.empower(ctx) },
		func() error { return g.install(ctx, manifests) },
		func() error { return g.settle(ctx) },
	} {
		if err := step(); err != nil {
			return g, err
		}
	}
	g.made, err = g.make(ctx, "prod", nil)
	return g, err
}

func (g *guard) stop() error {
	return errors.Join(os.RemoveAll(g.kubeconfig), g.env.Stop())
}

func (g *guard) client(config *rest.Config) (client.Client, error) {
	c, err := client.New(config, client.Options{Scheme: clientgoscheme.Scheme, Mapper: g.mapper})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c, nil
}

// as is a client of someone, who is of the groups that the name implies.
func (g *guard) as(user string) client.Client {
	config := rest.CopyConfig(g.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, _, _ := strings.Cut(account, ":")
		config.Impersonate.Groups = append(config.Impersonate.Groups, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
	}
	c, err := g.client(config)
	if err != nil {
		panic(err) // the same configuration has given a client before
	}
	return c
}

// dry is a client of someone whose writes are admitted or refused, and not kept.
func (g *guard) dry(user string) client.Client {
	if user == administrator {
		return client.NewDryRunClient(g.admin)
	}
	return client.NewDryRunClient(g.as(user))
}

func (g *guard) writeKubeconfig() error {
	file, err := os.CreateTemp("", "admission-kubeconfig-")
	if err != nil {
		return fmt.Errorf("make a kubeconfig: %w", err)
	}
	g.kubeconfig = file.Name()
	_, err = file.Write(g.env.KubeConfig)
	return errors.Join(err, file.Close())
}

// empower gives the mighty every right that RBAC has.
func (g *guard) empower(ctx context.Context) error {
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "mighty"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}
	for _, user := range slices.Concat(mighty, controllers, []string{node, loadBalancer}) {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user})
	}
	return g.admin.Create(ctx, binding)
}

// install creates what says who may do what; the operator itself is not
// started.
func (g *guard) install(ctx context.Context, manifests string) error {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(u); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return fmt.Errorf("read what is installed: %w", err)
		}
		if !slices.Contains([]string{"ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}, u.GetKind()) {
			continue
		}
		g.installed = append(g.installed, u.DeepCopy())
		if err := g.admin.Create(ctx, u); err != nil {
			return fmt.Errorf("install %s %s: %w", u.GetKind(), u.GetName(), err)
		}
	}
}

// settle waits until each of the policies refuses something.
func (g *guard) settle(ctx context.Context) error {
	marked := metav1.ObjectMeta{
		Namespace: metav1.NamespaceDefault, Name: "probe", Labels: map[string]string{v1alpha1.LabelName: "probe"},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: "SignalDeployment", Name: "probe", UID: "probe", Controller: new(true)}},
	}
	sd := signalDeployment(metav1.NamespaceDefault)
	if err := g.admin.Create(ctx, sd); err != nil {
		return fmt.Errorf("create a SignalDeployment: %w", err)
	}
	status := func() error {
		return g.admin.Status().Patch(ctx, sd.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"status":{"phase":"Succeeded"}}`)), client.DryRunAll)
	}
	refused := func(err error) bool {
		return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy")
	}
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		return refused(g.admin.Create(ctx, &corev1.ConfigMap{ObjectMeta: marked}, client.DryRunAll)) &&
			refused(g.admin.Create(ctx, &corev1.Pod{ObjectMeta: marked, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}}}, client.DryRunAll)) &&
			refused(status()) && refused(g.incapable(ctx)), nil
	})
}

// incapable is what someone is told who may write SignalDeployments and nothing
// else.
func (g *guard) incapable(ctx context.Context) error {
	const user = "incapable"
	role := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "signal-operator-editor"}
	err := g.admin.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: user}, RoleRef: role,
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	sd := signalDeployment(metav1.NamespaceDefault)
	sd.Name = "theirs"
	return g.as(user).Create(ctx, sd, client.DryRunAll)
}

// await waits until something gets through: roles take a moment to be known.
func (g *guard) await(t *testing.T, get func(ctx context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		last = get(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%v: %v", err, last)
	}
}

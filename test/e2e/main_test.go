// Package e2e shows, on a real cluster with real pods, a real Gateway, a real
// Prometheus and a real registry, one test for each promise that nothing less
// can show.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/load"
)

// patience bounds every wait; nothing here asserts how long something takes.
const patience = 3 * time.Minute

// shared is the cluster that all tests use, with the operator installed.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Minute)
	defer cancel()
	if shared, err = cluster.Connect(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Uninstall(ctx), shared.StopDatabases(ctx), shared.Close()) }()
	for _, version := range []cluster.Service{
		{Version: "v1.0.0"},
		{Version: "v1.1.0"},
		{Version: "v1.3.0"},
		{Version: "v1.4.0"},
		{Version: "v1.2.0", Faults: []string{"FAULT_ERROR_RATE=0.5", "FAULT_AFTER_TRAFFIC=5s"}},
	} {
		if _, err := shared.PushService(ctx, version); err != nil {
			return 1, err
		}
	}
	if err := shared.Install(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// space makes a namespace for a test, and removes it with what is in it.
func space(t *testing.T, name string) string {
	t.Helper()
	if err := shared.Namespace(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if t.Failed() {
			explain(ctx, t, name)
		}
		_, err := shared.Kubectl(ctx, "-n", name, "delete", "sigdep", "--all", "--timeout=60s")
		gone := client.IgnoreNotFound(shared.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
		if err := errors.Join(err, gone); err != nil {
			t.Error(err)
		}
	})
	return name
}

// explain prints what a person would look at first.
func explain(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	for _, args := range [][]string{
		{"-n", namespace, "get", "sigdep,deploy,pods,svc,httproutes", "-o", "wide"},
		{"-n", namespace, "get", "sigdep", "-o", "yaml"},
	} {
		out, err := shared.Kubectl(ctx, args...)
		t.Log(out, err)
	}
	log, err := shared.OperatorLog(ctx, 5*time.Minute)
	t.Log(log, err)
}

func image(version string) string { return shared.Registry + "/acme/signal-service:" + version }

// install releases v1.0.0 as a first release, with its route, under traffic
// from the first request that the Gateway answers.
func install(t *testing.T, namespace string, rate int) (*v1alpha1.SignalDeployment, *load.Load) {
	t.Helper()
	return begin(t, cluster.SignalDeployment(namespace, image("v1.0.0")), rate)
}

// begin is install for a service of one's own.
func begin(t *testing.T, sd *v1alpha1.SignalDeployment, rate int) (*v1alpha1.SignalDeployment, *load.Load) {
	t.Helper()
	if err := shared.Create(t.Context(), cluster.Route(sd.Namespace)); err != nil {
		t.Fatal(err)
	}
	if err := shared.Create(t.Context(), sd); err != nil {
		t.Fatal(err)
	}
	traffic, err := shared.Traffic(t.Context(), sd.Namespace, rate, 15*time.Minute, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { traffic.Stop() })
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.0.0"))
	return sd, traffic
}

func until(t *testing.T, sd *v1alpha1.SignalDeployment, wanted func(*v1alpha1.SignalDeployment) bool) {
	t.Helper()
	if err := shared.Until(t.Context(), sd, patience, nil, wanted); err != nil {
		t.Fatal(err)
	}
}

// ask sets the image, as a commit would.
func ask(t *testing.T, sd *v1alpha1.SignalDeployment, version string) {
	t.Helper()
	before := sd.DeepCopy()
	sd.Spec.Artifact.Image = image(version)
	if err := shared.Patch(t.Context(), sd, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// holding waits until the candidate of a version holds the weight of a step.
func holding(version, step string) func(*v1alpha1.SignalDeployment) bool {
	return func(sd *v1alpha1.SignalDeployment) bool {
		m := sd.Status.Rollout
		return sd.Status.Candidate.Version == version && m.Phase == v1alpha1.PhaseProgressing &&
			m.Plan.Steps[m.Step].Name == step && !m.HeldSinceTime.IsZero()
	}
}

// The demo is the main job on a real cluster: it installs the operator from its
// chart and releases the sample service, which leans on a real PostgreSQL and a
// real Redis, three times under load (a first release, a good one in steps, one
// that turns bad under traffic), rehearses a rollback in between, shows the
// phases as they happen and the reports, counts requests, and exits non-zero if
// anything is not as promised.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

const (
	namespace = "signal-demo"
	rate      = 200 // requests a second
	patience  = 2 * time.Minute
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nNOT as promised:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	c, err := cluster.Connect()
	if err != nil {
		return err
	}
	s := &show{start: time.Now()}
	defer func() {
		s.say("cleaning up")
		err = errors.Join(err, cleanUp(c), c.Close())
	}()

	s.say("starting PostgreSQL and Redis (their packages are fetched the first time)")
	databases, err := c.Databases(ctx)
	if err != nil {
		return err
	}
	s.say("building the operator and three versions of the sample service")
	for _, version := range []cluster.Service{
		{Version: "v1.0.0"},
		{Version: "v1.1.0"},
		{Version: "v1.2.0", Faults: []string{"FAULT_ERROR_RATE=0.5", "FAULT_AFTER_TRAFFIC=5s"}},
	} {
		version.Faults = append(version.Faults, databases...)
		if _, err := c.PushService(ctx, version); err != nil {
			return err
		}
	}
	s.say("installing the operator from its chart")
	if err := c.Install(ctx); err != nil {
		return err
	}
	return release(ctx, c, s)
}

// release is the story.
func release(ctx context.Context, c *cluster.Cluster, s *show) error {
	if err := c.Namespace(ctx, namespace); err != nil {
		return err
	}
	if err := c.Create(ctx, cluster.Route(namespace)); err != nil {
		return fmt.Errorf("create the route: %w", err)
	}
	image := c.Registry + "/acme/signal-service:"
	sd := cluster.SignalDeployment(namespace, image+"v1.0.0")
	s.title(fmt.Sprintf("1. v1.0.0 is installed; %d requests/s through the Gateway from the first one it answers", rate))
	if err := c.Create(ctx, sd); err != nil {
		return fmt.Errorf("create the SignalDeployment: %w", err)
	}
	traffic, err := c.Traffic(ctx, namespace, rate, 10*time.Minute, patience)
	if err != nil {
		return err
	}
	defer traffic.Stop()
	if err := c.Until(ctx, sd, patience, s.phase, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.0.0")); err != nil {
		return err
	}

	s.title("2. v1.1.0 is promoted through steps")
	if err := ask(ctx, c, sd, image+"v1.1.0"); err != nil {
		return err
	}
	if err := c.Until(ctx, sd, patience, s.phase, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0")); err != nil {
		return err
	}
	if err := s.report(ctx, c, sd); err != nil {
		return err
	}

	s.title("3. A rollback is rehearsed on a pod that no user reaches")
	if err := drill(ctx, c, sd); err != nil {
		return err
	}
	s.drill(sd)

	s.title("4. v1.2.0 turns bad under traffic, and is rolled back by a firing alert rule")
	reaction := watch(ctx, c)
	if err := ask(ctx, c, sd, image+"v1.2.0"); err != nil {
		return err
	}
	if err := c.Until(ctx, sd, patience, s.phase, cluster.Ended(v1alpha1.PhaseRolledBack, "v1.2.0")); err != nil {
		return err
	}
	if err := s.report(ctx, c, sd); err != nil {
		return err
	}
	pause(ctx, 2*time.Second) // traffic after the rollback counts too
	return s.verdict(sd, traffic.Stop(), reaction.stop())
}

// drill asks for a rollback drill, and waits for its end.
func drill(ctx context.Context, c *cluster.Cluster, sd *v1alpha1.SignalDeployment) error {
	const request = "demo"
	before := sd.DeepCopy()
	if sd.Annotations == nil {
		sd.Annotations = map[string]string{}
	}
	sd.Annotations[v1alpha1.AnnotationDrill] = request
	if err := c.Patch(ctx, sd, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("ask for a drill: %w", err)
	}
	return c.Until(ctx, sd, patience, nil, func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Handled.Drill == request && sd.Status.Drill != nil && len(sd.Status.Drill.Runs) > 0 && sd.Status.Drill.Runs[0].Result != v1alpha1.DrillRunning
	})
}

// ask sets the image, as a commit would.
func ask(ctx context.Context, c *cluster.Cluster, sd *v1alpha1.SignalDeployment, image string) error {
	before := sd.DeepCopy()
	sd.Spec.Artifact.Image = image
	if err := c.Patch(ctx, sd, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("ask for %s: %w", image, err)
	}
	return nil
}

// cleanUp removes what the demo made, also after an interrupt.
func cleanUp(c *cluster.Cluster) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	gone := client.IgnoreNotFound(c.Delete(ctx, &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: cluster.ServiceName}}))
	_, err := c.Kubectl(ctx, "-n", namespace, "wait", "--for=delete", "sigdep/"+cluster.ServiceName, "--timeout=60s")
	space := client.IgnoreNotFound(c.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	return errors.Join(gone, err, space, c.Uninstall(ctx), c.StopDatabases(ctx))
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

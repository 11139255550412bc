package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// OperatorNamespace is where Install puts the operator.
const OperatorNamespace = "signal-system"

// Install builds the operator and installs it from its chart, and waits for it
// as Helm does. Further arguments are Helm's.
func (c *Cluster) Install(ctx context.Context, args ...string) error {
	repository, digest, err := c.PushOperator(ctx)
	if err != nil {
		return err
	}
	_, err = c.Run(ctx, nil, "helm", append([]string{
		"upgrade", "--install", "signal-operator", "charts/signal-operator", "--namespace", OperatorNamespace, "--create-namespace",
		"--set", "image.repository=" + repository, "--set", "image.digest=" + digest,
		"--set", "prometheus.url=" + c.Prometheus, "--set", "insecureRegistries={" + c.Registry + "," + c.TestRegistry + "}",
		"--wait", "--timeout", "3m",
	}, args...)...)
	if err != nil {
		return fmt.Errorf("install the operator: %w", err)
	}
	return nil
}

// Remove removes the operator as Helm does: its CRD and what it released stay.
func (c *Cluster) Remove(ctx context.Context) error {
	_, err := c.Run(ctx, nil, "helm", "uninstall", "signal-operator", "--namespace", OperatorNamespace, "--ignore-not-found", "--wait")
	return err
}

// Uninstall removes the CRD with every SignalDeployment, and then the operator,
// without which a SignalDeployment with a route would be held by its finalizer.
func (c *Cluster) Uninstall(ctx context.Context) error {
	_, err := c.Kubectl(ctx, "delete", "crd", "signaldeployments.delivery.signal.dev", "--ignore-not-found", "--timeout=120s")
	if err != nil {
		left, unread := c.Kubectl(ctx, "get", "sigdep", "--all-namespaces", "-o", "yaml")
		err = errors.Join(fmt.Errorf("%w; what is left: %s", err, left), unread)
	}
	err = errors.Join(err, c.Remove(ctx))
	_, gone := c.Kubectl(ctx, "delete", "namespace", OperatorNamespace, "--ignore-not-found", "--timeout=60s")
	return errors.Join(err, gone)
}

// OperatorPod is the name of the operator's pod.
func (c *Cluster) OperatorPod(ctx context.Context) (string, error) {
	return c.Kubectl(ctx, "-n", OperatorNamespace, "get", "pods", "-l", "app.kubernetes.io/name=signal-operator",
		"--field-selector=status.phase=Running", "-o", "jsonpath={.items[0].metadata.name}")
}

// OperatorLog is what the operator has logged since then.
func (c *Cluster) OperatorLog(ctx context.Context, since time.Duration) (string, error) {
	return c.Kubectl(ctx, "-n", OperatorNamespace, "logs", "-l", "app.kubernetes.io/name=signal-operator", "--tail=200", fmt.Sprintf("--since=%ds", int(since.Seconds())))
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/signal-delivery/operator/hack/cluster/addon"
	"github.com/signal-delivery/operator/hack/cluster/host"
	"github.com/signal-delivery/operator/hack/cluster/image"
	"github.com/signal-delivery/operator/hack/cluster/layout"
	"github.com/signal-delivery/operator/hack/cluster/node"
	"github.com/signal-delivery/operator/hack/cluster/pki"
	"github.com/signal-delivery/operator/hack/cluster/tool"
)

const gatewayAPI, prometheusOperator = "sigs.k8s.io/gateway-api", "github.com/prometheus-operator/prometheus-operator"

func up(ctx context.Context, s session, _ []string) error {
	if err := host.Root(); err != nil {
		return err
	}
	paths, err := s.store.Ensure(ctx, slices.Concat(node.Tools, addon.Tools)...)
	if err != nil {
		return err
	}
	return s.alone(ctx, func() error { return s.up(ctx, node.New(s.layout, paths)) })
}

func down(ctx context.Context, s session, _ []string) error {
	if err := host.Root(); err != nil {
		return err
	}
	paths, err := s.store.Paths(node.Tools...)
	if err != nil {
		return err
	}
	return s.alone(ctx, func() error {
		start := time.Now()
		if err := node.New(s.layout, paths).Down(ctx, os.Stderr); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "the cluster is down (%s); binaries stay in %s\n", since(start), s.layout.Cache)
		return nil
	})
}

// alone keeps two runs from starting or stopping the cluster at the same time.
func (s session) alone(ctx context.Context, f func() error) error {
	if err := os.MkdirAll(s.layout.Cache, 0o755); err != nil {
		return err
	}
	return tool.Locked(ctx, filepath.Join(s.layout.Cache, "cluster.lock"), func() {
		fmt.Fprintln(os.Stderr, "waiting for another up or down to end …")
	}, f)
}

func (s session) up(ctx context.Context, n node.Node) error {
	start := time.Now()
	stamp, err := addon.Stamp(n.Paths)
	if err != nil {
		return err
	}
	installer := addon.Installer{Layout: s.layout, Kubectl: n.Paths["kubectl"]}
	installed, _ := os.ReadFile(addon.StampFile(s.layout)) // none before the first time
	if string(installed) == stamp && n.Healthy(ctx) && installer.Ready(ctx) {
		fmt.Fprintf(os.Stderr, "the cluster is up already (%s)\n", since(start))
		return nil
	}
	if err := s.startNode(ctx, n); err != nil {
		return err
	}
	if err := timed("add-ons", func() error { return s.install(ctx, n, installer) }); err != nil {
		return err
	}
	if err := os.WriteFile(addon.StampFile(s.layout), []byte(stamp), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the cluster is up (%s); for a shell: eval \"$(go run . env)\"\n", since(start))
	return nil
}

func (s session) startNode(ctx context.Context, n node.Node) error {
	if err := n.Prepare(ctx, os.Stderr); err != nil {
		return fmt.Errorf("prepare the machine: %w", err)
	}
	if err := pki.Ensure(s.layout); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	for _, name := range n.Components() {
		if err := timed(name, func() error { _, err := n.Start(ctx, name); return err }); err != nil {
			return err
		}
		if name != "registry" {
			continue
		}
		if _, err := push(ctx, "pause:1", "65532", n.Paths["pause"]); err != nil { // every pod needs it
			return err
		}
	}
	return nil
}

func (s session) install(ctx context.Context, n node.Node, installer addon.Installer) error {
	for _, from := range []struct{ module, path string }{
		{gatewayAPI, "config/crd/standard"},
		{prometheusOperator, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
	} {
		dir, err := s.store.Module(ctx, from.module)
		if err != nil {
			return err
		}
		installer.CRDs = append(installer.CRDs, filepath.Join(dir, from.path))
	}
	for _, i := range []struct {
		name string
		ref  *string
	}{
		{"traefik", &installer.Images.Traefik},
		{"prometheus", &installer.Images.Prometheus},
		{"rules-sync", &installer.Images.RulesSync},
	} {
		ref, err := push(ctx, "cluster/"+i.name, "65532", n.Paths[i.name])
		if err != nil {
			return err
		}
		*i.ref = ref
	}
	return installer.Install(ctx)
}

func push(ctx context.Context, tag, user string, binaries ...string) (string, error) {
	built, err := image.Build(image.Spec{Binaries: binaries, User: user})
	if err != nil {
		return "", err
	}
	return image.Push(ctx, layout.Registry, tag, built)
}

// timed says how long a step took once it is done.
func timed(name string, f func() error) error {
	start := time.Now()
	if err := f(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "  %-24s %s\n", name, since(start))
	return nil
}

func since(start time.Time) time.Duration { return time.Since(start).Round(100 * time.Millisecond) }

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/signal-delivery/operator/hack/cluster/addon"
	"github.com/signal-delivery/operator/hack/cluster/debian"
	"github.com/signal-delivery/operator/hack/cluster/image"
	"github.com/signal-delivery/operator/hack/cluster/layout"
)

// databases starts PostgreSQL and Redis in the cluster, and prints where they
// are. They are no part of `up`: few need them.
func databases(ctx context.Context, s session, args []string) error {
	kubectl, err := s.store.Path(ctx, "kubectl")
	if err != nil {
		return err
	}
	installer := addon.Installer{Layout: s.layout, Kubectl: kubectl}
	switch {
	case slices.Equal(args, []string{"off"}):
		return s.alone(ctx, func() error { return installer.RemoveDatabases(ctx) })
	case len(args) > 0:
		return errors.New("databases takes nothing, or off")
	}
	if _, err := os.Stat(s.layout.Kubeconfig()); err != nil {
		return errors.New("the cluster is not up: `up` starts it")
	}
	if err := s.alone(ctx, func() error {
		return timed("databases", func() error { return s.startDatabases(ctx, installer) })
	}); err != nil {
		return err
	}
	fmt.Printf("export SIGNAL_POSTGRES_URL='%s'\nexport SIGNAL_REDIS_URL='%s'\n", layout.PostgresURL, layout.RedisURL)
	return nil
}

func (s session) startDatabases(ctx context.Context, installer addon.Installer) error {
	trees := debian.Store{Cache: s.layout.Cache, Progress: os.Stderr}
	push := func(set debian.Set) (ref, tree string, err error) {
		if tree, err = trees.Ensure(ctx, set); err != nil {
			return "", "", err
		}
		built, err := image.Build(image.Spec{Tree: tree, User: "65532"})
		if err != nil {
			return "", "", err
		}
		ref, err = image.Push(ctx, layout.Registry, "cluster/"+set.Name, built)
		return ref, tree, err
	}
	var d addon.Databases
	var err error
	var tree string
	if d.Redis, _, err = push(debian.Redis); err != nil {
		return err
	}
	if d.Postgres, tree, err = push(debian.Postgres); err != nil {
		return err
	}
	if d.PostgresBin, err = addon.PostgresBin(tree); err != nil {
		return err
	}
	return installer.InstallDatabases(ctx, d)
}

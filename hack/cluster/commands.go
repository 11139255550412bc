package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/signal-delivery/operator/hack/cluster/image"
	"github.com/signal-delivery/operator/hack/cluster/layout"
	"github.com/signal-delivery/operator/hack/cluster/node"
	"github.com/signal-delivery/operator/hack/cluster/tool"
)

var commands = map[string]command{
	"build":     {"[TOOL…]", "build the binaries, all by default; no cluster", build},
	"envtest":   {"", "print a folder with etcd, kube-apiserver and kubectl, for KUBEBUILDER_ASSETS", envtest},
	"path":      {"TOOL", "print where a tool is, building it if need be", path},
	"up":        {"", "start the cluster, or what is missing of it", up},
	"down":      {"", "stop it and leave nothing but the binaries", down},
	"status":    {"", "say what runs, and where", status},
	"env":       {"", "print variables for a shell to eval", env},
	"databases": {"[off]", "start PostgreSQL and Redis in it, print where they are; off removes them", databases},
	"image":     {"NAME:TAG [--entrypoint CMD] [--user ID] [--env K=V]… BINARY…", "push an image of static binaries, print its digest reference", makeImage},
}

func build(ctx context.Context, s session, args []string) error {
	if len(args) == 0 {
		args = tool.Names()
	}
	_, err := s.store.Ensure(ctx, args...)
	return err
}

func envtest(ctx context.Context, s session, _ []string) error {
	dir, err := s.store.Together(ctx, "envtest", "etcd", "kube-apiserver", "kubectl")
	if err != nil {
		return err
	}
	fmt.Println(dir)
	return nil
}

func path(ctx context.Context, s session, args []string) error {
	if len(args) != 1 {
		return errors.New("path takes one tool")
	}
	where, err := s.store.Path(ctx, args[0])
	if err != nil {
		return err
	}
	fmt.Println(where)
	return nil
}

func env(ctx context.Context, s session, _ []string) error {
	dir, err := s.store.Together(ctx, "path", "kubectl", "helm", "prometheus", "promtool")
	if err != nil {
		return err
	}
	for _, v := range [][2]string{
		{"KUBECONFIG", s.layout.Kubeconfig()},
		{"SIGNAL_REGISTRY", layout.Registry},
		{"SIGNAL_TEST_REGISTRY", layout.RegistryOfTests},
		{"SIGNAL_GATEWAY_URL", layout.GatewayURL},
		{"SIGNAL_PROMETHEUS_URL", layout.PrometheusURL},
	} {
		fmt.Printf("export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	fmt.Printf("export PATH='%s':\"$PATH\"\n", strings.ReplaceAll(dir, "'", `'\''`))
	return nil
}

func status(_ context.Context, s session, _ []string) error {
	paths, err := s.store.Paths(node.Tools...)
	if err != nil {
		return err
	}
	n := node.New(s.layout, paths)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	running := 0
	for _, name := range n.Components() {
		pid := n.Supervisor.PID(name)
		if pid == 0 {
			fmt.Fprintf(w, "%s\tnot running\n", name)
			continue
		}
		running++
		fmt.Fprintf(w, "%s\tpid %d\t%s\n", name, pid, n.Supervisor.Log(name))
	}
	for _, address := range [][2]string{
		{"API server", layout.APIServer},
		{"gateway", layout.GatewayURL},
		{"Prometheus", layout.PrometheusURL},
		{"registry", layout.Registry + " and " + layout.RegistryLocal},
		{"kubeconfig", s.layout.Kubeconfig()},
	} {
		fmt.Fprintf(w, "%s\t%s\n", address[0], address[1])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if running < len(n.Components()) {
		return fmt.Errorf("%d of %d components run: `up` starts the rest", running, len(n.Components()))
	}
	return nil
}

func makeImage(ctx context.Context, _ session, args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	entrypoint := flags.String("entrypoint", "", "command and arguments, separated by spaces; default: the first binary")
	user := flags.String("user", "65532", "user the container runs as")
	var variables []string
	flags.Func("env", "environment variable K=V of the container; may be repeated", func(v string) error {
		variables = append(variables, v)
		return nil
	})
	var names []string
	for len(args) > 0 { // flags may stand before, between or after names
		if err := flags.Parse(args); err != nil {
			return err
		}
		if args = flags.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	if len(names) < 2 {
		return errors.New("image takes NAME:TAG and at least one binary")
	}
	built, err := image.Build(image.Spec{Binaries: names[1:], Entrypoint: strings.Fields(*entrypoint), User: *user, Env: variables})
	if err != nil {
		return err
	}
	ref, err := image.Push(ctx, layout.Registry, names[0], built)
	if err != nil {
		return err
	}
	fmt.Println(ref)
	return nil
}

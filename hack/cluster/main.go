// Command cluster runs a real one-node Kubernetes built from Go modules, for
// the demo, the end-to-end tests and the benchmarks, on a machine without a
// container engine. It is not for production: one node, no DNS, plain HTTP.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"

	"github.com/signal-delivery/operator/hack/cluster/layout"
	"github.com/signal-delivery/operator/hack/cluster/tool"
)

// session is what every command has at hand.
type session struct {
	layout layout.Layout
	store  tool.Store
}

type command struct {
	usage string
	about string
	run   func(ctx context.Context, s session, args []string) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		usage()
		return errors.New("say which command to run")
	}
	cmd, known := commands[args[0]]
	if !known {
		usage()
		return fmt.Errorf("no command is called %q", args[0])
	}
	s, err := newSession()
	if err != nil {
		return err
	}
	return cmd.run(ctx, s, args[1:])
}

func newSession() (session, error) {
	l, err := layout.FromEnvironment()
	if err != nil {
		return session{}, err
	}
	source, err := tool.Source()
	if err != nil {
		return session{}, err
	}
	return session{layout: l, store: tool.Store{Cache: l.Cache, Source: source, Progress: os.Stderr}}, nil
}

func usage() {
	var names []string
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(os.Stderr, "  %-46s %s\n", strings.TrimSpace(name+" "+commands[name].usage), commands[name].about)
	}
}

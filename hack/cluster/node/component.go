// Package node runs the parts of a one-node Kubernetes as processes of this
// machine. The settings are the few that differ from a default for a reason
// that stands beside them.
package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/signal-delivery/operator/hack/cluster/layout"
	"github.com/signal-delivery/operator/hack/cluster/process"
)

// Tools are the binaries that the node itself needs.
var Tools = []string{
	"etcd", "kube-apiserver", "kubectl", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
	"containerd", "containerd-shim-runc-v2", "ctr", "registry",
}

// component is a process, its configuration files and the question whether it
// does its work.
type component struct {
	name  string
	tool  string // default: name
	args  []string
	env   []string
	files map[string]string // path → content
	ready func(context.Context) error
}

// Node starts and stops the components.
type Node struct {
	Layout     layout.Layout
	Paths      map[string]string // tool → binary
	Supervisor process.Supervisor
}

// New is a node whose tools may still be missing; status and down need none.
func New(l layout.Layout, paths map[string]string) Node {
	return Node{Layout: l, Paths: paths, Supervisor: process.Supervisor{Run: l.Run(), Logs: l.Logs()}}
}

// components is in the order of starting; each needs those before it.
func (n Node) components() []component {
	return []component{
		n.registry(), n.localRegistry(), n.etcd(), n.apiserver(), n.controllerManager(), n.scheduler(),
		n.containerd(), n.kubelet(), n.kubeProxy(),
	}
}

// Components names them in that order.
func (n Node) Components() []string {
	var names []string
	for _, c := range n.components() {
		names = append(names, c.name)
	}
	return names
}

// Start ensures that one component runs and is ready.
func (n Node) Start(ctx context.Context, name string) (started bool, err error) {
	for _, c := range n.components() {
		if c.name != name {
			continue
		}
		if started, err = n.ensure(c); err != nil {
			return started, err
		}
		if err := process.Await(ctx, time.Minute, n.whileAlive(c)); err != nil {
			return started, fmt.Errorf("%s: %w\n--- the end of %s ---\n%s\n--- what to do: read the log; `down`, then `up`, starts from nothing",
				name, err, n.Supervisor.Log(name), n.Supervisor.Tail(name, 20))
		}
		return started, nil
	}
	return false, fmt.Errorf("no component is called %q", name)
}

// Healthy says whether everything runs as described and answers.
func (n Node) Healthy(ctx context.Context) bool {
	for _, c := range n.components() {
		if !n.Supervisor.Current(n.program(c)) || c.ready(ctx) != nil {
			return false
		}
	}
	return true
}

func (n Node) ensure(c component) (bool, error) {
	for path, text := range c.files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return false, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return false, err
		}
	}
	return n.Supervisor.Ensure(n.program(c))
}

// whileAlive asks for readiness, and for the process first: what has ended
// will not become ready, but its log says why.
func (n Node) whileAlive(c component) func(context.Context) error {
	return func(ctx context.Context) error {
		if n.Supervisor.PID(c.name) == 0 {
			return fmt.Errorf("the process has ended")
		}
		return c.ready(ctx)
	}
}

func (n Node) program(c component) process.Program {
	tool := c.tool
	if tool == "" {
		tool = c.name
	}
	var files []string
	for path, text := range c.files {
		files = append(files, path+"\n"+text)
	}
	sort.Strings(files)
	return process.Program{Name: c.name, Path: n.Paths[tool], Args: c.args, Env: c.env, Sum: strings.Join(files, "\n")}
}

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/signal-delivery/operator/hack/cluster/host"
	"github.com/signal-delivery/operator/hack/cluster/tool"
)

// Prepare makes the machine ready for the components.
func (n Node) Prepare(ctx context.Context, progress io.Writer) error {
	if err := host.Install(ctx, progress); err != nil {
		return err
	}
	if err := os.MkdirAll(n.Layout.State, 0o755); err != nil {
		return err
	}
	if err := host.SetKernel(n.kernelNote()); err != nil {
		return err
	}
	return host.Connect(ctx)
}

// Down stops everything and leaves nothing behind. Each step is tried although
// one before it failed: after a crash, half of what it undoes is not there.
func (n Node) Down(ctx context.Context, progress io.Writer) error {
	pods := n.pods()
	var problems []error
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"stop the kubelet", func() error { return n.stop("kubelet") }},
		{"remove the pods", func() error { return n.podsGone(ctx) }},
		{"stop containerd", func() error { return n.stop("containerd") }},
		{"stop the other components", n.stopAll},
		{"clean iptables", func() error { return n.cleanTables(ctx) }},
		{"restore the network", func() error { return host.Disconnect(ctx) }},
		{"restore kernel settings", func() error { return host.RestoreKernel(n.kernelNote()) }},
		{"unmount", func() error { return host.Unmount(n.Layout.State) }},
		{"remove cgroups", host.RemoveCgroups},
	} {
		if err := step.do(); err != nil {
			fmt.Fprintf(progress, "%s: %v\n", step.what, err)
			problems = append(problems, fmt.Errorf("%s: %w", step.what, err))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d steps of down failed; %s stays, so that `down` can be tried again: %w",
			len(problems), n.Layout.State, errors.Join(problems...))
	}
	if err := os.RemoveAll(n.Layout.State); err != nil {
		return err
	}
	host.RemoveShared(pods) // last: links to what was just removed dangle now
	return nil
}

// pods are the ids that containerd has a folder for: none after it was asked
// to remove them, all after a crash.
func (n Node) pods() []string {
	folders, _ := filepath.Glob(filepath.Join(n.containerdState(), "io.containerd.runtime.v2.task", "k8s.io", "*"))
	for i, folder := range folders {
		folders[i] = filepath.Base(folder)
	}
	return folders
}

func (n Node) stop(name string) error { return n.Supervisor.Stop(name, 10*time.Second) }

// podsGone asks containerd, and ends by force what it cannot be asked to end.
func (n Node) podsGone(ctx context.Context) error {
	var asked error
	if n.Supervisor.PID("containerd") != 0 {
		asked = n.removePods(ctx)
	}
	if asked != nil {
		asked = fmt.Errorf("containerd did not do it, so its shims were killed: %w", asked)
	}
	host.KillShims(tool.Folder(n.Layout.Cache), n.Layout.Containerd())
	return asked
}

// stopAll goes from the last started to the first.
func (n Node) stopAll() error {
	var problems []error
	names := n.Components()
	for _, name := range slices.Backward(names) {
		problems = append(problems, n.stop(name))
	}
	for _, name := range n.Supervisor.Names() { // of a version with other components
		problems = append(problems, n.stop(name))
	}
	return errors.Join(problems...)
}

// cleanTables lets kube-proxy remove its rules, then removes what it leaves.
func (n Node) cleanTables(ctx context.Context) error {
	if _, err := os.Stat("/usr/sbin/iptables"); os.IsNotExist(err) {
		return nil // never was up
	}
	if _, err := os.Stat(n.Paths["kube-proxy"]); err == nil {
		cmd := exec.CommandContext(ctx, n.Paths["kube-proxy"], "--cleanup")
		cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
		_ = cmd.Run() // what it leaves or complains of goes next
	}
	return host.CleanTables(ctx)
}

func (n Node) kernelNote() string { return filepath.Join(n.Layout.State, "kernel.json") }

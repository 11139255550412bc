// Package host prepares the machine for the cluster and puts it back: Debian
// packages (which stay), an address, a route, kernel settings, and whatever
// the cluster's parts leave in mounts, interfaces, cgroups and iptables.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// packages are what the cluster takes from Debian: command, package.
var packages = [][2]string{
	{"/usr/sbin/runc", "runc"},
	{"/usr/lib/cni/bridge", "containernetworking-plugins"},
	{"/usr/sbin/iptables", "iptables"},
	{"/usr/sbin/ip", "iproute2"},
	{"/usr/bin/mount", "mount"},
}

// Root says what to do if this is not root.
func Root() error {
	if os.Geteuid() == 0 {
		return nil
	}
	return errors.New("starting and stopping the cluster needs root (build, envtest, path and env do not): use sudo -E")
}

// Install gets missing packages from Debian.
func Install(ctx context.Context, progress io.Writer) error {
	var missing []string
	for _, p := range packages {
		if _, err := os.Stat(p[0]); err != nil {
			missing = append(missing, p[1])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	fmt.Fprintf(progress, "installing Debian packages: %s …\n", strings.Join(missing, " "))
	if _, err := run(ctx, "apt-get", "update", "-qq"); err != nil {
		return err
	}
	_, err := run(ctx, "apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, missing...)...)
	return err
}

func run(ctx context.Context, name string, args ...string) (string, error) {
	return feed(ctx, "", name, args...)
}

func feed(ctx context.Context, input, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.Stdin = strings.NewReader(input)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(problem.String()))
	}
	return out.String(), nil
}

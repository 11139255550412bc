package host

import (
	"context"
	"strings"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

// Connect gives the machine the node's address and a way to ClusterIPs. The
// route must exist although kube-proxy rewrites the destination: the kernel
// decides where a packet goes before iptables sees it, and a blackhole would
// end it there.
func Connect(ctx context.Context) error {
	if _, err := run(ctx, "ip", "address", "replace", layout.Node+"/32", "dev", "lo"); err != nil {
		return err
	}
	_, err := run(ctx, "ip", "route", "replace", layout.Services, "dev", "lo", "src", layout.Node)
	return err
}

// Disconnect undoes Connect and removes the bridge that the CNI plugin made.
func Disconnect(ctx context.Context) error {
	undo := []struct {
		there []string // prints something as long as there is something to undo
		args  []string
	}{
		{[]string{"-oneline", "link", "show", "type", "bridge"}, []string{"link", "delete", layout.Bridge}},
		{[]string{"route", "show", layout.Services}, []string{"route", "delete", layout.Services, "dev", "lo"}},
		{[]string{"address", "show", "dev", "lo", "to", layout.Node}, []string{"address", "delete", layout.Node + "/32", "dev", "lo"}},
	}
	for _, u := range undo {
		out, err := run(ctx, "ip", u.there...)
		if err != nil {
			return err
		}
		if u.args[0] == "link" && !strings.Contains(out, " "+layout.Bridge+":") {
			continue
		}
		if strings.TrimSpace(out) == "" {
			continue
		}
		if _, err := run(ctx, "ip", u.args...); err != nil {
			return err
		}
	}
	return nil
}

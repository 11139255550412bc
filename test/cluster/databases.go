package cluster

import (
	"context"
	"fmt"
	"strings"
)

// Databases starts PostgreSQL and Redis in the cluster, where they are not
// there yet, and returns the environment by which the sample service finds
// them. The first time ever their packages are fetched, which takes minutes.
func (c *Cluster) Databases(ctx context.Context) ([]string, error) {
	text, err := c.Run(ctx, nil, "go", "-C", "hack/cluster", "run", ".", "databases")
	if err != nil {
		return nil, err
	}
	var env []string
	for line := range strings.SplitSeq(text, "\n") {
		if variable, is := strings.CutPrefix(line, "export "); is {
			name, value, _ := strings.Cut(variable, "=")
			env = append(env, name+"="+strings.Trim(value, "'"))
		}
	}
	if len(env) == 0 {
		return nil, fmt.Errorf("start databases: no address in %q", text)
	}
	return env, nil
}

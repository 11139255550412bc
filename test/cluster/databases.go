package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// Databases starts PostgreSQL and Redis in the cluster, where they are not
// there yet, and returns the environment by which the sample service finds
// them. The first time ever their packages are fetched, which takes minutes. In
// a cluster of one's own they are where SIGNAL_POSTGRES_URL and
// SIGNAL_REDIS_URL say.
func (c *Cluster) Databases(ctx context.Context) ([]string, error) {
	postgres, redis := os.Getenv("SIGNAL_POSTGRES_URL"), os.Getenv("SIGNAL_REDIS_URL")
	if postgres != "" && redis != "" {
		return []string{"SIGNAL_POSTGRES_URL=" + postgres, "SIGNAL_REDIS_URL=" + redis}, nil
	}
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

// StopDatabases removes what Databases has started.
func (c *Cluster) StopDatabases(ctx context.Context) error {
	if os.Getenv("SIGNAL_POSTGRES_URL") != "" {
		return nil
	}
	_, err := c.Run(ctx, nil, "go", "-C", "hack/cluster", "run", ".", "databases", "off")
	return err
}

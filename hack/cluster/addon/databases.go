package addon

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

// Databases are the images of PostgreSQL and Redis, and where PostgreSQL's
// programs are in its.
type Databases struct{ Postgres, Redis, PostgresBin string }

const namespaceOfDatabases = "databases"

// InstallDatabases applies and waits. What is there already as wanted stays as
// it is.
func (i Installer) InstallDatabases(ctx context.Context, d Databases) error {
	text, err := renderDatabases(d)
	if err != nil {
		return err
	}
	if err := i.kubectl(ctx, text, "apply", "--server-side", "--force-conflicts", "--filename=-"); err != nil {
		return err
	}
	if err := i.databasesReady(ctx, "2m"); err != nil {
		out, _ := i.command(ctx, "", "describe", "pods", "--namespace="+namespaceOfDatabases).CombinedOutput() // the complaint is as good as the answer
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// RemoveDatabases removes them with all that they keep.
func (i Installer) RemoveDatabases(ctx context.Context) error {
	return i.kubectl(ctx, "", "delete", "namespace", namespaceOfDatabases, "--ignore-not-found")
}

func (i Installer) databasesReady(ctx context.Context, timeout string) error {
	return i.kubectl(ctx, "", "wait", "deployment/postgres", "deployment/redis", "--namespace="+namespaceOfDatabases, "--for=condition=Available", "--timeout="+timeout)
}

func renderDatabases(d Databases) (string, error) {
	t, err := template.New("").Option("missingkey=error").ParseFS(manifests, "manifests/databases.yaml")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = t.ExecuteTemplate(&text, "databases.yaml", map[string]string{
		"Namespace": namespaceOfDatabases, "Postgres": d.Postgres, "Redis": d.Redis, "PostgresBin": d.PostgresBin,
		"PostgresIP": layout.Postgres, "RedisIP": layout.Redis,
	})
	return text.String(), err
}

// PostgresBin finds the folder of PostgreSQL's programs in an unpacked tree.
func PostgresBin(tree string) (string, error) {
	found, err := filepath.Glob(filepath.Join(tree, "usr/lib/postgresql/*/bin/postgres"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s has %d PostgreSQLs, not one: remove it, to have it made again", tree, len(found))
	}
	return filepath.Dir(found[0][len(tree):]), nil
}

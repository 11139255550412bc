// Package debian unpacks Debian packages and the libraries that they need into
// a folder that can become an image. It installs nothing on this machine.
package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/hack/cluster/tool"
)

// Set is some packages that make one image.
type Set struct {
	Name     string
	Packages []string // a package whose name ends in its version is found by the one that depends on it
	Without  []string // paths that the image can do without, as patterns below its root
}

// Sets are the databases.
var (
	Postgres = Set{
		Name: "postgres", Packages: []string{"postgresql", "dash"}, // initdb needs a shell
		Without: []string{"usr/share/postgresql-common", "usr/lib/postgresql/*/lib/bitcode", "usr/lib/postgresql/*/lib/llvmjit*", "usr/share/postgresql/*/man"},
	}
	Redis = Set{Name: "redis", Packages: []string{"redis-server"}}
)

// everywhere is what no image needs.
var everywhere = []string{"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/bash-completion", "usr/share/bug", "etc/init.d", "lib/systemd", "usr/lib/systemd"}

// Store keeps unpacked sets in a folder.
type Store struct {
	Cache    string
	Progress io.Writer
}

// Ensure returns the folder of a set, which it makes if need be.
func (s Store) Ensure(ctx context.Context, set Set) (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("find out which Debian this is: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%v %s", set, release))
	root := filepath.Join(s.Cache, "debian", set.Name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return "", err
	}
	return root, tool.Locked(ctx, root+".lock", func() {}, func() error {
		if _, err := os.Stat(root); err == nil {
			return nil
		}
		return s.make(ctx, set, root)
	})
}

// make unpacks beside the folder, and moves it there once it is whole.
func (s Store) make(ctx context.Context, set Set, root string) error {
	fmt.Fprintf(s.Progress, "getting Debian packages for an image of %s (nothing is installed) …\n", set.Name)
	if _, err := run(ctx, "/", "apt-get", "update", "-qq"); err != nil {
		return err
	}
	names, err := closure(set.Packages, func(name string) (string, error) {
		return run(ctx, "/", "apt-cache", "depends", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", name)
	})
	if err != nil {
		return err
	}
	half := root + ".half"
	debs := filepath.Join(half, "debs")
	if err := errors.Join(os.RemoveAll(half), os.MkdirAll(debs, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(half) //nolint:errcheck // it is swept next time
	if _, err := run(ctx, debs, "apt-get", append([]string{"download", "-qq", "-o", "APT::Sandbox::User=root"}, names...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	tree := filepath.Join(half, "tree")
	for _, file := range files {
		if _, err := run(ctx, half, "dpkg-deb", "--extract", file, tree); err != nil {
			return err
		}
	}
	if err := errors.Join(prune(tree, slices.Concat(everywhere, set.Without)), finish(tree)); err != nil {
		return err
	}
	return os.Rename(tree, root)
}

// closure is the packages, what they depend on under a name with a version in
// it, and all libraries that these need.
func closure(wanted []string, depends func(name string) (string, error)) ([]string, error) {
	queue, known := slices.Clone(wanted), map[string]bool{}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if known[name] {
			continue
		}
		known[name] = true
		text, err := depends(name)
		if err != nil {
			return nil, fmt.Errorf("find what Debian package %s depends on: %w", name, err)
		}
		for line := range strings.SplitSeq(text, "\n") {
			kind, other, found := strings.Cut(strings.Trim(line, " |"), ": ")
			if found && strings.HasSuffix(kind, "Depends") && needed(name, other) {
				queue = append(queue, other)
			}
		}
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// needed reports whether a package that another depends on is to be in the
// image: libraries, and parts of the same software.
func needed(of, name string) bool {
	for _, prefix := range []string{"libllvm", "libperl", "libpython"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	part := of + "-"
	return strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "zlib") || strings.HasPrefix(name, "lua-") || name == "redis-tools" ||
		strings.HasPrefix(name, part) && strings.Trim(name[len(part):], "0123456789.") == ""
}

// prune removes what matches a pattern.
func prune(tree string, patterns []string) error {
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(tree, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish makes links that Debian's base has: later releases have these folders
// below /usr alone.
func finish(tree string) error {
	for _, name := range []string{"bin", "lib", "lib64"} {
		_, above := os.Lstat(filepath.Join(tree, name))
		_, below := os.Stat(filepath.Join(tree, "usr", name))
		if errors.Is(above, fs.ErrNotExist) && below == nil {
			if err := os.Symlink("usr/"+name, filepath.Join(tree, name)); err != nil {
				return err
			}
		}
	}
	for _, at := range []string{"bin/sh", "usr/bin/sh"} {
		_, err := os.Lstat(filepath.Join(tree, at))
		if _, dash := os.Stat(filepath.Join(tree, filepath.Dir(at), "dash")); err != nil && dash == nil {
			if err := os.Symlink("dash", filepath.Join(tree, at)); err != nil {
				return err
			}
		}
	}
	return nil
}

func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.Output()
	if failed, is := errors.AsType[*exec.ExitError](err); is {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(failed.Stderr)))
	}
	return string(out), err
}

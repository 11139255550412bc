package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Store builds tools once and remembers where they are.
type Store struct {
	Cache    string // folder outside the repository
	Source   string // hack/cluster
	Progress io.Writer
}

// Ensure builds what is missing, one tool at a time, and returns each one's path.
func (s Store) Ensure(ctx context.Context, names ...string) (map[string]string, error) {
	paths, err := s.Paths(names...)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if exists(paths[name]) {
			continue
		}
		if err := s.locked(ctx, func() error { return s.build(ctx, name, paths[name]) }); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Paths says where tools are or will be, and builds nothing.
func (s Store) Paths(names ...string) (map[string]string, error) {
	paths := map[string]string{}
	for _, name := range names {
		path, err := s.path(name)
		if err != nil {
			return nil, err
		}
		paths[name] = path
	}
	return paths, nil
}

// Path ensures one tool.
func (s Store) Path(ctx context.Context, name string) (string, error) {
	paths, err := s.Ensure(ctx, name)
	return paths[name], err
}

// Together ensures tools and returns a folder that holds all of them.
func (s Store) Together(ctx context.Context, folder string, names ...string) (string, error) {
	paths, err := s.Ensure(ctx, names...)
	if err != nil {
		return "", err
	}
	var keys []string
	for _, name := range names {
		keys = append(keys, strings.TrimPrefix(filepath.Base(filepath.Dir(paths[name])), name+"-"))
	}
	dir := filepath.Join(s.Cache, folder, strings.Join(keys, "-"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range names {
		if err := os.Symlink(paths[name], filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrExist) {
			return "", err
		}
	}
	return dir, nil
}

func (s Store) path(name string) (string, error) {
	t, err := Named(name)
	if err != nil {
		return "", err
	}
	version, err := s.version(t)
	if err != nil {
		return "", err
	}
	k, err := key(t, s.Source, version)
	if err != nil {
		return "", err
	}
	return filepath.Join(Folder(s.Cache), name+"-"+k, name), nil
}

func (s Store) version(t Tool) (string, error) {
	if t.Module == "" {
		return "", nil
	}
	return versionOf(t.Module, filepath.Join(s.Source, t.Folder, "go.mod"))
}

// build compiles beside the final place and renames, so that a file that is
// there is whole.
func (s Store) build(ctx context.Context, name, path string) error {
	if exists(path) { // built by another run while this one waited for the lock
		return nil
	}
	t, err := Named(name)
	if err != nil {
		return err
	}
	version, err := s.version(t)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	title := strings.TrimSpace(name + " " + version)
	fmt.Fprintf(s.Progress, "building %s (%s the first time) …\n", title, t.Patient)
	start := time.Now()
	part := path + ".part"
	args := append(arguments(t, version), "-o", part, t.Package)
	if err := s.compile(ctx, filepath.Join(s.Source, t.Folder), args); err != nil {
		return fmt.Errorf("build %s: %w", title, err)
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	fmt.Fprintf(s.Progress, "built %s in %s\n", title, time.Since(start).Round(time.Second))
	return nil
}

// compile runs go with a known environment: a developer's GOFLAGS or go.work
// would make another binary under the same key.
func (s Store) compile(ctx context.Context, dir string, args []string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GO111MODULE=on")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s in %s: %w\n%s", strings.Join(args, " "), dir, err, lastLines(string(out), 20))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Folder holds every binary below a cache, of this version and of others.
func Folder(cache string) string { return filepath.Join(cache, "bin") }

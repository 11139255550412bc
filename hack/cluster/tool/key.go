package tool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
)

// arguments is the go command that builds t, without its output.
func arguments(t Tool, version string) []string {
	args := []string{"build", "-trimpath", "-buildvcs=false"}
	if t.Tags != "" {
		args = append(args, "-tags="+t.Tags)
	}
	flags := "-s -w"
	if t.Stamp != "" {
		flags += " -X " + t.Stamp + "=" + version
	}
	return append(args, "-ldflags="+flags)
}

// key names one build: the same go.mod, go.sum, flags and Go give the same key,
// and for our own programs the same source.
func key(t Tool, source, version string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH, t.Package, arguments(t, version))
	folder := filepath.Join(source, t.Folder)
	files := []string{filepath.Join(folder, "go.mod"), filepath.Join(folder, "go.sum")}
	if t.Module == "" {
		own, err := filepath.Glob(filepath.Join(folder, "cmd", t.Name, "*.go"))
		if err != nil {
			return "", err
		}
		sort.Strings(own)
		files = append(files, own...)
	}
	for _, name := range files {
		if err := hashFile(h, name); err != nil {
			return "", fmt.Errorf("hash the sources of %s: %w", t.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

func hashFile(w io.Writer, name string) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) && filepath.Base(name) == "go.sum" {
		return nil // a module without dependencies has none
	}
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintln(w, filepath.Base(name))
	_, err = io.Copy(w, f)
	return err
}

// versionOf reads the version that a go.mod requires of a module.
func versionOf(module, goMod string) (string, error) {
	text, err := os.ReadFile(goMod)
	if err != nil {
		return "", err
	}
	line := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(module) + ` (v\S+)`)
	found := line.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s does not require %s", goMod, module)
	}
	return string(found[1]), nil
}

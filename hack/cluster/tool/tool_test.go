package tool

import (
	"os"
	"path/filepath"
	"testing"
)

func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tools/x/go.mod": "module x\n\nrequire (\n\texample.com/y v1.2.3\n)\n",
		"tools/x/go.sum": "example.com/y v1.2.3 h1:a\n",
		"go.mod":         "module own\n",
		"cmd/z/main.go":  "package main\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestKeyFollowsWhatTheBinaryIsMadeOf(t *testing.T) {
	pinned := Tool{Name: "y", Package: "example.com/y", Module: "example.com/y", Folder: "tools/x"}
	ours := Tool{Name: "z", Package: "own/cmd/z", Folder: "."}
	tagged := pinned
	tagged.Tags = "slim"
	for name, tc := range map[string]struct {
		before, after Tool
		touch         string
		same          bool
	}{
		"nothing changed":              {pinned, pinned, "", true},
		"a build tag":                  {pinned, tagged, "", false},
		"a dependency's checksum":      {pinned, pinned, "tools/x/go.sum", false},
		"somebody else's source":       {pinned, pinned, "cmd/z/main.go", true},
		"the source of our own binary": {ours, ours, "cmd/z/main.go", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := source(t)
			first, err := key(tc.before, dir, "v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			if tc.touch != "" {
				if err := os.WriteFile(filepath.Join(dir, tc.touch), []byte("changed\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			second, err := key(tc.after, dir, "v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			if (first == second) != tc.same {
				t.Errorf("keys %s and %s, want same: %v", first, second, tc.same)
			}
		})
	}
}

func TestVersionOf(t *testing.T) {
	got, err := versionOf("example.com/y", filepath.Join(source(t), "tools/x/go.mod"))
	if err != nil || got != "v1.2.3" {
		t.Errorf("versionOf = %q, %v", got, err)
	}
}

func TestEveryToolIsPinned(t *testing.T) {
	dir, err := Source()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if _, err := (Store{Cache: t.TempDir(), Source: dir}).path(name); err != nil {
			t.Error(err)
		}
	}
}

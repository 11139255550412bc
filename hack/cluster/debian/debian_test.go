package debian

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What apt-cache says of some packages.
var depends = map[string]string{
	"database":    "database\n  Depends: database-15\n  Depends: database-common\n",
	"database-15": "database-15\n |Depends: locales\n  Depends: libc6\n  Depends: libllvm14\n  Depends: ssl-cert\n  Depends: zlib1g\n  Depends: <debconf-2.0>\n    libdebconf\n",
	"libc6":       "libc6\n  PreDepends: libgcc-s1\n",
	"libgcc-s1":   "libgcc-s1\n  Depends: libc6\n",
	"zlib1g":      "zlib1g\n  Depends: libc6\n",
}

func TestClosure(t *testing.T) {
	ask := func(name string) (string, error) {
		if text, known := depends[name]; known {
			return text, nil
		}
		return "", errors.New("unable to locate it")
	}
	got, err := closure([]string{"database"}, ask)
	if want := []string{"database", "database-15", "libc6", "libgcc-s1", "zlib1g"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := closure([]string{"nothing"}, ask); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("%v", err)
	}
}

// The tree can run where Debian's base is not.
func TestFinish(t *testing.T) {
	tree := t.TempDir()
	for _, dir := range []string{"usr/bin", "usr/lib", "usr/share/doc/x", "usr/lib/db/15/lib/bitcode"} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(tree, "usr/bin/dash"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(prune(tree, append([]string{"usr/lib/db/*/lib/bitcode"}, everywhere...)), finish(tree)); err != nil {
		t.Fatal(err)
	}
	for path, there := range map[string]bool{"bin/sh": true, "lib/db/15/lib": true, "lib64": false, "usr/share/doc": false, "usr/lib/db/15/lib/bitcode": false} {
		if _, err := os.Stat(filepath.Join(tree, path)); (err == nil) != there {
			t.Errorf("%s: %v", path, err)
		}
	}
}

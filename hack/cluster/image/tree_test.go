package image

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// A folder becomes the root of an image: nothing of who owns it here, or of
// when it was made, is in it.
func TestTree(t *testing.T) {
	tree := t.TempDir()
	if err := errors.Join(
		os.MkdirAll(filepath.Join(tree, "usr/bin"), 0o777), os.MkdirAll(filepath.Join(tree, "etc"), 0o755),
		os.WriteFile(filepath.Join(tree, "usr/bin/dash"), []byte("program"), 0o755),
		os.WriteFile(filepath.Join(tree, "etc/passwd"), []byte("of someone else"), 0o644),
		os.Symlink("dash", filepath.Join(tree, "usr/bin/sh")),
	); err != nil {
		t.Fatal(err)
	}
	built, err := Build(Spec{Tree: tree, User: "65532"})
	if err != nil {
		t.Fatal(err)
	}
	layers, err := built.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	got := map[string]string{}
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.ModTime.Unix() != 0 || header.Mode&0o022 != 0 && header.Name != "tmp/" && header.Linkname == "" {
			t.Errorf("%+v", header)
		}
		got[header.Name] = string(body) + header.Linkname
	}
	want := map[string]string{"tmp/": "", "etc/": "", "etc/passwd": string(passwd), "usr/": "", "usr/bin/": "", "usr/bin/dash": "program", "usr/bin/sh": "dash"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

package image

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
)

// treeLayer is everything below a folder, as root's, with what every image has.
func treeLayer(root string) ([]byte, error) {
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	if err := add(archive, tar.Header{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir}, nil); err != nil {
		return nil, err
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || name == "etc/passwd" {
			return err
		}
		return addFile(archive, name, path, info)
	})
	if err != nil {
		return nil, err
	}
	if err := add(archive, tar.Header{Name: "etc/passwd", Mode: 0o644}, passwd); err != nil {
		return nil, err
	}
	err = archive.Close()
	return buffer.Bytes(), err
}

// addFile adds a folder, a file or a link; there is nothing else in packages.
func addFile(archive *tar.Writer, name, path string, info fs.FileInfo) error {
	mode := int64(info.Mode().Perm() &^ 0o022)
	switch {
	case info.IsDir():
		return add(archive, tar.Header{Name: name + "/", Mode: mode, Typeflag: tar.TypeDir}, nil)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return add(archive, tar.Header{Name: name, Linkname: target, Mode: 0o777, Typeflag: tar.TypeSymlink}, nil)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return add(archive, tar.Header{Name: name, Mode: mode}, body)
}

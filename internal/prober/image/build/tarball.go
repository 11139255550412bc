package build

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/internal/verdict"
)

// capabilities is the one extended attribute that is kept: a program may need
// it to run. The others are of the host that packed the tarball.
const capabilities = "SCHILY.xattr.security.capability"

// setOf are the bits of a mode that are kept: permissions, setuid, setgid and
// sticky.
const setOf = 0o7777

// normalise writes the entries of a tarball in their order, so that what they
// say depends on the files alone. Of each entry it keeps the type, the content,
// the mode's permission bits, the numbers of owner and group, the target of a
// link, and the file capabilities. It writes every time as the Unix epoch, and
// drops the names of owner and group, all other extended headers and
// attributes, and global headers. Names are written without "./", "//" and the
// like, with a slash behind directories; sparse files are written whole. An
// entry that leads out of the image, a device, a pipe, or anything else that is
// not a file, a directory or a link is refused.
func normalise(in io.Reader, out io.Writer, most limits) error {
	r, w := tar.NewReader(in), tar.NewWriter(out)
	left := most.bytes
	for seen := 0; ; seen++ {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && seen > 0:
			return w.Close()
		case err != nil:
			return err
		case seen == most.entries:
			return refuse(ReasonTooLarge, "it has more than %d entries: split it", most.entries)
		case h.Typeflag == tar.TypeXGlobalHeader:
			continue
		}
		plain, err := header(h)
		if err != nil {
			return err
		}
		if left -= plain.Size; left < 0 {
			return tooLarge(most.bytes)
		}
		if err := w.WriteHeader(plain); err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil { //nolint:gosec // no more than the size that was counted above
			return err
		}
	}
}

func tooLarge(most int64) error {
	return refuse(ReasonTooLarge, "it unpacks to more than %d bytes: split it", most)
}

// header is h with nothing but what is kept.
func header(h *tar.Header) (*tar.Header, error) {
	clean, err := inside(h.Name)
	if err != nil {
		return nil, err
	}
	plain := &tar.Header{
		Typeflag: h.Typeflag, Name: clean, Mode: h.Mode & setOf, Uid: h.Uid, Gid: h.Gid,
		ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
	}
	if set, ok := h.PAXRecords[capabilities]; ok {
		plain.PAXRecords = map[string]string{capabilities: set}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		plain.Typeflag, plain.Size = tar.TypeReg, h.Size
	case tar.TypeDir:
		plain.Name += "/"
	case tar.TypeSymlink:
		plain.Linkname = h.Linkname
	case tar.TypeLink:
		plain.Linkname, err = inside(h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		err = refuse(ReasonLayer, "its entry %s is a device: leave it out", quoted(h.Name))
	default:
		err = refuse(ReasonLayer, "its entry %s is not a file, a directory or a link (type %q): leave it out", quoted(h.Name), h.Typeflag)
	}
	if err == nil && (clean == "." && h.Typeflag != tar.TypeDir || h.Uid < 0 || h.Gid < 0) {
		err = refuse(ReasonLayer, "its entry %s has no name or no owner: pack it anew", quoted(h.Name))
	}
	return plain, err
}

// inside is a path, cleaned, that stays within the image.
func inside(p string) (string, error) {
	if strings.HasPrefix(p, "/") {
		return "", refuse(ReasonLayer, "its entry %s has an absolute path: pack it with relative paths, as tar -C does", quoted(p))
	}
	if slices.Contains(strings.Split(p, "/"), "..") {
		return "", refuse(ReasonLayer, "its entry %s leads out of the image: pack it without '..', as tar -C does", quoted(p))
	}
	return path.Clean(p), nil
}

func quoted(p string) string { return fmt.Sprintf("%q", verdict.Clip(p, 256)) }

// bounded ends in a refusal when there is more than left to read.
type bounded struct {
	in   io.Reader
	left int64
	most int64
}

// Read passes on what is within the bound.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.most)
	}
	return n, err
}

package build

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kept is what normalising leaves of a tarball.
func kept(t *testing.T, most limits, entries ...entry) ([]tar.Header, error) {
	t.Helper()
	var out bytes.Buffer
	if err := normalise(bytes.NewReader(tarball(t, entries...)), &out, most); err != nil {
		return nil, err
	}
	var all []tar.Header
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		fine(t, err)
		h.Format = 0
		all = append(all, *h)
	}
}

func TestWhatIsKeptOfAnEntry(t *testing.T) {
	epoch, then, long := time.Unix(0, 0), time.Unix(1700000000, 5), strings.Repeat("long", 64)+"ü"
	for name, tc := range map[string]struct{ in, want tar.Header }{
		"a file": {
			tar.Header{Name: "./a//b", Typeflag: tar.TypeReg, Size: 3, Mode: 0o106755, Uid: 7, Gid: 8, Uname: "x", Gname: "y", ModTime: then, AccessTime: then, ChangeTime: then, Format: tar.FormatPAX},
			tar.Header{Name: "a/b", Typeflag: tar.TypeReg, Size: 3, Mode: 0o6755, Uid: 7, Gid: 8, ModTime: epoch},
		},
		"a directory": {
			tar.Header{Name: "a", Typeflag: tar.TypeDir, Mode: 0o41777, ModTime: then},
			tar.Header{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o1777, ModTime: epoch},
		},
		"the root": {
			tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
			tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: epoch},
		},
		"a link that leads out": {
			tar.Header{Name: "a", Linkname: "../../etc/passwd", Typeflag: tar.TypeSymlink},
			tar.Header{Name: "a", Linkname: "../../etc/passwd", Typeflag: tar.TypeSymlink, ModTime: epoch},
		},
		"a hard link": {
			tar.Header{Name: "a", Linkname: "./b", Typeflag: tar.TypeLink},
			tar.Header{Name: "a", Linkname: "b", Typeflag: tar.TypeLink, ModTime: epoch},
		},
		"a name with dots in it": {
			tar.Header{Name: "a..b/..c", Typeflag: tar.TypeReg},
			tar.Header{Name: "a..b/..c", Typeflag: tar.TypeReg, ModTime: epoch},
		},
		"file capabilities": {
			tar.Header{Name: "a", Typeflag: tar.TypeReg, PAXRecords: map[string]string{capabilities: "\x01\x00", "SCHILY.xattr.user.a": "b", "SCHILY.xattr.security.selinux": "c"}},
			tar.Header{Name: "a", Typeflag: tar.TypeReg, PAXRecords: map[string]string{capabilities: "\x01\x00"}, ModTime: epoch, Xattrs: map[string]string{"security.capability": "\x01\x00"}}, //nolint:staticcheck // what the reader still fills in
		},
		"a long name": {
			tar.Header{Name: long, Typeflag: tar.TypeReg, Format: tar.FormatGNU},
			tar.Header{Name: long, Typeflag: tar.TypeReg, ModTime: epoch, PAXRecords: map[string]string{"path": long}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kept(t, allowed, entry{tc.in, strings.Repeat("x", int(tc.in.Size))})
			if diff := cmp.Diff([]tar.Header{tc.want}, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestEntriesStayInOrderAndGlobalHeadersGo(t *testing.T) {
	global := entry{tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "a commit"}}, ""}
	got, err := kept(t, allowed, global, file("b", "1"), file("a", "2"), file("b", "3"))
	fine(t, err)
	var names []string
	for _, h := range got {
		names = append(names, h.Name)
	}
	if diff := cmp.Diff([]string{"b", "a", "b"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		in   tar.Header
		says string
	}{
		"an absolute path":           {tar.Header{Name: "/etc/passwd", Typeflag: tar.TypeReg}, `"/etc/passwd" has an absolute path`},
		"a path that leads out":      {tar.Header{Name: "../a", Typeflag: tar.TypeReg}, `"../a" leads out`},
		"a path that leads up":       {tar.Header{Name: "a/../b", Typeflag: tar.TypeReg}, `"a/../b" leads out`},
		"a path that ends above":     {tar.Header{Name: "a/..", Typeflag: tar.TypeDir}, `leads out`},
		"a link's path":              {tar.Header{Name: "../a", Linkname: "b", Typeflag: tar.TypeSymlink}, `"../a" leads out`},
		"a hard link that leads out": {tar.Header{Name: "a", Linkname: "../b", Typeflag: tar.TypeLink}, `"../b" leads out`},
		"a hard link to a root":      {tar.Header{Name: "a", Linkname: "/b", Typeflag: tar.TypeLink}, `"/b" has an absolute path`},
		"a character device":         {tar.Header{Name: "dev/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, `"dev/null" is a device`},
		"a block device":             {tar.Header{Name: "dev/sda", Typeflag: tar.TypeBlock}, `"dev/sda" is a device`},
		"a pipe":                     {tar.Header{Name: "p", Typeflag: tar.TypeFifo}, `"p" is not a file`},
		"something else":             {tar.Header{Name: "v", Typeflag: 'V'}, `"v" is not a file`},
		"a file without a name":      {tar.Header{Name: "./", Typeflag: tar.TypeSymlink, Linkname: "x"}, `"./" has no name`},
		"no owner":                   {tar.Header{Name: "a", Typeflag: tar.TypeReg, Uid: -1, Format: tar.FormatGNU}, `no owner`},
		"no group":                   {tar.Header{Name: "a", Typeflag: tar.TypeReg, Gid: -1, Format: tar.FormatGNU}, `no owner`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kept(t, allowed, file("good", ""), entry{tc.in, ""})
			if v := explain(err); v.Reason != ReasonLayer || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %v: %v", got, err)
			}
		})
	}
}

func TestBoundsOfALayer(t *testing.T) {
	entries := []entry{file("a", "four"), file("b", "five!")} // 9 bytes, in 4 blocks and 2 at the end
	for name, tc := range map[string]struct {
		most limits
		ok   bool
	}{
		"bytes and entries just":  {limits{9, 2}, true},
		"one byte too many":       {limits{8, 2}, false},
		"one entry too many":      {limits{9, 1}, false},
		"more than enough of all": {allowed, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kept(t, tc.most, entries...)
			if (err == nil) != tc.ok || err != nil && explain(err).Reason != ReasonTooLarge {
				t.Errorf("got %v", err)
			}
		})
	}
	if want := (limits{2 << 30, 200_000}); allowed != want {
		t.Errorf("allowed are %+v, not %+v", allowed, want)
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	big := entry{tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: 1 << 20}, strings.Repeat("\x00", 1<<20)}
	padded := append(tarball(t, file("a", "1")), make([]byte, 1<<20)...)
	whole := int64(len(padded))
	for name, tc := range map[string]struct {
		content []byte
		most    int64
		ok      bool
	}{
		"a large file":           {tarball(t, big), 1<<20 - 1, false},
		"what follows the end":   {padded, whole - 1, false},
		"what follows, just":     {padded, whole, true},
		"a sparse file's header": {sparse(1<<31 + 1), 1 << 31, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, content := range [][]byte{tc.content, zipped(t, tc.content, 9)} {
				_, err := squeeze(bytes.NewReader(content), io.Discard, limits{tc.most, 10})
				if (err == nil) != tc.ok || err != nil && explain(err).Reason != ReasonTooLarge {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// sparse is a tarball in the old format of GNU whose one file is nothing but a
// hole of that size.
func sparse(size int64) []byte {
	block := make([]byte, 512)
	copy(block, "hole")
	copy(block[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00")
	block[156] = 'S'
	copy(block[257:], "ustar  \x00")
	copy(block[386:], octal(size, 11)+"\x00"+octal(0, 11)+"\x00")
	copy(block[483:], octal(size, 11)+"\x00")
	copy(block[148:], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:], octal(int64(sum), 6)+"\x00 ")
	return append(block, make([]byte, 1024)...)
}

func octal(n int64, digits int) string {
	text := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		text[i] = byte('0' + n%8)
		n /= 8
	}
	return string(text)
}

func TestASparseFileIsWrittenWhole(t *testing.T) {
	var out bytes.Buffer
	fine(t, normalise(bytes.NewReader(sparse(1000)), &out, allowed))
	r := tar.NewReader(&out)
	h, err := r.Next()
	fine(t, err)
	content, err := io.ReadAll(r)
	if h.Typeflag != tar.TypeReg || len(content) != 1000 || err != nil {
		t.Errorf("got %+v, %d bytes, %v", h, len(content), err)
	}
}

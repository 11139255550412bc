package build

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

// level of the compression: what gzip itself takes when it is not told.
const level = 6

// limits of one layer.
type limits struct {
	bytes   int64 // packed, and unpacked
	entries int
}

var allowed = limits{bytes: 2 << 30, entries: 200_000}

// layer is a layer that has been written.
type layer struct {
	path   string
	digest v1.Hash
	diffID v1.Hash // of the tarball within
	size   int64
}

// press writes the tarball to path as a layer. That it has its digest is known
// only once it was read; till then nothing is made of it.
func (s source) press(path string, stopped func() error, most limits) (layer, error) {
	if s.size < 0 || s.size > most.bytes {
		return layer{}, refuse(ReasonTooLarge, "%s cannot become a layer, because it has %d bytes, and may have %d: split it", s.name, s.size, most.bytes)
	}
	in, err := s.open()
	if err != nil {
		return layer{}, s.trouble(err)
	}
	defer func() { _ = in.Close() }()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a directory of our own, and a number
	if err != nil {
		return layer{}, noRoom(err)
	}
	seen := &watched{in: io.LimitReader(in, s.size), stopped: stopped, sum: sha256.New()}
	l, err := squeeze(seen, scratch{file}, most)
	if closing := file.Close(); err == nil && closing != nil {
		err = noRoom(closing)
	}
	if err := s.judge(seen, err); err != nil {
		return layer{}, err
	}
	l.path = path
	return l, nil
}

// judge prefers what decides: a wrong digest explains everything else.
func (s source) judge(seen *watched, err error) error {
	var t told
	if errors.As(err, &t) && t.Reason == ReasonScratch {
		return err
	}
	_, _ = io.Copy(io.Discard, seen) // the rest, for its digest; an error is remembered
	sum := hex.EncodeToString(seen.sum.Sum(nil))
	switch {
	case sum != s.sha256 && (seen.err == nil || seen.read == s.size):
		return refuse(ReasonWrongDigest, "%s has the sha256 %s, not %s: build from what was meant, or correct the digest", s.name, sum, s.sha256)
	case seen.err != nil:
		return s.trouble(seen.err)
	case errors.As(err, &t):
		t.Message = verdict.Clip(s.name+" cannot become a layer, because "+t.Message, 2048)
		return t
	case err != nil:
		return refuse(ReasonLayer, "%s cannot become a layer, because it is no tarball, or a damaged one: pack it with tar, compressed by gzip or not at all", s.name)
	}
	return nil
}

// squeeze normalises and compresses a tarball, whether it was compressed or
// not. The header of the gzip stream has no name and no time; the compressor
// is the one that this program was built with.
func squeeze(in io.Reader, out io.Writer, most limits) (layer, error) {
	packed, unpacked := &meter{out, sha256.New(), 0}, &meter{nil, sha256.New(), 0}
	zip, err := gzip.NewWriterLevel(packed, level)
	if err != nil {
		return layer{}, err
	}
	unpacked.out = zip
	buffered := bufio.NewReaderSize(in, 64<<10)
	content := io.Reader(buffered)
	if head, _ := buffered.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		if content, err = gzip.NewReader(buffered); err != nil {
			return layer{}, err
		}
	}
	content = &bounded{content, most.bytes, most.bytes}
	if err := normalise(content, unpacked, most); err != nil {
		return layer{}, err
	}
	if _, err := io.Copy(io.Discard, content); err != nil { //nolint:gosec // bounded; reads what pads the tarball, and the checksum of gzip
		return layer{}, err
	}
	if err := zip.Close(); err != nil {
		return layer{}, err
	}
	return layer{digest: packed.hash(), diffID: unpacked.hash(), size: packed.size}, nil
}

// watched remembers what was read and what went wrong, since what reads from
// it cannot tell a bad tarball from a broken connection.
type watched struct {
	in      io.Reader
	stopped func() error
	sum     hash.Hash
	read    int64
	err     error
}

// Read reads until it fails once.
func (w *watched) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.err = w.stopped(); w.err != nil {
		return 0, w.err
	}
	n, err := w.in.Read(p)
	w.sum.Write(p[:n])
	w.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// meter hashes and counts what is written.
type meter struct {
	out  io.Writer
	sum  hash.Hash
	size int64
}

// Write passes on.
func (m *meter) Write(p []byte) (int, error) {
	n, err := m.out.Write(p)
	m.sum.Write(p[:n])
	m.size += int64(n)
	return n, err
}

func (m *meter) hash() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(m.sum.Sum(nil))}
}

// scratch is a file whose trouble is not the tarball's.
type scratch struct{ *os.File }

// Write passes on.
func (s scratch) Write(p []byte) (int, error) {
	n, err := s.File.Write(p)
	if err != nil {
		return n, noRoom(err)
	}
	return n, nil
}

// open reads the layer back, compressed.
func (l layer) open() (io.ReadCloser, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, noRoom(err)
	}
	return file, nil
}

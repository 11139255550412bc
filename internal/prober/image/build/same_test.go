package build

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// hosted is the application as one host packs it.
func hosted(t *testing.T, at time.Time, owner string, level int) []byte {
	t.Helper()
	program, config, dir := file("./app/run", strings.Repeat("signal service ", 5000)), file("app/config", "level: 2\n"), file("app/", "")
	program.Mode, dir.Mode, dir.Typeflag = 0o100755, 0o755, '5'
	var entries []entry
	for i, e := range []entry{dir, program, config} {
		e.ModTime, e.AccessTime, e.Uname, e.Gname = at.Add(time.Duration(i)*time.Millisecond), at, owner, owner
		e.Format = 4 // PAX, which has fractions of seconds
		e.PAXRecords = map[string]string{"SCHILY.xattr.user.host": owner, "comment": owner}
		entries = append(entries, e)
	}
	content := tarball(t, entries...)
	if level == 0 {
		return content
	}
	return zipped(t, content, level)
}

func TestTheSameInputsGiveTheSameDigest(t *testing.T) {
	digests := map[string]bool{}
	for _, h := range []struct {
		zone, home, owner string
		at                time.Time
		level             int
	}{
		{"UTC", "/root", "root", time.Unix(1700000000, 5), 0},
		{"Asia/Tokyo", "/home/ci", "ci", time.Unix(1800000000, 7), 1},
		{"Asia/Tokyo", "/home/ci", "ci", time.Unix(1800000000, 7), 9},
	} {
		t.Setenv("TZ", h.zone)
		t.Setenv("HOME", h.home)
		t.Setenv("TMPDIR", t.TempDir())
		t.Setenv("HOSTNAME", h.owner)
		t.Setenv("SOURCE_DATE_EPOCH", h.at.Format("150405"))
		here := time.Local
		time.Local = time.FixedZone(h.zone, len(h.zone)*3600)
		at, volumes := host(t, quiet()), t.TempDir()
		job := task(t, at, volumes, volume(t, volumes, hosted(t, h.at, h.owner, h.level)))
		job.Scratch = ""
		for range 2 {
			digest, _ := built(t, job)
			digests[digest] = true
		}
		time.Local = here
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
			t.Errorf("left behind %v, %v", left, err)
		}
	}
	// A compressor that writes other bytes changes what all builds give: say so
	// in the release notes, and here.
	want := map[string]bool{"sha256:b1ec3b37077ef7015bbeda5f3796ba611351718a73a51d519d069d0ce8fa0dd8": true}
	if diff := cmp.Diff(want, digests); diff != "" {
		t.Error(diff)
	}
}

func TestOtherInputsGiveAnotherDigest(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	digests := map[string]string{}
	for name, e := range map[string]entry{
		"a file":          file("app", "one"),
		"another content": file("app", "two"),
		"another name":    file("run", "one"),
		"another mode":    func() entry { e := file("app", "one"); e.Mode = 0o755; return e }(),
		"another owner":   func() entry { e := file("app", "one"); e.Uid = 65532; return e }(),
		"another group":   func() entry { e := file("app", "one"); e.Gid = 65532; return e }(),
	} {
		digest, _ := built(t, task(t, at, volumes, volume(t, volumes, tarball(t, e))))
		if other, ok := digests[digest]; ok {
			t.Errorf("%s and %s are the same", name, other)
		}
		digests[digest] = name
	}
}

func TestAnImageHoldsTheBaseAndWhatWasPutIn(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app/run", "run me"), file("./etc/more", "more"))))
	_, image := built(t, job)
	want := map[string]string{"etc/base": "the base", "app/run": "run me", "etc/more": "more"}
	if diff := cmp.Diff(want, extract(t, image)); diff != "" {
		t.Error(diff)
	}
	config, err := image.ConfigFile()
	fine(t, err)
	if !config.Created.Equal(time.Unix(1600000000, 0)) {
		t.Errorf("created %s, not when the base was", config.Created)
	}
	last := config.History[len(config.History)-1]
	if last.CreatedBy != "append layer 1 of 1" || !last.Created.IsZero() || len(config.RootFS.DiffIDs) != 2 {
		t.Errorf("history %+v, layers %v", last, config.RootFS.DiffIDs)
	}
	layers, err := image.Layers()
	fine(t, err)
	content, err := layers[1].Uncompressed()
	fine(t, err)
	said, err := layers[1].DiffID()
	fine(t, err)
	if got := hashAll(t, content); got != said.String() || said != config.RootFS.DiffIDs[1] {
		t.Errorf("unpacked it is %s, not %s", got, said)
	}
}

func TestAPassSaysWhatOfWhatForWhom(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "1"))))
	answer := Append(t.Context(), job)
	want := "Built " + at + "/acme/app@" + answer.Digest + " of " + job.Spec.Base
	if got := answer.Verdicts[0]; got.Message != want || got.Evidence.Query != job.Spec.Base || got.Evidence.Source != at {
		t.Errorf("got %+v %+v", got, got.Evidence)
	}
}

func TestReferencesCanBeReadOtherwise(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "1"))))
	mirror := job.Spec.Base
	job.Spec.Base = strings.Replace(mirror, at, "registry.example", 1)
	job.Parse = parseAs(mirror)
	built(t, job)
	job.Parse = parseAs(at + "/base:v1")
	if v := Append(t.Context(), job).Verdicts[0]; v.Reason != ReasonInvalid {
		t.Errorf("a tag was taken: %+v", v)
	}
	job.Parse = nil
	job.Spec = v1alpha1.AppendBuild{Base: at + "/base:v1", Layers: job.Spec.Layers}
	for _, other := range []string{at + "/base@sha512:" + ones + ones, "not a reference", ""} {
		job.Spec.Base = other
		if v := Append(t.Context(), job).Verdicts[0]; v.Outcome != verdict.Failed || v.Reason != ReasonInvalid {
			t.Errorf("%q was taken: %+v", other, v)
		}
	}
	job.Spec.Base = at + "/base:v1"
	if v := Append(t.Context(), job).Verdicts[0]; v.Reason != ReasonInvalid || !strings.Contains(v.Message, `"`+at+`/base:v1" is no digest`) {
		t.Errorf("a tag was taken: %+v", v)
	}
}

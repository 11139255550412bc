package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func compile(t *testing.T, dir string) string {
	t.Helper()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "app")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

func TestSameBinariesSameDigest(t *testing.T) {
	first, second := compile(t, t.TempDir()), compile(t, t.TempDir())
	digests := map[string]bool{}
	for _, binary := range []string{first, second} {
		built, err := Build(Spec{Binaries: []string{binary}, User: "65532"})
		if err != nil {
			t.Fatal(err)
		}
		digest, err := built.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[digest.String()] = true
		config, err := built.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Config.Entrypoint; len(got) != 1 || got[0] != "/app" {
			t.Errorf("entrypoint %v, want [/app]", got)
		}
	}
	if len(digests) != 1 {
		t.Errorf("digests %v, want one", digests)
	}
}

func TestBuildRefusesWhatIsNotABinary(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(Spec{Binaries: []string{script}}); err == nil || !strings.Contains(err.Error(), "not a Linux binary") {
		t.Errorf("Build = %v, want a refusal that says why", err)
	}
}

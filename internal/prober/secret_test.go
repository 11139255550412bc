package prober

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/signal-delivery/operator/internal/verdict"
)

func TestLookingForASecretTellsNothingOfIt(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "secret"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "secret", "tls.key"), []byte("hunter2"), 0); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		keys string
		code int
		want string
	}{
		"all of it":    {`null`, Decided, `{"verdicts":[{"kind":"Gate","outcome":"Passed","reason":"SecretThere","message":"it exists, and has what was asked for"}]}`},
		"a key":        {`["tls.key"]`, Decided, `{"verdicts":[{"kind":"Gate","outcome":"Passed","reason":"SecretThere","message":"it exists, and has what was asked for"}]}`},
		"another key":  {`["tls.crt"]`, Decided, `{"verdicts":[{"kind":"Gate","outcome":"Unknown","reason":"SecretMissing","message":"it does not exist, or has no key tls.crt"}]}`},
		"nobody asked": {``, Misused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			job := Prober{Root: root, Env: func(key string) string { return map[string]string{"SIGNAL_SECRET_KEYS": tc.keys}[key] }}
			answer, code, err := job.Run(t.Context(), []string{"secret"})
			if (err != nil) != (tc.code == Misused) || code != tc.code {
				t.Fatalf("code %d, %v", code, err)
			}
			if tc.want == "" {
				return
			}
			read, ok := verdict.Read(string(answer.Encode()))
			want, _ := verdict.Read(tc.want)
			if !ok || len(read.Verdicts) != 1 || read.Verdicts[0] != want.Verdicts[0] {
				t.Errorf("answers %s", answer.Encode())
			}
		})
	}
	if _, _, err := (Prober{Root: t.TempDir(), Env: func(key string) string { return map[string]string{"SIGNAL_SECRET_KEYS": "null"}[key] }}).Run(t.Context(), []string{"secret"}); err == nil {
		t.Error("without a mount it has an answer")
	}
}

// Package secret looks whether a Secret that is mounted has what is asked for.
// It opens no file: that one is there is all that it finds out.
package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Look says whether the directory has a file for each key; without keys, for
// any. An error says that it cannot be looked into.
func Look(directory string, keys []string) (verdict.Verdict, error) {
	if len(keys) == 0 {
		return lookForAny(directory)
	}
	var missing []string
	for _, key := range keys {
		_, err := os.Stat(filepath.Join(directory, filepath.Base(key)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, key)
		case err != nil:
			return verdict.Verdict{}, fmt.Errorf("look for key %s: %w", key, err)
		}
	}
	if len(missing) > 0 {
		return verdict.Wait(v1alpha1.SignalGate, "SecretMissing", "it does not exist, or has no key %s", strings.Join(missing, ", ")), nil
	}
	return there(), nil
}

// lookForAny leaves out kubelet's own files, which begin with two dots; no key
// does.
func lookForAny(directory string) (verdict.Verdict, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return verdict.Verdict{}, fmt.Errorf("look into the mounted Secret: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "..") {
			return there(), nil
		}
	}
	return verdict.Wait(v1alpha1.SignalGate, "SecretMissing", "it does not exist, or is empty"), nil
}

func there() verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalGate, "SecretThere", "it exists, and has what was asked for")
}

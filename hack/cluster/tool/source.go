package tool

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Source finds hack/cluster: from the working directory upwards, then where
// this file was compiled.
func Source() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		for _, candidate := range []string{dir, filepath.Join(dir, "hack", "cluster")} {
			if isSource(candidate) {
				return candidate, nil
			}
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	if _, file, _, ok := runtime.Caller(0); ok {
		if candidate := filepath.Dir(filepath.Dir(file)); isSource(candidate) {
			return candidate, nil
		}
	}
	return "", errors.New("hack/cluster was not found: run this inside the repository")
}

func isSource(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && strings.HasPrefix(string(text), "module "+own+"\n")
}

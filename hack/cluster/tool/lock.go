package tool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// locked runs f while no other run builds. The kernel drops the lock if this
// process dies.
func (s Store) locked(ctx context.Context, f func() error) error {
	if err := os.MkdirAll(s.Cache, 0o755); err != nil {
		return err
	}
	return Locked(ctx, filepath.Join(s.Cache, "build.lock"), func() {
		fmt.Fprintln(s.Progress, "waiting for another build to end …")
	}, f)
}

// Locked runs f while it holds the lock on a file; waiting is called once if
// somebody else has it.
func Locked(ctx context.Context, path string, waiting func(), f func() error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for told := false; ; told = true {
		if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return f()
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", path, err)
		}
		if !told {
			waiting()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

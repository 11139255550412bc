package process

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Await asks until the answer is nil or time is up.
func Await(ctx context.Context, patience time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %s: %w", patience, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Tail is the end of a program's log.
func (s Supervisor) Tail(name string, lines int) string {
	text, err := os.ReadFile(s.Log(name))
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

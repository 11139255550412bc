// Command builder is a builder image of a user's, as artifact.build.job runs
// one: it copies an image into the repository that it is told, and writes the
// digest. It can be told to lie.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	if err := build(context.Background(), os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "builder:", err)
		os.Exit(1)
	}
}

// build copies SOURCE to SIGNAL_REPOSITORY and writes its digest, or the one
// in LIE, to the termination message.
func build(ctx context.Context, getenv func(string) string) error {
	if fail := getenv("FAIL"); fail != "" {
		return errors.New(fail)
	}
	source, err := name.ParseReference(getenv("SOURCE"), name.Insecure)
	if err != nil {
		return fmt.Errorf("read SOURCE: %w", err)
	}
	image, err := remote.Image(source, remote.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("get %s: %w", source, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return fmt.Errorf("read the digest of %s: %w", source, err)
	}
	into, err := name.ParseReference(getenv("SIGNAL_REPOSITORY")+"@"+digest.String(), name.Insecure)
	if err != nil {
		return fmt.Errorf("read SIGNAL_REPOSITORY: %w", err)
	}
	if err := remote.Write(into, image, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("push %s: %w", into, err)
	}
	said := digest.String()
	if lie := getenv("LIE"); lie != "" {
		said = lie
	}
	if err := os.WriteFile("/dev/termination-log", []byte(said+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the digest: %w", err)
	}
	return nil
}

package cluster

import (
	"context"
	"path/filepath"
	"strings"
)

// build compiles a package of the repository as a static binary, once.
func (c *Cluster) build(ctx context.Context, pkg, name string) (string, error) {
	if path, done := c.built[pkg]; done {
		return path, nil
	}
	path := filepath.Join(c.Images, name)
	_, err := c.Run(ctx, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, pkg)
	c.built[pkg] = path
	return path, err
}

// image pushes an image of binaries with these environment variables, and
// returns its reference by digest.
func (c *Cluster) image(ctx context.Context, tag string, env []string, binaries ...string) (string, error) {
	args := []string{"-C", "hack/cluster", "run", ".", "image", tag}
	for _, variable := range env {
		args = append(args, "--env", variable)
	}
	return c.Run(ctx, nil, "go", append(args, binaries...)...)
}

// Service is a version of the sample service: what is baked into its image.
type Service struct {
	Version string
	Faults  []string // environment variables, such as FAULT_ERROR_RATE=0.5
}

// PushService makes the image of a version, as registry/acme/signal-service:version.
func (c *Cluster) PushService(ctx context.Context, s Service) (string, error) {
	binary, err := c.build(ctx, "./test/signalservice", "signalservice")
	if err != nil {
		return "", err
	}
	tag := "acme/signal-service:" + s.Version
	_, err = c.image(ctx, tag, append([]string{"VERSION=" + s.Version}, s.Faults...), binary)
	return c.Registry + "/" + tag, err
}

// PushOperator makes the operator's image and returns its repository and digest.
func (c *Cluster) PushOperator(ctx context.Context) (repository, digest string, err error) {
	manager, err := c.build(ctx, ".", "manager")
	if err != nil {
		return "", "", err
	}
	prober, err := c.build(ctx, "./cmd/prober", "prober")
	if err != nil {
		return "", "", err
	}
	ref, err := c.image(ctx, "signal-delivery/operator:dev", nil, manager, prober)
	if err != nil {
		return "", "", err
	}
	repository, digest, _ = strings.Cut(ref, "@")
	return repository, digest, nil
}

// PushBuilder makes the image of a builder of a user's.
func (c *Cluster) PushBuilder(ctx context.Context) (string, error) {
	binary, err := c.build(ctx, "./test/builder", "builder")
	if err != nil {
		return "", err
	}
	return c.image(ctx, "acme/builder:v1", nil, binary)
}

// Package cluster measures, on a real cluster, what a release takes and which
// part of it is spent on its image.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/signing"
)

const (
	namespace = "bench"
	patience  = 2 * time.Minute
)

// shared is the cluster, with the operator installed.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	if shared, err = cluster.Connect(); err != nil {
		return 1, err
	}
	defer func() {
		_, gone := shared.Kubectl(ctx, "delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s")
		err = errors.Join(err, shared.Uninstall(ctx), gone, shared.Close())
	}()
	if _, err := shared.PushService(ctx, cluster.Service{Version: "v1.0.0"}); err != nil {
		return 1, err
	}
	if err := errors.Join(shared.Install(ctx), shared.Namespace(ctx, namespace)); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// BenchmarkRelease is a first release of one pod, to its end. An image by digest
// needs no Job; what the Jobs for a tag and for a signature add is the
// difference of the seconds in Resolving.
func BenchmarkRelease(b *testing.B) {
	repository := shared.Registry + "/acme/signal-service"
	digest := digestOf(b, repository+":v1.0.0")
	key := signing.New(b)
	key.Sign(b, repository, digest)
	signed := []v1alpha1.SignaturePolicy{{Name: "us", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: key.Public}}}}}
	for _, bench := range []struct {
		title    string
		artifact v1alpha1.ArtifactSpec
	}{
		{"digest", v1alpha1.ArtifactSpec{Image: repository + "@" + digest}},
		{"digest-and-signature", v1alpha1.ArtifactSpec{Image: repository + "@" + digest, Signatures: signed}},
		{"tag", v1alpha1.ArtifactSpec{Image: repository + ":v1.0.0"}},
		{"tag-and-signature", v1alpha1.ArtifactSpec{Image: repository + ":v1.0.0", Signatures: signed}},
	} {
		b.Run(bench.title, func(b *testing.B) {
			n, resolving := 0, time.Duration(0)
			for b.Loop() {
				sd := cluster.Plain(namespace, fmt.Sprintf("%s-%d", bench.title, n), bench.artifact.Image)
				sd.Spec.Artifact = bench.artifact
				resolving += release(b, sd)
				n++
			}
			b.ReportMetric(resolving.Seconds()/float64(n), "s-resolving/op")
			b.ReportMetric(b.Elapsed().Seconds()/float64(n), "s/op")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// release is how long it took until the image was pinned, of a release that is
// waited for to its end.
func release(b *testing.B, sd *v1alpha1.SignalDeployment) (resolving time.Duration) {
	b.Helper()
	began := time.Now()
	if err := shared.Create(b.Context(), sd); err != nil {
		b.Fatal(err)
	}
	watch, err := shared.Watch(b.Context(), &v1alpha1.SignalDeploymentList{}, client.InNamespace(sd.Namespace), client.MatchingFields{"metadata.name": sd.Name})
	if err != nil {
		b.Fatal(err)
	}
	defer watch.Stop()
	end := time.After(patience)
	for {
		select {
		case event := <-watch.ResultChan():
			seen, ok := event.Object.(*v1alpha1.SignalDeployment)
			if !ok {
				b.Fatalf("the watch says %v", event)
			}
			if c := seen.Status.Candidate; resolving == 0 && c != nil && c.Digest != "" {
				resolving = time.Since(began)
			}
			switch seen.Status.Phase {
			case v1alpha1.PhaseSucceeded:
				return resolving
			case v1alpha1.PhaseFailed:
				b.Fatal(seen.Status.Rollout.Message)
			}
		case <-end:
			b.Fatalf("%s is not released after %s", sd.Name, patience)
		}
	}
}

func digestOf(b *testing.B, ref string) string {
	b.Helper()
	tag, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		b.Fatal(err)
	}
	descriptor, err := remote.Head(tag, remote.WithContext(b.Context()))
	if err != nil {
		b.Fatal(err)
	}
	return descriptor.Digest.String()
}

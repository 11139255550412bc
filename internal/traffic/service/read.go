package service

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Selection is what the two Services select, as it was read back.
type Selection struct {
	// Stable and Canary are the hashes of the releases that the Services
	// select; empty when a Service is not there or not ours.
	Stable, Canary string
	// Endpoints and CanaryEndpoints are how many pods the Services reach that
	// are ready and of the release that they select.
	Endpoints, CanaryEndpoints int32
	// Address is the canary Service's IP address, for checks; an IPv6 one is
	// without brackets. Empty until it has one.
	Address string
	// StableAddress is the stable Service's, likewise.
	StableAddress string
}

// Read says what the two Services select and reach.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment) (Selection, error) {
	stable, err := read(ctx, c, sd, release.StableName(sd.Name))
	if err != nil {
		return Selection{}, err
	}
	canary, err := read(ctx, c, sd, release.CanaryName(sd.Name))
	if err != nil {
		return Selection{}, err
	}
	return Selection{
		Stable: stable.hash, Endpoints: stable.endpoints,
		Canary: canary.hash, CanaryEndpoints: canary.endpoints, Address: canary.address,
		StableAddress: stable.address,
	}, nil
}

// reached is what one Service selects and reaches.
type reached struct {
	hash, address string
	endpoints     int32
}

func read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, name string) (reached, error) {
	var service corev1.Service
	err := c.Get(ctx, client.ObjectKey{Namespace: sd.Namespace, Name: name}, &service)
	switch {
	case apierrors.IsNotFound(err), err == nil && !owned.Owns(sd, &service):
		return reached{}, nil
	case err != nil:
		return reached{}, fmt.Errorf("read Service %s/%s: %w", sd.Namespace, name, err)
	}
	var slices discoveryv1.EndpointSliceList
	if err := c.List(ctx, &slices, client.InNamespace(sd.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: name}); err != nil {
		return reached{}, fmt.Errorf("list endpoints of Service %s/%s: %w", sd.Namespace, name, err)
	}
	hash := service.Spec.Selector[v1alpha1.LabelRelease]
	return reached{hash: hash, address: address(&service), endpoints: ready(slices.Items, release.DeploymentName(sd.Name, hash)+"-")}, nil
}

// ready counts the pods of one Deployment that are ready endpoints. The slices
// lag behind the selector, so that what they still have of another release
// does not count; and a pod is in several when it has several addresses or
// ports.
func ready(slices []discoveryv1.EndpointSlice, prefix string) int32 {
	pods := map[string]bool{}
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			pod := endpoint.TargetRef
			if pod == nil || pod.Kind != "Pod" || !strings.HasPrefix(pod.Name, prefix) {
				continue
			}
			if is := endpoint.Conditions.Ready; is == nil || *is { // the API reads an absent one as ready
				pods[pod.Name] = true
			}
		}
	}
	return int32(len(pods)) //nolint:gosec // a cluster has far fewer pods
}

func address(service *corev1.Service) string {
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		return ""
	}
	return service.Spec.ClusterIP
}

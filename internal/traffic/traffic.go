// Package traffic says how much of a service's traffic goes to the candidate,
// and moves it. Each provider speaks one routing API. It decides no weight:
// that is the machine's.
package traffic

import (
	"context"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of a Router's verdict.
const (
	// ReasonAccepted says that every parent of every route has accepted the
	// route as it is now.
	ReasonAccepted = "Accepted"
	// ReasonNoRoutes says that there are no routes to read.
	ReasonNoRoutes = "NoRoutes"
	// ReasonNotAccepted says that a parent has not accepted the route as it is
	// now, or that none has answered.
	ReasonNotAccepted = "NotAccepted"
	// ReasonRefsNotResolved says that a parent cannot find something that the
	// route names.
	ReasonRefsNotResolved = "RefsNotResolved"
	// ReasonRouteNotFound says that a route does not exist.
	ReasonRouteNotFound = "RouteNotFound"
	// ReasonAPINotFound says that the cluster does not have the routing API.
	ReasonAPINotFound = "APINotFound"
	// ReasonNoWeight says that no route sends any traffic to the service.
	ReasonNoWeight = "NoWeight"
	// ReasonNoBackend says that a route does not name the stable Service.
	ReasonNoBackend = "NoBackend"
	// ReasonCanaryInRoute says that a route names the canary Service by its
	// owner's doing.
	ReasonCanaryInRoute = "CanaryInRoute"
	// ReasonWeightTooCoarse says that a weight cannot be split without
	// touching the weights of other backends.
	ReasonWeightTooCoarse = "WeightTooCoarse"
	// ReasonTooManyBackends says that a rule has no room for a sibling.
	ReasonTooManyBackends = "TooManyBackends"
	// ReasonForeign says that a route of the name of a preview is someone
	// else's.
	ReasonForeign = "ForeignRoute"
)

// Reading is what the routes say.
type Reading struct {
	// Weight is the candidate's share in percent: the highest in any rule of
	// any route, so that what may still take traffic is never missed. A share
	// is rounded, but never to 0 or 100 when it is neither.
	Weight int32
	// Lowest is the lowest share in percent. A route that cannot be read has 0.
	Lowest int32
	// Settled says that every rule of every route agrees, and that every
	// parent has accepted the route as it is now and found what it names.
	Settled bool
	// Sibling says that a route is not at rest: something that was added to
	// it is still there.
	Sibling bool
	// Verdict is what the routes amount to: Passed when every parent has
	// accepted, Failed when the routes' owner must act.
	Verdict verdict.Verdict
}

// Preview is what the routes of our own say by which requests that name a
// release reach it before it takes traffic.
type Preview struct {
	// Present says that there is one, of whichever release.
	Present bool
	// Verdict is Passed once every parent has accepted those of the release.
	Verdict verdict.Verdict
}

// Router reads and moves the candidate's share of the traffic of routes, which
// are named in the SignalDeployment's namespace.
type Router interface {
	// Read says what the routes say. Only a cluster that does not answer is an
	// error.
	Read(ctx context.Context, sd *v1alpha1.SignalDeployment, routes []string) (Reading, error)
	// Write gives the candidate a weight from 0 to 100 in every rule that
	// names the stable Service. It writes only what differs, and nothing at
	// all when a rule cannot be split; Read says why. Errors wrap the API's.
	Write(ctx context.Context, sd *v1alpha1.SignalDeployment, routes []string, weight int32) error
	// Rest takes everything back that Write has done to the routes.
	Rest(ctx context.Context, sd *v1alpha1.SignalDeployment, routes []string) error
	// ReadPreview says whether requests that name the release reach it. Without
	// one it says only whether there is a preview of any.
	ReadPreview(ctx context.Context, sd *v1alpha1.SignalDeployment, routes []string, hash string) (Preview, error)
	// Preview lets requests that name the release reach it through the gateways
	// of the routes, which it leaves as they are; without a release, none do.
	Preview(ctx context.Context, sd *v1alpha1.SignalDeployment, routes []string, hash string) error
}

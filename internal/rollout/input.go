package rollout

import (
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Input is everything a decision may depend on. Nothing in it is changed.
type Input struct {
	// Object is what the user asked for, and in its status what earlier
	// decisions remembered.
	Object *v1alpha1.SignalDeployment
	Seen   Observation
	Now    time.Time
}

// Observation is the world as one reconcile saw it.
type Observation struct {
	Asked  string          // hash of what the spec asks for
	Spec   verdict.Verdict // not Passed: nothing new may start
	Digest string          // what the image was resolved to
	Hash   string          // of the release that the digest makes

	Artifact verdict.Verdict
	Gates    verdict.Verdict
	Smoke    []verdict.Verdict
	Metrics  []verdict.Verdict
	Alerts   []verdict.Verdict
	Firing   []string               // alerts that fire, by key
	Heard    bool                   // the alerts were heard, so that what is not in Firing does not fire
	Tallies  []v1alpha1.MetricTally // failing samples, where there are any

	Sides    map[string]Side // releases that have pods, by hash
	Route    Route
	Service  Service
	Reported bool // the latest attempt's report is archived
}

// Side is the pods of one release.
type Side struct {
	Desired, Created, Ready int32
	Verdict                 verdict.Verdict
}

// Route is what the routes say of the canary Service.
type Route struct {
	Weight, Lowest int32 // its share in percent: the highest and the lowest of all rules
	Settled        bool  // every rule agrees and every gateway has accepted
	Sibling        bool  // a canary backend is present somewhere
	Verdict        verdict.Verdict
}

// Service is what the Services select.
type Service struct {
	Stable, Canary             string // release hashes
	Endpoints, CanaryEndpoints int32  // ready ones of those releases
}

// Decision is what to remember, what to make true and when to ask again.
type Decision struct {
	Next   v1alpha1.SignalDeploymentStatus
	Want   Want
	Events []Event
	After  time.Duration // when time alone may change the answer; zero waits for an event
}

// Event is something that has happened.
type Event struct {
	Warning         bool
	Reason, Message string
}

// Want is the world that a decision calls for. It is asserted on every
// reconcile: twice is once.
type Want struct {
	Resolve bool              // the image is to be resolved
	Start   *v1alpha1.Release // its pods are to exist
	Check   bool              // its checks are to run
	Watch   bool              // alerts are to be watched
	Judge   bool              // metrics are to be sampled

	Stable, Canary string   // the releases that the Services select
	Routes         []string // the routes to be driven
	Weight         int32    // the canary Service's share in percent; 0 is at rest
	HoldWeight     bool     // leave the routes as they are

	Replicas map[string]int32 // by release; a release not named is left alone
	Keep     []string         // releases whose objects are kept; nil keeps all
	Report   bool             // the latest attempt's report is to be written
	Leave    bool             // the object may go
}

package v1alpha1

// Conditions. Ready, Reconciling and Stalled are read by kstatus; the others
// say what each signal last said of the candidate.
const (
	// ConditionReady is True once the release that the spec asks for serves
	// all traffic, False while it is under way and once it has been turned
	// back or cannot start.
	ConditionReady = "Ready"
	// ConditionReconciling is True while a release is under way, and absent
	// otherwise.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when only a person can make progress: after a
	// rollback, a failure or an invalid spec. It is absent otherwise.
	ConditionStalled = "Stalled"
	// ConditionArtifactResolved is True once the image is pinned to a digest.
	ConditionArtifactResolved = "ArtifactResolved"
	// ConditionGatesOpen is True once every gate is open, and says which are not.
	ConditionGatesOpen = "GatesOpen"
	// ConditionChecksPassed is True once every check on the candidate passed.
	ConditionChecksPassed = "ChecksPassed"
	// ConditionAnalysisPassed is what the metrics last said of the candidate.
	ConditionAnalysisPassed = "AnalysisPassed"
	// ConditionAlertsQuiet is True while no alert that would turn the release
	// back fires for it.
	ConditionAlertsQuiet = "AlertsQuiet"
	// ConditionAlertRulesLoaded is True once the metric server evaluates
	// every rule of the spec.
	ConditionAlertRulesLoaded = "AlertRulesLoaded"
	// ConditionTrafficAccepted is True while every route has accepted the
	// weights that were written to it.
	ConditionTrafficAccepted = "TrafficAccepted"
	// ConditionDrillPassed is True while the last rollback drill passed and is
	// not too old.
	ConditionDrillPassed = "DrillPassed"
)

// Annotations by which people and pipelines ask for something. A request is
// new when its value differs from the one in status.handled. Approve and
// promote hold the id or the hash of the release they mean, so that an old
// one cannot be replayed.
const (
	AnnotationApprove = "delivery.signal.dev/approve"
	AnnotationPromote = "delivery.signal.dev/promote"
	AnnotationAbort   = "delivery.signal.dev/abort"
	AnnotationRetry   = "delivery.signal.dev/retry"
	AnnotationDrill   = "delivery.signal.dev/drill"
)

// Reasons of verdicts on approvals, of steps and of gates.
const (
	ReasonApproved         = "Approved"
	ReasonAwaitingApproval = "AwaitingApproval"
)

const (
	// AnnotationAdopt on a foreign object hands it over to the
	// SignalDeployment that it names.
	AnnotationAdopt = "delivery.signal.dev/adopt"
	// AnnotationApplied holds a hash of what the operator last applied to an
	// object, so that it is not applied again.
	AnnotationApplied = "delivery.signal.dev/applied"
	// AnnotationWeights on a route holds the weights that it had at rest.
	AnnotationWeights = "delivery.signal.dev/weights"

	// HeaderRelease names a release, by its hash, that a request through the
	// Gateway is to reach while that release is checked.
	HeaderRelease = "X-Signal-Release"

	// LabelName is the SignalDeployment an object belongs to.
	LabelName = "delivery.signal.dev/name"
	// LabelRelease is the hash of the release an object belongs to.
	LabelRelease = "delivery.signal.dev/release"
	// LabelAttempt is the attempt that a Job belongs to.
	LabelAttempt = "delivery.signal.dev/attempt"
	// LabelCheck is the check that a Job runs.
	LabelCheck = "delivery.signal.dev/check"

	// Finalizer keeps a SignalDeployment until its routes are at rest.
	Finalizer = "delivery.signal.dev/routes"

	// FieldManager is the name under which the operator applies objects.
	FieldManager = "signal-operator"

	// NoRelease is what the stable Service selects before a first release
	// has passed its checks: nothing.
	NoRelease = "none"
)

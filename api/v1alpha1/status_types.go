package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SignalDeploymentStatus is what the operator has seen and decided.
type SignalDeploymentStatus struct {
	// observedGeneration is the generation of the spec that the conditions
	// speak of; -1 until the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, Reconciling and Stalled, as kstatus reads them,
	// and one for each kind of signal.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// phase of the latest release.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// reason the latest release is in its phase.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// step of the plan the release is at, such as 2/3.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Step string `json:"step,omitempty"`

	// weight is the candidate's share of the traffic in percent, as it was
	// read back from the routes.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight"`

	// verdict is the latest word of the signals on the candidate.
	// +optional
	Verdict Outcome `json:"verdict,omitempty"`

	// replicas is how many pods the stable release has.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Replicas int32 `json:"replicas"`

	// readyReplicas is how many pods of the stable release are ready.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ReadyReplicas int32 `json:"readyReplicas"`

	// selector of the stable release's pods, for autoscalers.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Selector string `json:"selector,omitempty"`

	// stable is the release that serves users.
	// +optional
	Stable *Release `json:"stable,omitempty"`

	// candidate is the latest release, under way or ended.
	// +optional
	Candidate *Release `json:"candidate,omitempty"`

	// rollout is the operator's memory of the latest release: what cannot be
	// observed again.
	// +optional
	Rollout RolloutStatus `json:"rollout,omitempty,omitzero"`

	// draining are releases that traffic has left and whose pods are kept
	// until strategy.drainSeconds have passed.
	// +optional
	// +listType=map
	// +listMapKey=hash
	// +kubebuilder:validation:MaxItems=16
	Draining []DrainingRelease `json:"draining,omitempty"`

	// history are the releases that have ended, newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	History []EndedRelease `json:"history,omitempty"`

	// handled are the requests that have been acted upon or refused.
	// +optional
	Handled HandledRequests `json:"handled,omitempty,omitzero"`

	// report is the summary of the latest ended release.
	// +optional
	Report *ReportSummary `json:"report,omitempty"`
}

// Release is one thing that was, is or may come to serve users.
type Release struct {
	// hash of everything the release is made of: digest, template and
	// configuration. Empty until the digest is known.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Hash string `json:"hash,omitempty"`

	// asked is the hash of the specification that asked for it.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Asked string `json:"asked,omitempty"`

	// id names the release for people: version, environment and UTC start,
	// such as v1.0.0-prod-20260118_083135.
	// +optional
	// +kubebuilder:validation:MaxLength=192
	ID string `json:"id,omitempty"`

	// version of the release.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Version string `json:"version,omitempty"`

	// image is the reference that was asked for.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// digest is what the image was pinned to, sha256:….
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Digest string `json:"digest,omitempty"`

	// attempt counts how often the same release was tried, from 1.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
}

// Phase is where a release is in its life.
// +kubebuilder:validation:Enum=Pending;Resolving;Gating;Staging;Checking;Progressing;CuttingOver;Verifying;Settling;Succeeded;RollingBack;RolledBack;Failed
type Phase string

// Phases of a release, in the order of a good one, then of a bad one.
const (
	PhasePending     Phase = "Pending"     // seen; what came before it is being cleared
	PhaseResolving   Phase = "Resolving"   // its image is being pinned
	PhaseGating      Phase = "Gating"      // it waits to be allowed to start
	PhaseStaging     Phase = "Staging"     // its pods start, without traffic
	PhaseChecking    Phase = "Checking"    // its checks run, without traffic
	PhaseProgressing Phase = "Progressing" // it takes traffic, step by step
	PhaseCuttingOver Phase = "CuttingOver" // it takes over, in three observed moves
	PhaseVerifying   Phase = "Verifying"   // it serves all; the old one is kept warm
	PhaseSettling    Phase = "Settling"    // the old one drains
	PhaseSucceeded   Phase = "Succeeded"   // it is the stable release
	PhaseRollingBack Phase = "RollingBack" // traffic goes back to the stable release
	PhaseRolledBack  Phase = "RolledBack"  // the stable release serves all
	PhaseFailed      Phase = "Failed"      // it ended before it took traffic
)

// CutoverMove is one of the three moves of a cutover.
// +kubebuilder:validation:Enum=Weight;Select;Return
type CutoverMove string

// The three moves of a cutover, each observed before the next.
const (
	MoveWeight CutoverMove = "Weight" // the routes give the canary Service everything
	MoveSelect CutoverMove = "Select" // the stable Service selects the new release
	MoveReturn CutoverMove = "Return" // the routes give the stable Service everything
)

// Result is how a release ended.
// +kubebuilder:validation:Enum=Succeeded;RolledBack;Failed;Superseded;Reverted;Aborted
type Result string

// How a release ended.
const (
	ResultSucceeded  Result = "Succeeded"
	ResultRolledBack Result = "RolledBack"
	ResultFailed     Result = "Failed"
	ResultSuperseded Result = "Superseded"
	ResultReverted   Result = "Reverted"
	ResultAborted    Result = "Aborted"
)

// RolloutStatus is the machine's memory of one release.
type RolloutStatus struct {
	// phase of the release.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// reason it is in this phase, in CamelCase.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// message says the reason in a sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// plan is the strategy that was pinned when the release started.
	// +optional
	Plan Plan `json:"plan,omitempty,omitzero"`

	// step is the index of the current step of the plan.
	// +optional
	Step int32 `json:"step,omitempty"`

	// move of the cutover that is under way.
	// +optional
	Move CutoverMove `json:"move,omitempty"`

	// startTime of the attempt.
	// +optional
	StartTime metav1.Time `json:"startTime,omitempty,omitzero"`

	// sinceTime is when the phase, step or move began, moved on by the time
	// that people were waited for.
	// +optional
	SinceTime metav1.Time `json:"sinceTime,omitempty,omitzero"`

	// heldSinceTime is when the weight of the step was first seen.
	// +optional
	HeldSinceTime metav1.Time `json:"heldSinceTime,omitempty,omitzero"`

	// waitingSinceTime is since when the release waits for people: a pause,
	// an approval, or a decision on a failure.
	// +optional
	WaitingSinceTime metav1.Time `json:"waitingSinceTime,omitempty,omitzero"`

	// endTime of the attempt.
	// +optional
	EndTime metav1.Time `json:"endTime,omitempty,omitzero"`

	// result is how the attempt ended, or will end once its traffic is back.
	// +optional
	Result Result `json:"result,omitempty"`

	// exposed says that the candidate has taken traffic.
	// +optional
	Exposed bool `json:"exposed,omitempty"`

	// overruled says that someone promoted the release past its steps, or
	// past a failure that was held for them.
	// +optional
	Overruled bool `json:"overruled,omitempty"`

	// failure is why the release is held for people, when rollback.automatic
	// is false.
	// +optional
	Failure *Verdict `json:"failure,omitempty"`

	// verdicts that decided something, in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Verdicts []Verdict `json:"verdicts,omitempty"`

	// timeline of the attempt.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Timeline []TimelineEntry `json:"timeline,omitempty"`

	// tallies count the failing samples of metrics, where there were any.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Tallies []MetricTally `json:"tallies,omitempty"`

	// firedBefore are the alerts that already fired when the release started;
	// they are reported, not blamed on it.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=512
	FiredBefore []string `json:"firedBefore,omitempty"`
}

// Plan is the strategy as it was when the release started.
type Plan struct {
	// steps of the plan; none for a first release and inside rollback.windowSeconds.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Steps []Step `json:"steps,omitempty"`

	// routes whose weights are moved; none switches the Service.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Routes []string `json:"routes,omitempty"`

	// verifySeconds as in strategy.
	// +optional
	VerifySeconds int32 `json:"verifySeconds,omitempty"`

	// progressDeadlineSeconds as in strategy.
	// +optional
	ProgressDeadlineSeconds int32 `json:"progressDeadlineSeconds,omitempty"`

	// drainSeconds as in strategy.
	// +optional
	DrainSeconds int32 `json:"drainSeconds,omitempty"`

	// automatic as in rollback.
	// +optional
	Automatic bool `json:"automatic,omitempty"`
}

// TimelineEntry is one moment of an attempt.
type TimelineEntry struct {
	// time it happened.
	// +optional
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// phase that began.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// step or move that began, by name.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Step string `json:"step,omitempty"`

	// weight that was read back at that moment.
	// +optional
	Weight int32 `json:"weight,omitempty"`

	// reason for it.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// message says the reason in a sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`
}

// MetricTally counts the failing samples of one metric.
type MetricTally struct {
	// name of the metric.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// failures since the release started.
	// +optional
	Failures int32 `json:"failures,omitempty"`

	// consecutive failures up to the latest sample.
	// +optional
	Consecutive int32 `json:"consecutive,omitempty"`
}

// DrainingRelease is a release that traffic has left.
type DrainingRelease struct {
	// hash of the release.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Hash string `json:"hash,omitempty"`

	// sinceTime is when it was first seen without traffic.
	// +optional
	SinceTime metav1.Time `json:"sinceTime,omitempty,omitzero"`
}

// EndedRelease is an attempt that has ended.
type EndedRelease struct {
	Release `json:",inline"`

	// result is how it ended.
	// +optional
	Result Result `json:"result,omitempty"`

	// reason for its end.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// startTime of the attempt.
	// +optional
	StartTime metav1.Time `json:"startTime,omitempty,omitzero"`

	// endTime of the attempt.
	// +optional
	EndTime metav1.Time `json:"endTime,omitempty,omitzero"`
}

// HandledRequests are the values of request annotations that have been acted
// upon or refused; a request is new when its value differs from these.
type HandledRequests struct {
	// approve as in the annotation.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Approve string `json:"approve,omitempty"`

	// promote as in the annotation.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Promote string `json:"promote,omitempty"`

	// abort as in the annotation.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Abort string `json:"abort,omitempty"`

	// retry as in the annotation.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Retry string `json:"retry,omitempty"`
}

// ReportSummary is the summary of a report.
type ReportSummary struct {
	// configMap that holds report.md and report.json.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ConfigMap string `json:"configMap,omitempty"`

	// release that the report is about, by id.
	// +optional
	// +kubebuilder:validation:MaxLength=192
	Release string `json:"release,omitempty"`

	// result of the release.
	// +optional
	Result Result `json:"result,omitempty"`

	// durationSeconds of the attempt.
	// +optional
	DurationSeconds int64 `json:"durationSeconds,omitempty"`

	// summary is the report's first sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Summary string `json:"summary,omitempty"`
}

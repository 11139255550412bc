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

	// loads are what load tests measured lately.
	// +optional
	// +listType=map
	// +listMapKey=release
	// +kubebuilder:validation:MaxItems=8
	Loads []LoadRecord `json:"loads,omitempty"`

	// handled are the requests that have been acted upon or refused.
	// +optional
	Handled HandledRequests `json:"handled,omitempty,omitzero"`

	// drill is the memory of drills.
	// +optional
	Drill *DrillStatus `json:"drill,omitempty"`

	// report is the summary of the latest ended release.
	// +optional
	Report *ReportSummary `json:"report,omitempty"`
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

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

	// drill as in the annotation.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Drill string `json:"drill,omitempty"`
}

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DrillResult is how a drill ended.
// +kubebuilder:validation:Enum=Running;Passed;Failed;Interrupted
type DrillResult string

// How a drill ended. One that was interrupted proves nothing.
const (
	DrillRunning     DrillResult = "Running"
	DrillPassed      DrillResult = "Passed"
	DrillFailed      DrillResult = "Failed"
	DrillInterrupted DrillResult = "Interrupted"
)

// DrillStatus is the operator's memory of drills.
type DrillStatus struct {
	// askedSinceTime is since when drills are asked for.
	// +optional
	AskedSinceTime metav1.Time `json:"askedSinceTime,omitempty,omitzero"`

	// lastSuccessTime of a drill.
	// +optional
	LastSuccessTime metav1.Time `json:"lastSuccessTime,omitempty,omitzero"`

	// before is what must be as it was.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=24
	// +kubebuilder:validation:items:MaxLength=512
	Before []string `json:"before,omitempty"`

	// runs are the last drills, newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	Runs []DrillRun `json:"runs,omitempty"`
}

// DrillRun is one drill.
type DrillRun struct {
	// result of it.
	// +required
	Result DrillResult `json:"result,omitempty"`

	// reason for it.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// message says the reason.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// score out of 100.
	// +optional
	Score int32 `json:"score,omitempty"`

	// moments of it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Moments []DrillMoment `json:"moments,omitempty"`

	// parts of the score.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Parts []DrillPart `json:"parts,omitempty"`
}

// DrillMoment of a drill.
type DrillMoment struct {
	// name of it.
	// +required
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name,omitempty"`

	// time of it.
	// +required
	Time metav1.MicroTime `json:"time,omitzero"`
}

// DrillPart is what a drill is held to.
type DrillPart struct {
	// name of it.
	// +required
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name,omitempty"`

	// outcome of it.
	// +required
	Outcome Outcome `json:"outcome,omitempty"`

	// value of it.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Value string `json:"value,omitempty"`

	// threshold of it.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Threshold string `json:"threshold,omitempty"`

	// points for it.
	// +optional
	Points int32 `json:"points,omitempty"`
}

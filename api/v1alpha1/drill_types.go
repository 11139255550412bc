package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DrillSpec is how rollbacks are rehearsed, on pods that no user reaches.
type DrillSpec struct {
	// schedule of drills: five fields of cron, in UTC or after
	// CRON_TZ=Europe/Vienna. When absent, they are asked for by annotation.
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=192
	// +kubebuilder:validation:XValidation:rule="self.matches('^(CRON_TZ=[^ ]+ )?[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$')",message="needs five fields of cron, such as 0 3 * * 1"
	Schedule string `json:"schedule,omitempty"`

	// detectWithinSeconds a failing signal must be noticed.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	DetectWithinSeconds int32 `json:"detectWithinSeconds,omitempty"`

	// backWithinSeconds traffic must then be back.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	BackWithinSeconds int32 `json:"backWithinSeconds,omitempty"`

	// maxAgeSeconds that a pass counts; by default until the schedule came twice.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31622400
	MaxAgeSeconds *int32 `json:"maxAgeSeconds,omitempty"`
}

// DrillGate is open while the last drill passed, and still counts.
type DrillGate struct{}

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

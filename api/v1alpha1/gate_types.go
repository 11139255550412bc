package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Gate is something that must be so before a release may start: before there
// is a pod of it. A gate that is closed is waited for, without a deadline. It
// never holds a rollback, nor a return to what served a short while ago.
// +kubebuilder:validation:XValidation:rule="[has(self.window), has(self.freezes)].exists_one(set, set)",message="needs exactly one of window and freezes; for more, have several gates"
type Gate struct {
	// name of the gate in verdicts and reports.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// window is open at certain hours.
	// +optional
	Window *WindowGate `json:"window,omitempty"`

	// freezes are intervals in which nothing starts.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Freezes []Freeze `json:"freezes,omitempty"`
}

// WindowGate is open during any of its openings.
type WindowGate struct {
	// timeZone of the schedules, by its name in the IANA database, such as
	// Europe/Vienna.
	// +optional
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && self != 'Local'",message="must be the name of a time zone, such as Europe/Vienna"
	TimeZone string `json:"timeZone,omitempty"`

	// openings of the window, by the clock on the wall: when clocks are set
	// forward or back, an opening begins and ends at the hours that it names.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Openings []Opening `json:"openings,omitempty"`
}

// Opening is when a window opens, and for how long.
type Opening struct {
	// schedule is when it opens, as five fields of cron: minute, hour, day of
	// the month, month and day of the week.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$')",message="must have the five fields of cron: minute, hour, day of the month, month and day of the week, such as \"0 9 * * 1-4\""
	Schedule string `json:"schedule,omitempty"`

	// durationSeconds is how long it stays open.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	DurationSeconds int32 `json:"durationSeconds,omitempty"`
}

// Freeze is an interval in which nothing starts.
// +kubebuilder:validation:XValidation:rule="self.startTime < self.endTime",message="must end after it starts: set endTime later than startTime"
type Freeze struct {
	// name of the freeze, such as year-end.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// startTime is the first moment of the freeze.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// endTime is the first moment after the freeze.
	// +required
	EndTime metav1.Time `json:"endTime,omitzero"`
}

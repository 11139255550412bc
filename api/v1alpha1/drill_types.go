package v1alpha1

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

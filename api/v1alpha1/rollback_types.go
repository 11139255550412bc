package v1alpha1

// RollbackSpec is how a failed release is turned back.
type RollbackSpec struct {
	// automatic turns a failing release back at once. When false, a release
	// that fails while it takes traffic is held where it is, until the
	// annotation delivery.signal.dev/abort turns it back or
	// delivery.signal.dev/promote overrules the failure.
	// +optional
	// +kubebuilder:default=true
	Automatic *bool `json:"automatic,omitempty"`

	// windowSeconds is how long after its success a release can be returned
	// to without its steps. Its checks still run. 0 means never.
	// +optional
	// +kubebuilder:default=3600
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2592000
	WindowSeconds *int32 `json:"windowSeconds,omitempty"`

	// drill has rollbacks rehearsed.
	// +optional
	Drill *DrillSpec `json:"drill,omitempty"`
}

package v1alpha1

// ReportSpec is what is kept about ended releases.
type ReportSpec struct {
	// historyLimit is how many ended releases are kept: their entries in
	// status.history, their report ConfigMaps, and their Deployments, scaled
	// to zero.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
}

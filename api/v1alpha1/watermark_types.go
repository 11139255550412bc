package v1alpha1

// WatermarkSpec is proof of which release answers.
type WatermarkSpec struct {
	// secretName is the Secret whose key "key" signs answers.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// path to GET.
	// +optional
	// +kubebuilder:default="/"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Path string `json:"path,omitempty"`

	// port is the Service port. When absent, the first.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Port string `json:"port,omitempty"`

	// requests of a check.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=1000
	Requests int32 `json:"requests,omitempty"`

	// splitRequests measure each step's weight at spec.traffic.entry, where
	// the check is made after the cutover, too. When absent, neither is.
	// +optional
	// +kubebuilder:validation:Minimum=100
	// +kubebuilder:validation:Maximum=5000
	SplitRequests int32 `json:"splitRequests,omitempty"`
}

package v1alpha1

// LeakEcho is whether the service may answer with what it was sent.
// +kubebuilder:validation:Enum=Refused;Allowed
type LeakEcho string

// Whether the service may answer with what it was sent.
const (
	EchoRefused LeakEcho = "Refused"
	EchoAllowed LeakEcho = "Allowed"
)

// LeaksSpec is the check of log redaction: fake secrets that a Job sends to
// the candidate, and then looks for.
type LeaksSpec struct {
	// paths to send to.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Paths []ProbedPath `json:"paths,omitempty"`

	// writePaths take a POST.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=4
	WritePaths []ProbedPath `json:"writePaths,omitempty"`

	// serviceAccountName that may read logs.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// echo of what was sent, in an answer that is no error.
	// +optional
	// +kubebuilder:default=Refused
	Echo LeakEcho `json:"echo,omitempty"`

	// requestBudget of requests, at most.
	// +optional
	// +kubebuilder:default=1000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	RequestBudget int32 `json:"requestBudget,omitempty"`

	// ratePerSecond of requests, at most.
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=200
	RatePerSecond int32 `json:"ratePerSecond,omitempty"`

	// timeoutSeconds of it all.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

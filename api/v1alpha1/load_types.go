package v1alpha1

import corev1 "k8s.io/api/core/v1"

// LoadSpec is traffic of the operator's own making.
type LoadSpec struct {
	// background sends synthetic, marked requests to the candidate and to the
	// stable release while the candidate is judged, so that a quiet service
	// has something to be judged by. It decides nothing itself. Changing it
	// releases nothing.
	// +optional
	Background *BackgroundLoad `json:"background,omitempty"`

	// test sends load to the candidate before it takes traffic. Changing it
	// releases nothing.
	// +optional
	Test *LoadTest `json:"test,omitempty"`
}

// BackgroundLoad is a steady stream of requests to both sides of a release,
// sent by a Job in the SignalDeployment's namespace for at most an hour. Every
// request has the header X-Signal-Synthetic with the id of the release.
type BackgroundLoad struct {
	// requests are sent in turn, the same ones to both sides. The stable
	// release answers them with what it has: let them change nothing.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Requests []LoadRequest `json:"requests,omitempty"`

	// port is the name of the Service port to call. When absent, the first.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Port string `json:"port,omitempty"`

	// ratePerSecond is how many requests are sent to each side, whether or
	// not the ones before have been answered.
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=500
	RatePerSecond int32 `json:"ratePerSecond,omitempty"`

	// timeoutSeconds is how long an answer is waited for.
	// +optional
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// resources of the container that sends. When absent, requests of 10m CPU
	// and 32Mi, and limits of 500m and 128Mi.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`
}

// LoadRequest is a request, and how often it is sent.
type LoadRequest struct {
	// path of the request, with its query.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.startsWith('/') && !self.startsWith('//')",message="must begin with a single '/'"
	Path string `json:"path,omitempty"`

	// method of the request.
	// +optional
	// +kubebuilder:default=GET
	// +kubebuilder:validation:Enum=GET;HEAD;POST;PUT;PATCH;DELETE;OPTIONS
	Method string `json:"method,omitempty"`

	// headers of the request.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="!self.exists(h, h.name.lowerAscii() in ['x-signal-synthetic', 'user-agent'])",message="must leave out X-Signal-Synthetic and User-Agent: the operator marks synthetic requests with them"
	Headers []HTTPHeader `json:"headers,omitempty"`

	// body of the request.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Body string `json:"body,omitempty"`

	// weight is how often the request is sent in comparison with the others.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight,omitempty"`
}

package v1alpha1

import corev1 "k8s.io/api/core/v1"

// ChecksSpec are the checks that run on the candidate before it takes traffic,
// and the synthetic traffic that it is judged by.
type ChecksSpec struct {
	// smoke checks run side by side, each as a Job in the SignalDeployment's
	// namespace. All must pass.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Smoke []SmokeCheck `json:"smoke,omitempty"`

	// security sends the built-in security checks to the candidate, as a Job
	// beside the smoke checks. When absent, there are none.
	// +optional
	Security *SecuritySpec `json:"security,omitempty"`

	// load is traffic of the operator's own making.
	// +optional
	Load LoadSpec `json:"load,omitempty,omitzero"`
}

// SmokeCheck is one smoke check: requests that the built-in prober sends, or
// an image of the user's whose exit code decides.
// +kubebuilder:validation:XValidation:rule="has(self.http) != has(self.job)",message="needs exactly one of http and job"
type SmokeCheck struct {
	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// timeoutSeconds is how long the check may take, retries included.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// retries is how often a failing check is tried again.
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	Retries int32 `json:"retries,omitempty"`

	// http sends requests to the candidate with the built-in prober.
	// +optional
	HTTP *HTTPCheck `json:"http,omitempty"`

	// job runs an image of your own; exit code 0 passes. It finds the
	// candidate's address in the environment variable SIGNAL_TARGET, and may
	// write verdicts as JSON to /dev/termination-log.
	// +optional
	Job *JobCheck `json:"job,omitempty"`
}

// HTTPCheck sends requests to the candidate, one after the other.
type HTTPCheck struct {
	// port is the name of the Service port to call. When absent, the first.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Port string `json:"port,omitempty"`

	// requests are sent in order; the first that is not answered as expected
	// fails the check.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Requests []HTTPRequest `json:"requests,omitempty"`
}

// HTTPRequest is a request and what its answer must be.
type HTTPRequest struct {
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
	Headers []HTTPHeader `json:"headers,omitempty"`

	// body of the request.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Body string `json:"body,omitempty"`

	// expect is what the answer must be. When absent, any status from 200 to
	// 299 passes.
	// +optional
	Expect HTTPExpectation `json:"expect,omitempty,omitzero"`
}

// HTTPHeader is a header and its value.
type HTTPHeader struct {
	// name of the header.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches(\"^[A-Za-z0-9!#$%&'*+.^_|~-]+$\")",message="must be a header name"
	Name string `json:"name,omitempty"`

	// value of the header.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Value string `json:"value,omitempty"`
}

// HTTPExpectation is what an answer must be.
type HTTPExpectation struct {
	// status codes of which the answer must have one. When absent, any from
	// 200 to 299.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=100
	// +kubebuilder:validation:items:Maximum=599
	Status []int32 `json:"status,omitempty"`

	// headers that the answer must have, with these values.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Headers []HTTPHeader `json:"headers,omitempty"`

	// json is a CEL expression over the decoded body, named body, that must
	// be true, such as "size(body.signals) > 0".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	JSON string `json:"json,omitempty"`

	// maxLatencyMilliseconds is how long the answer may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600000
	MaxLatencyMilliseconds int32 `json:"maxLatencyMilliseconds,omitempty"`
}

// JobCheck is a container that checks the candidate. It runs without a
// ServiceAccount token, under the restricted pod security standard.
type JobCheck struct {
	// image of the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// command replaces the image's entrypoint.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`

	// args of the command.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`

	// env are plain environment variables.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []CheckEnv `json:"env,omitempty"`

	// resources of the container.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`
}

// CheckEnv is a plain environment variable.
type CheckEnv struct {
	// name of the variable. Names that begin with SIGNAL_ are the operator's.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z_][A-Za-z0-9_]*$') && !self.startsWith('SIGNAL_')",message="must be a variable name of letters, digits and '_' that does not begin with SIGNAL_"
	Name string `json:"name,omitempty"`

	// value of the variable.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Value string `json:"value,omitempty"`
}

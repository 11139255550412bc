package v1alpha1

import corev1 "k8s.io/api/core/v1"

// CheckStage is when a check is run, and on which way.
// +kubebuilder:validation:Enum=Candidate;Gateway;AfterCutover
type CheckStage string

// When a check is run, and on which way.
const (
	StageCandidate    CheckStage = "Candidate"    // before the candidate takes traffic, over the canary Service
	StageGateway      CheckStage = "Gateway"      // likewise, through the Gateway by a header
	StageAfterCutover CheckStage = "AfterCutover" // once it serves all, as clients call
)

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

	// criticalPaths are told with the smoke check that asked for each.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	CriticalPaths []CriticalPath `json:"criticalPaths,omitempty"`

	// security sends the built-in security checks to the candidate, as a Job
	// beside the smoke checks. When absent, there are none.
	// +optional
	Security *SecuritySpec `json:"security,omitempty"`

	// leaks looks for fake secrets in what the candidate writes. When absent,
	// none are sent.
	// +optional
	Leaks *LeaksSpec `json:"leaks,omitempty"`

	// watermark proves which release answers. When absent, nothing does.
	// +optional
	Watermark *WatermarkSpec `json:"watermark,omitempty"`

	// load is traffic of the operator's own making.
	// +optional
	Load LoadSpec `json:"load,omitempty,omitzero"`
}

// SmokeCheck is what the built-in prober sends, or an image of the user's.
// +kubebuilder:validation:XValidation:rule="[has(self.http), has(self.grpc), has(self.job)].exists_one(x, x)",message="needs exactly one of http, grpc and job"
type SmokeCheck struct {
	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// stages are when the check is run: on the Candidate, through the Gateway
	// at traffic.entry before it takes traffic, and there AfterCutover. When
	// absent, Candidate.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Stages []CheckStage `json:"stages,omitempty"`

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

	// http sends requests to the candidate.
	// +optional
	HTTP *HTTPCheck `json:"http,omitempty"`

	// grpc asks the gRPC health service.
	// +optional
	GRPC *GRPCCheck `json:"grpc,omitempty"`

	// tls of http or grpc.
	// +optional
	TLS *CheckTLS `json:"tls,omitempty"`

	// job runs an image of your own; exit code 0 passes. SIGNAL_TARGET is the
	// candidate's address; verdicts may be written as JSON to
	// /dev/termination-log.
	// +optional
	Job *JobCheck `json:"job,omitempty"`
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

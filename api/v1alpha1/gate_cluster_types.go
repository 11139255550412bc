package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// SignalDeploymentGate is open while a SignalDeployment of the same namespace
// is ready.
type SignalDeploymentGate struct {
	// name of the SignalDeployment.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// version that must serve. When absent, any may.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Version string `json:"version,omitempty"`
}

// ServiceGate is open while a Service of the same namespace has ready
// endpoints.
type ServiceGate struct {
	// name of the Service.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// minEndpoints is how many endpoints must be ready.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MinEndpoints int32 `json:"minEndpoints,omitempty"`
}

// ConfigMapGate is open while a ConfigMap of the same namespace exists.
type ConfigMapGate struct {
	// name of the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key that it must have. When absent, any content will do.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// SecretGate is open while a Secret of the same namespace exists. A Job looks
// for it, and reads nothing of it.
type SecretGate struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// keys that it must have. When absent, any one will do.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Keys []string `json:"keys,omitempty"`
}

// CRDGate is open while the API server serves a resource.
type CRDGate struct {
	// name of the CRD: plural and group.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9-]+([.][a-z0-9-]+)+$')",message="must be plural and group, such as certificates.cert-manager.io"
	Name string `json:"name,omitempty"`

	// version that must be served. When absent, any may.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=63
	Version string `json:"version,omitempty"`
}

// TemplateGate is open once the API server has accepted, without keeping it,
// everything that the release would have it create: its copies of ConfigMaps,
// its Deployment and the Jobs of its checks.
type TemplateGate struct{}

// QuotaGate is open while every ResourceQuota of the namespace has room for
// the pods of the release at full strength, beside those that serve. Quotas for
// a priority class are left out.
type QuotaGate struct{}

// NodeRoom is whether nodes must have room for a release.
// +kubebuilder:validation:Enum=Required;Ignored
type NodeRoom string

// Whether nodes must have room.
const (
	NodeRoomRequired NodeRoom = "Required"
	NodeRoomIgnored  NodeRoom = "Ignored"
)

// NodesGate is open while enough nodes are ready and under no pressure, and
// have room for the pods of the release at full strength, beside all others.
type NodesGate struct {
	// minReady is how many nodes must be ready, as a number or a percentage.
	// +optional
	// +kubebuilder:default="100%"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=4
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 : self.matches('^([1-9][0-9]?|100)%$')",message="must be a number from 1, or a percentage from 1% to 100%"
	MinReady *intstr.IntOrString `json:"minReady,omitempty"`

	// room is whether they must have room for the release.
	// +optional
	// +kubebuilder:default=Required
	Room NodeRoom `json:"room,omitempty"`
}

// JobGate is open once an image of your own has ended with exit code 0. It runs
// once every other gate is open; that it fails ends the release. Verdicts that
// it writes as JSON to /dev/termination-log count: when it does not know, it
// runs again after a minute.
type JobGate struct {
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

	// timeoutSeconds is how long it may take, retries included.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// retries is how often it is tried again.
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	Retries int32 `json:"retries,omitempty"`
}

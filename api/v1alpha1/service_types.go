package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// ServiceSpec is how the pods of a release are reached. The stable Service has
// the name of the SignalDeployment, the canary Service has "-canary" appended.
type ServiceSpec struct {
	// ports of both Services. The first is where checks are sent.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(p, self.exists_one(q, q.port == p.port && q.protocol == p.protocol))",message="each port number may be used once for each protocol"
	Ports []ServicePort `json:"ports,omitempty"`
}

// ServicePort is one port of the Services.
type ServicePort struct {
	// name of the port.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must be a port name: lower-case letters, digits and '-'"
	Name string `json:"name,omitempty"`

	// port that the Service listens on.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// targetPort is the number or the name of the container's port. When
	// absent, it is the same as port.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 65535 : self.matches('^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$')",message="must be a port number from 1 to 65535 or the name of a container port"
	TargetPort *intstr.IntOrString `json:"targetPort,omitempty"`

	// protocol of the port.
	// +optional
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol string `json:"protocol,omitempty"`

	// appProtocol tells proxies what is spoken on the port, such as
	// kubernetes.io/h2c.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	AppProtocol *string `json:"appProtocol,omitempty"`
}

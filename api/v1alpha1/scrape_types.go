package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// ScrapeSpec is where the pods of a release serve metrics to the built-in
// source, in one of Prometheus' exposition formats. Requests carry no
// credentials and are not redirected to another address.
type ScrapeSpec struct {
	// path of the metrics, with its query.
	// +optional
	// +kubebuilder:default=/metrics
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^/([^/ #][^ #]*)?$')",message="must begin with a single '/' and contain neither spaces nor '#'"
	Path string `json:"path,omitempty"`

	// port is the number or the name of the container's port. When absent, it
	// is the targetPort of the service's first port.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 65535 : self.matches('^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$')",message="must be a port number from 1 to 65535 or the name of a container port"
	Port *intstr.IntOrString `json:"port,omitempty"`

	// scheme of the requests. With https, certificates are not verified: a
	// pod is asked by its address, which no certificate names.
	// +optional
	// +kubebuilder:default=http
	Scheme ScrapeScheme `json:"scheme,omitempty"`
}

// ScrapeScheme is how pods are asked for metrics.
// +kubebuilder:validation:Enum=http;https
type ScrapeScheme string

// How pods are asked for metrics.
const (
	ScrapeHTTP  ScrapeScheme = "http"
	ScrapeHTTPS ScrapeScheme = "https"
)

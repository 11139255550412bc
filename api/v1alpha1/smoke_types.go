package v1alpha1

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

// HTTPRequest is a request and what its answer must be. ${name} is what an
// earlier one captured.
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

	// body of the request, or what a WebSocket is sent.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Body string `json:"body,omitempty"`

	// stream of messages that the answer is; expect is about each of them.
	// +optional
	Stream *StreamExpectation `json:"stream,omitempty"`

	// expect is what the answer must be.
	// +optional
	Expect HTTPExpectation `json:"expect,omitempty,omitzero"`

	// capture is kept for later requests.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Capture []Capture `json:"capture,omitempty"`

	// retry when it is not answered as expected.
	// +optional
	Retry *HTTPRetry `json:"retry,omitempty"`
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

// StreamProtocol is how a stream is spoken.
// +kubebuilder:validation:Enum=WebSocket;ServerSentEvents
type StreamProtocol string

// How a stream is spoken.
const (
	StreamWebSocket StreamProtocol = "WebSocket"
	StreamEvents    StreamProtocol = "ServerSentEvents"
)

// StreamExpectation is what must come of a stream.
type StreamExpectation struct {
	// protocol of it. Each event must be as expected; a WebSocket's may be
	// others.
	// +required
	Protocol StreamProtocol `json:"protocol,omitempty"`

	// minMessages as expected that must come.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MinMessages int32 `json:"minMessages,omitempty"`

	// withinSeconds they must come.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	WithinSeconds int32 `json:"withinSeconds,omitempty"`
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

	// json is a CEL expression over the decoded body, named body, and its text
	// that must be true, such as "size(body.signals) > 0".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	JSON string `json:"json,omitempty"`

	// jsonSchema is a JSON Schema (2020-12) of the body.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	JSONSchema string `json:"jsonSchema,omitempty"`

	// maxLatencyMilliseconds is how long the answer may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600000
	MaxLatencyMilliseconds int32 `json:"maxLatencyMilliseconds,omitempty"`
}

// Capture keeps a part of an answer.
type Capture struct {
	// name in ${name}.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9_]*$')",message="must be a letter, then letters, digits or '_'"
	Name string `json:"name,omitempty"`

	// value is CEL over body, text and headers, by lower-case name: body.id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value,omitempty"`
}

// HTTPRetry sends a request again.
type HTTPRetry struct {
	// attempts at most.
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Attempts int32 `json:"attempts,omitempty"`

	// backoffMilliseconds between them, doubled each time.
	// +optional
	// +kubebuilder:default=500
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60000
	BackoffMilliseconds int32 `json:"backoffMilliseconds,omitempty"`
}

// GRPCCheck asks grpc.health.v1.Health whether the candidate is SERVING.
type GRPCCheck struct {
	// port as in http.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Port string `json:"port,omitempty"`

	// service to ask about. When absent, the server.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Service string `json:"service,omitempty"`
}

// CheckTLS is how the candidate's certificate is verified; it always is.
type CheckTLS struct {
	// serverName in the certificate.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServerName string `json:"serverName,omitempty"`

	// caConfigMapName as in security.tls.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CAConfigMapName string `json:"caConfigMapName,omitempty"`
}

// CriticalPath is one that users need.
type CriticalPath struct {
	// name for the report.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// path of it; {id} is any segment.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^/([^/?#][^?#]*)?$')",message="must begin with a single '/', without a query"
	Path string `json:"path,omitempty"`
}

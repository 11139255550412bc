package v1alpha1

import (
	"k8s.io/apimachinery/pkg/util/intstr"
)

// SLO is a service level objective: which share of an operation's requests
// must be answered well, over a window that ends now. Alert rules are
// generated for it that fire when its error budget is burned too fast, and
// what a release has consumed of that budget is told in its report.
// +kubebuilder:validation:XValidation:rule="has(self.availability) != has(self.latency)",message="needs exactly one of availability and latency; for both, have two objectives"
type SLO struct {
	// name of the objective in verdicts, rules and reports.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// server is whom to ask for what a release has consumed of the error
	// budget: built-in, which scrapes the pods of a release while it is under
	// way, or a metric server by the name that the cluster's administrator gave
	// it.
	// +optional
	// +kubebuilder:default=built-in
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Server string `json:"server,omitempty"`

	// operation selects the requests that count. When absent, all do.
	// +optional
	Operation SLOOperation `json:"operation,omitempty,omitzero"`

	// objective is how many percent of the requests must be answered well: an
	// integer, or a decimal number in quotes. What is left to 100 is the error
	// budget.
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=9
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 99 : self.matches('^[0-9]{1,2}([.][0-9]{1,6})?$') && double(self) > 0.0",message="must be a percentage above 0 and below 100: an integer, or a decimal number in quotes, such as \"99.9\""
	Objective intstr.IntOrString `json:"objective"`

	// availability counts requests that failed against the budget.
	// +optional
	Availability *SLOAvailability `json:"availability,omitempty"`

	// latency counts requests that took too long against the budget.
	// +optional
	Latency *SLOLatency `json:"latency,omitempty"`

	// windowDays is how many days the objective is about.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=90
	WindowDays int32 `json:"windowDays,omitempty"`

	// maxBudgetBurn is the greatest share of the window's whole error budget
	// that one release may consume, from 0 to 1: an integer, or a decimal
	// number in quotes. More turns it back at once. When absent, what it
	// consumed is reported, and limits nothing.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 && self <= 1 : self.matches('^(0([.][0-9]+)?|1([.]0+)?)$')",message="must be a share from 0 to 1: an integer, or a decimal number in quotes, such as \"0.05\" for five percent of the budget"
	MaxBudgetBurn *intstr.IntOrString `json:"maxBudgetBurn,omitempty"`
}

// SLOOperation selects requests by their labels.
// +kubebuilder:validation:XValidation:rule="!has(self.route) || !has(self.grpcMethod)",message="has both route and grpcMethod: a request has one of them; for both, have two objectives"
// +kubebuilder:validation:XValidation:rule="has(self.route) || has(self.grpcMethod) || has(self.matchers)",message="selects nothing: set route, grpcMethod or matchers, or leave operation out to count every request"
type SLOOperation struct {
	// route is the value of the label route, such as /v1/signals.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.contains('{{')",message="must not contain '{{', which begins a template in a rule"
	Route string `json:"route,omitempty"`

	// grpcMethod is the full name of a gRPC method, package.Service/Method.
	// It selects by the labels grpc_service and grpc_method.
	// +optional
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][a-zA-Z0-9_.]*/[a-zA-Z_][a-zA-Z0-9_]*$')",message="must be the full name of a gRPC method, such as signals.v1.Signals/Publish"
	GRPCMethod string `json:"grpcMethod,omitempty"`

	// matchers are further PromQL label matchers, separated by commas, such
	// as method="POST",tenant!="test".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)\"') && self.endsWith('\"')",message="must be PromQL label matchers, such as method=\"POST\""
	// +kubebuilder:validation:XValidation:rule="!self.contains('{{')",message="must not contain '{{', which begins a template in a rule"
	Matchers string `json:"matchers,omitempty"`
}

// SLOAvailability counts requests that failed.
type SLOAvailability struct {
	// counter is the name of the counter of requests. When absent,
	// http_requests_total, or grpc_server_handled_total for a grpcMethod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_:][a-zA-Z0-9_:]*$')",message="must be the name of a metric: letters, digits, '_' and ':', not beginning with a digit"
	Counter string `json:"counter,omitempty"`

	// failed are the PromQL label matchers, separated by commas, of requests
	// that failed. When absent, code=~"5..", or the codes of gRPC that blame
	// the server for a grpcMethod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)\"') && self.endsWith('\"')",message="must be PromQL label matchers, such as code=~\"5..\""
	Failed string `json:"failed,omitempty"`
}

// SLOLatency counts requests that took too long.
type SLOLatency struct {
	// histogram is the name of the histogram of latencies in seconds, classic
	// or native. When absent, http_request_duration_seconds, or
	// grpc_server_handling_seconds for a grpcMethod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_:][a-zA-Z0-9_:]*$')",message="must be the name of a metric: letters, digits, '_' and ':', not beginning with a digit"
	Histogram string `json:"histogram,omitempty"`

	// thresholdSeconds is how long a request may take: an integer, or a
	// decimal number in quotes. For a classic histogram it must be the bound of
	// one of its buckets.
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 86400 : self.matches('^[0-9]{1,5}([.][0-9]{1,9})?$') && double(self) > 0.0",message="must be a number of seconds above 0: an integer, or a decimal number in quotes, such as \"0.3\""
	ThresholdSeconds intstr.IntOrString `json:"thresholdSeconds"`
}

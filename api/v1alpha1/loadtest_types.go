package v1alpha1

// LoadTest is load that Jobs send to the candidate before it takes traffic.
// Requests are due by the clock, and their time counts from then.
type LoadTest struct {
	// requests are sent in turn. Their path, body and values of headers may
	// have ${uuid}, ${sequence}, ${random:1-100} and ${time}.
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

	// shape of the load: Ramp goes from ratePerSecond to peakRatePerSecond,
	// Spike has the peak in its second third, and in a Soak the limits hold in
	// each quarter.
	// +optional
	// +kubebuilder:default=Constant
	Shape LoadShape `json:"shape,omitempty"`

	// ratePerSecond of requests.
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	RatePerSecond int32 `json:"ratePerSecond,omitempty"`

	// peakRatePerSecond of a Ramp or a Spike.
	// +optional
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=5000
	PeakRatePerSecond int32 `json:"peakRatePerSecond,omitempty"`

	// durationSeconds of the shape.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	DurationSeconds int32 `json:"durationSeconds,omitempty"`

	// answerSeconds is how long an answer is waited for.
	// +optional
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	AnswerSeconds int32 `json:"answerSeconds,omitempty"`

	// workers are the Jobs that share the load.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Workers int32 `json:"workers,omitempty"`

	// edges are sent beside the load, one of each in a second.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=4
	Edges []LoadEdge `json:"edges,omitempty"`

	// faults are requests that switch faults of the service on and off, in
	// the order of their time.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Faults []LoadFault `json:"faults,omitempty"`

	// limits that must hold.
	// +optional
	// +kubebuilder:default={}
	Limits LoadLimits `json:"limits,omitempty,omitzero"`

	// peak looks, after the load, for the highest rate at which the limits
	// hold. It is told, and decides nothing.
	// +optional
	Peak *LoadPeak `json:"peak,omitempty"`

	// timeoutSeconds is how long the test may take in all.
	// +optional
	// +kubebuilder:default=600
	// +kubebuilder:validation:Minimum=30
	// +kubebuilder:validation:Maximum=7200
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

// LoadShape is how the rate changes.
// +kubebuilder:validation:Enum=Constant;Ramp;Spike;Soak
type LoadShape string

// Shapes of load.
const (
	LoadConstant LoadShape = "Constant"
	LoadRamp     LoadShape = "Ramp"
	LoadSpike    LoadShape = "Spike"
	LoadSoak     LoadShape = "Soak"
)

// LoadEdge is a kind of request that a service must refuse or survive.
// +kubebuilder:validation:Enum=Oversized;Malformed;SlowBody;ConnectionChurn
type LoadEdge string

// Edge cases of load.
const (
	EdgeOversized       LoadEdge = "Oversized"
	EdgeMalformed       LoadEdge = "Malformed"
	EdgeSlowBody        LoadEdge = "SlowBody"
	EdgeConnectionChurn LoadEdge = "ConnectionChurn"
)

// LoadFault is a request that switches a fault of the service on or off.
type LoadFault struct {
	// atSeconds of the load at which it is sent.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	AtSeconds int32 `json:"atSeconds"`

	// recoverSeconds is after how long the limits must hold again.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	RecoverSeconds int32 `json:"recoverSeconds,omitempty"`

	// path of the request.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Path string `json:"path,omitempty"`

	// method of the request.
	// +optional
	// +kubebuilder:default=POST
	// +kubebuilder:validation:Enum=GET;POST;PUT;PATCH;DELETE
	Method string `json:"method,omitempty"`

	// body of the request, as JSON.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Body string `json:"body,omitempty"`
}

// LoadLimits are what a load test must keep.
type LoadLimits struct {
	// p50Milliseconds that half of the requests may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60000
	P50Milliseconds int32 `json:"p50Milliseconds,omitempty"`

	// p90Milliseconds that 90 % may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60000
	P90Milliseconds int32 `json:"p90Milliseconds,omitempty"`

	// p95Milliseconds that 95 % may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60000
	P95Milliseconds int32 `json:"p95Milliseconds,omitempty"`

	// p99Milliseconds that 99 % may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60000
	P99Milliseconds int32 `json:"p99Milliseconds,omitempty"`

	// p999Milliseconds that 99.9 % may take.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60000
	P999Milliseconds int32 `json:"p999Milliseconds,omitempty"`

	// errorPercent of the requests may have no answer, or a status of 400 or
	// above.
	// +optional
	// +kubebuilder:default="1"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=6
	ErrorPercent string `json:"errorPercent,omitempty"`

	// minRatePerSecond of requests that are answered without an error.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	MinRatePerSecond int32 `json:"minRatePerSecond,omitempty"`

	// noWorseThanStablePercent is by how much p50, p90, p95 and p99 may be
	// above those of the stable release, when it was tested by the same test.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	NoWorseThanStablePercent int32 `json:"noWorseThanStablePercent,omitempty"`
}

// LoadPeak is a search in ten steps.
type LoadPeak struct {
	// fromRatePerSecond of the first step.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	FromRatePerSecond int32 `json:"fromRatePerSecond,omitempty"`

	// toRatePerSecond of the last.
	// +required
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=5000
	ToRatePerSecond int32 `json:"toRatePerSecond,omitempty"`

	// stepSeconds of each.
	// +optional
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=120
	StepSeconds int32 `json:"stepSeconds,omitempty"`
}

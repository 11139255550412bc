package v1alpha1

// LatencyTest holds how long requests take against the stable release's, over
// the same time. It turns a release back when it is slower than is allowed, by
// more than maxRatio and more than maxIncreaseSeconds, and beyond chance.
type LatencyTest struct {
	// histogram of the seconds that requests take, without _bucket. It has the
	// labels that the built-in source gives, and is classic; a native one is
	// counted in buckets from 1 ms to 1 min.
	// +optional
	// +kubebuilder:default=http_request_duration_seconds
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=246
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_:][a-zA-Z0-9_:]*$')",message="must be the name of a metric, such as http_request_duration_seconds"
	Histogram string `json:"histogram,omitempty"`

	// matchers that choose the requests to be judged, as in PromQL, such as
	// route!="/export".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Matchers string `json:"matchers,omitempty"`

	// quantile that is judged.
	// +optional
	// +kubebuilder:default="0.95"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]+$') && double(self) >= 0.5",message="must be from 0.5 to below 1, in quotes, such as \"0.95\""
	Quantile string `json:"quantile,omitempty"`

	// maxRatio is how many times the stable release's quantile is allowed.
	// +optional
	// +kubebuilder:default="1.2"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[1-9][0-9]*([.][0-9]+)?$')",message="must be a number of 1 or more, in quotes, such as \"1.2\""
	MaxRatio string `json:"maxRatio,omitempty"`

	// maxIncreaseSeconds is by how much the quantile may be above the stable
	// release's, whatever the ratio.
	// +optional
	// +kubebuilder:default="0.01"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+([.][0-9]+)?$')",message="must be a number of seconds, in quotes, such as \"0.01\""
	MaxIncreaseSeconds string `json:"maxIncreaseSeconds,omitempty"`

	// maxSeconds is the quantile that is allowed, whatever the stable
	// release's. It also counts where there is nothing to compare with: for a
	// first release, and after the cutover.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+([.][0-9]+)?$')",message="must be a number of seconds, in quotes, such as \"0.5\""
	MaxSeconds string `json:"maxSeconds,omitempty"`

	// minRequests is how many requests of the candidate a step needs before
	// the metric can pass.
	// +optional
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MinRequests int32 `json:"minRequests,omitempty"`

	// alpha is the probability that a release that is not slower than allowed
	// is turned back, at any of its steps.
	// +optional
	// +kubebuilder:default="0.01"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]+$') && double(self) > 0.0 && double(self) <= 0.5",message="must be a probability above 0 and at most 0.5, in quotes, such as \"0.01\""
	Alpha string `json:"alpha,omitempty"`
}

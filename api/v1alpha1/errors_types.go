package v1alpha1

// ErrorsTest holds the share of requests that fail against the stable
// release's, over the same time. It turns a release back when the share is
// beyond what is allowed, and beyond chance; and lets it pass when an increase
// that must not be missed is ruled out.
// +kubebuilder:validation:XValidation:rule="has(self.totalQuery) == has(self.failedQuery)",message="totalQuery and failedQuery count the same requests: set both, or neither"
// +kubebuilder:validation:XValidation:rule="!has(self.totalQuery) || !has(self.matchers)",message="matchers are added to the counter's selector: leave them out, and write them into totalQuery and failedQuery"
// +kubebuilder:validation:XValidation:rule="double(self.detectIncrease) > double(self.maxIncrease)",message="detectIncrease must be above maxIncrease: no test can tell apart what is allowed and what must not be missed if they are the same"
type ErrorsTest struct {
	// counter of requests, by whether they failed. It has the labels that the
	// built-in source gives.
	// +optional
	// +kubebuilder:default=http_requests_total
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_:][a-zA-Z0-9_:]*$')",message="must be the name of a metric, such as http_requests_total"
	Counter string `json:"counter,omitempty"`

	// matchers that choose the requests to be judged, as in PromQL, such as
	// route!="/healthz".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Matchers string `json:"matchers,omitempty"`

	// failed are the matchers of the requests that failed. Requests without
	// their labels are not counted.
	// +optional
	// +kubebuilder:default="code=~\"5..\""
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Failed string `json:"failed,omitempty"`

	// totalQuery is PromQL that counts the requests of ${release} in ${window},
	// instead of counter.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	TotalQuery string `json:"totalQuery,omitempty"`

	// failedQuery is PromQL that counts those of them that failed. No answer is
	// none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	FailedQuery string `json:"failedQuery,omitempty"`

	// maxIncrease is by how much the share of failed requests may be above the
	// stable release's.
	// +optional
	// +kubebuilder:default="0.01"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0([.][0-9]+)?$')",message="must be a share from 0 to below 1, in quotes, such as \"0.01\""
	MaxIncrease string `json:"maxIncrease,omitempty"`

	// detectIncrease is an increase that must not be missed: a step passes when
	// it has been ruled out.
	// +optional
	// +kubebuilder:default="0.05"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0([.][0-9]+)?$')",message="must be a share from 0 to below 1, in quotes, such as \"0.05\""
	DetectIncrease string `json:"detectIncrease,omitempty"`

	// max is the share of failed requests that is allowed, whatever the stable
	// release's. It also counts where there is nothing to compare with: for a
	// first release, and after the cutover.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0([.][0-9]+)?$')",message="must be a share from 0 to below 1, in quotes, such as \"0.05\""
	Max string `json:"max,omitempty"`

	// minRequests is how many requests of the candidate a step needs before
	// the metric can pass.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MinRequests int32 `json:"minRequests,omitempty"`

	// alpha is the probability that a release whose increase is at most
	// maxIncrease is turned back, at any of its steps.
	// +optional
	// +kubebuilder:default="0.01"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]+$') && double(self) > 0.0 && double(self) <= 0.5",message="must be a probability above 0 and at most 0.5, in quotes, such as \"0.01\""
	Alpha string `json:"alpha,omitempty"`

	// beta is the probability that a release whose increase is detectIncrease
	// passes.
	// +optional
	// +kubebuilder:default="0.1"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]+$') && double(self) > 0.0 && double(self) <= 0.5",message="must be a probability above 0 and at most 0.5, in quotes, such as \"0.1\""
	Beta string `json:"beta,omitempty"`
}

package v1alpha1

// StrategySpec is how traffic moves to the candidate. It is pinned in status
// when a release starts; later edits serve the next release.
type StrategySpec struct {
	// steps are the weights that the candidate takes on its way, each higher
	// than the one before. Without steps, the candidate takes all traffic at
	// once when its checks have passed. A first release has no steps.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:XValidation:rule="self.map(s, s.weight).isSorted() && self.all(s, self.exists_one(o, o.weight == s.weight))",message="each step must have a higher weight than the step before it"
	Steps []Step `json:"steps,omitempty"`

	// verifySeconds is how long the new release is judged after the cutover,
	// while the old one is kept warm.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	VerifySeconds *int32 `json:"verifySeconds,omitempty"`

	// progressDeadlineSeconds is how long a phase or a step may take beyond
	// its hold before the release fails. Time in which people are waited for
	// does not count.
	// +optional
	// +kubebuilder:default=600
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`

	// drainSeconds is how long pods are kept after the last traffic was seen
	// to leave them.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	DrainSeconds *int32 `json:"drainSeconds,omitempty"`
}

// Step is one weight on the candidate's way.
type Step struct {
	// name of the step.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// weight is the candidate's share of the traffic, in percent.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight,omitempty"`

	// holdSeconds is how long the candidate must be healthy at this weight
	// before the next step.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	HoldSeconds *int32 `json:"holdSeconds,omitempty"`

	// approval says whether someone must approve the end of this step, by the
	// annotation delivery.signal.dev/approve with the release's id or hash.
	// +optional
	// +kubebuilder:default=NotRequired
	Approval ApprovalPolicy `json:"approval,omitempty"`
}

// ApprovalPolicy says whether someone must approve.
// +kubebuilder:validation:Enum=NotRequired;Required
type ApprovalPolicy string

// Whether someone must approve.
const (
	ApprovalNotRequired ApprovalPolicy = "NotRequired"
	ApprovalRequired    ApprovalPolicy = "Required"
)

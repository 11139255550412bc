package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RolloutStatus is the machine's memory of one release.
type RolloutStatus struct {
	// phase of the release.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// reason it is in this phase, in CamelCase.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// message says the reason in a sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// plan is the strategy that was pinned when the release started.
	// +optional
	Plan Plan `json:"plan,omitempty,omitzero"`

	// step is the index of the current step of the plan.
	// +optional
	Step int32 `json:"step,omitempty"`

	// move of the cutover that is under way.
	// +optional
	Move CutoverMove `json:"move,omitempty"`

	// startTime of the attempt.
	// +optional
	StartTime metav1.Time `json:"startTime,omitempty,omitzero"`

	// sinceTime is when the phase, step or move began, moved on by the time
	// that people were waited for.
	// +optional
	SinceTime metav1.Time `json:"sinceTime,omitempty,omitzero"`

	// heldSinceTime is when the weight of the step was first seen.
	// +optional
	HeldSinceTime metav1.Time `json:"heldSinceTime,omitempty,omitzero"`

	// waitingSinceTime is since when the release waits for people: a pause,
	// an approval, or a decision on a failure.
	// +optional
	WaitingSinceTime metav1.Time `json:"waitingSinceTime,omitempty,omitzero"`

	// endTime of the attempt.
	// +optional
	EndTime metav1.Time `json:"endTime,omitempty,omitzero"`

	// result is how the attempt ended, or will end once its traffic is back.
	// +optional
	Result Result `json:"result,omitempty"`

	// exposed says that the candidate has taken traffic.
	// +optional
	Exposed bool `json:"exposed,omitempty"`

	// overruled says that someone promoted the release past its steps, or
	// past a failure that was held for them.
	// +optional
	Overruled bool `json:"overruled,omitempty"`

	// failure is why the release is held for people, when rollback.automatic
	// is false.
	// +optional
	Failure *Verdict `json:"failure,omitempty"`

	// verdicts that decided something, in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Verdicts []Verdict `json:"verdicts,omitempty"`

	// timeline of the attempt.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Timeline []TimelineEntry `json:"timeline,omitempty"`

	// tallies count the failing samples of metrics, where there were any.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Tallies []MetricTally `json:"tallies,omitempty"`

	// budgets are what the release had consumed of the objectives' error budgets
	// when it came into its phase, step or move.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Budgets []BudgetRecord `json:"budgets,omitempty"`

	// firedBefore are the alerts that already fired when the release started;
	// they are reported, not blamed on it.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=512
	FiredBefore []string `json:"firedBefore,omitempty"`

	// profiles are what was measured of each phase, step and move under
	// traffic, in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Profiles []Profile `json:"profiles,omitempty"`

	// anomalies are what stood out and failed nothing, in order; the gravest
	// are kept.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Anomalies []Anomaly `json:"anomalies,omitempty"`
}

// Plan is the strategy as it was when the release started.
type Plan struct {
	// steps of the plan; none for a first release and inside rollback.windowSeconds.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Steps []Step `json:"steps,omitempty"`

	// routes whose weights are moved; none switches the Service.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	Routes []string `json:"routes,omitempty"`

	// verifySeconds as in strategy.
	// +optional
	VerifySeconds int32 `json:"verifySeconds,omitempty"`

	// progressDeadlineSeconds as in strategy.
	// +optional
	ProgressDeadlineSeconds int32 `json:"progressDeadlineSeconds,omitempty"`

	// drainSeconds as in strategy.
	// +optional
	DrainSeconds int32 `json:"drainSeconds,omitempty"`

	// automatic as in rollback.
	// +optional
	Automatic bool `json:"automatic,omitempty"`
}

// TimelineEntry is one moment of an attempt.
type TimelineEntry struct {
	// time it happened.
	// +optional
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// phase that began.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// step or move that began, by name.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Step string `json:"step,omitempty"`

	// weight that was read back at that moment.
	// +optional
	Weight int32 `json:"weight,omitempty"`

	// reason for it.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// message says the reason in a sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`
}

// MetricTally counts the failing samples of one metric.
type MetricTally struct {
	// name of the metric.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// failures since the release started.
	// +optional
	Failures int32 `json:"failures,omitempty"`

	// consecutive failures up to the latest sample.
	// +optional
	Consecutive int32 `json:"consecutive,omitempty"`
}

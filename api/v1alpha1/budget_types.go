package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BudgetRecord is what a release has consumed of an objective's error budget.
type BudgetRecord struct {
	// name of the objective.
	// +required
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// operation that the objective is about.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Operation string `json:"operation,omitempty"`

	// objective says how many requests are to be answered how.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Objective string `json:"objective,omitempty"`

	// windowDays is how many days the objective is about.
	// +optional
	WindowDays int32 `json:"windowDays,omitempty"`

	// total is how many requests the release has answered since it took
	// traffic.
	// +optional
	Total int64 `json:"total,omitempty"`

	// failed is how many of them were not answered well.
	// +optional
	Failed int64 `json:"failed,omitempty"`

	// burnRate is how many times as fast as it may the release spends the
	// budget.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	BurnRate string `json:"burnRate,omitempty"`

	// consumed is the share of the window's whole error budget that the release
	// has consumed.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Consumed string `json:"consumed,omitempty"`

	// limit is the share that it may consume, if there is a limit.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Limit string `json:"limit,omitempty"`

	// time up to which requests have been counted.
	// +optional
	Time metav1.MicroTime `json:"time,omitempty,omitzero"`
}

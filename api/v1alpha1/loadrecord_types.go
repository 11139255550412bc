package v1alpha1

// LoadRecord is what a load test measured of a release.
type LoadRecord struct {
	// release that was tested, by hash.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Release string `json:"release,omitempty"`

	// test is a hash of what was sent: only like is compared with like.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Test string `json:"test,omitempty"`

	// requests that were judged.
	// +optional
	Requests int64 `json:"requests,omitempty"`

	// errors among them.
	// +optional
	Errors int64 `json:"errors,omitempty"`

	// latencyMicroseconds are p50, p90, p95, p99 and p99.9.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	LatencyMicroseconds []int64 `json:"latencyMicroseconds,omitempty"`

	// peakRatePerSecond at which the limits held.
	// +optional
	PeakRatePerSecond int32 `json:"peakRatePerSecond,omitempty"`
}

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Profile is what was measured of a phase, step or move that has ended.
type Profile struct {
	// phase that was measured.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// step or move that was measured, by name.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Step string `json:"step,omitempty"`

	// startTime of what the numbers cover: later than the phase began when
	// the operator was restarted or no longer has its first samples.
	// +optional
	StartTime metav1.Time `json:"startTime,omitempty,omitzero"`

	// endTime of what the numbers cover.
	// +optional
	EndTime metav1.Time `json:"endTime,omitempty,omitzero"`

	// candidate is what was measured of the candidate's pods; absent when
	// nothing was.
	// +optional
	Candidate *TrackProfile `json:"candidate,omitempty"`

	// stable is what was measured of the stable release's pods; absent when
	// nothing was.
	// +optional
	Stable *TrackProfile `json:"stable,omitempty"`

	// message says what of the candidate could not be measured, and why.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

// TrackProfile is what was measured of one release's pods. What is absent is
// not known.
type TrackProfile struct {
	// release whose pods were measured, by hash.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Release string `json:"release,omitempty"`

	// requests that were answered.
	// +optional
	Requests *int64 `json:"requests,omitempty"`

	// peakPerMinute is the rate of requests, per minute, at its highest.
	// +optional
	PeakPerMinute *int64 `json:"peakPerMinute,omitempty"`

	// peakSeconds is how long the windows are whose highest rate is the peak.
	// +optional
	PeakSeconds int32 `json:"peakSeconds,omitempty"`

	// clientErrors are the requests that were answered with a code of 400 to 499.
	// +optional
	ClientErrors *int64 `json:"clientErrors,omitempty"`

	// serverErrors are the requests that were answered with a code of 500 to 599.
	// +optional
	ServerErrors *int64 `json:"serverErrors,omitempty"`

	// p50Microseconds is the time that half of the answers took at most.
	// +optional
	P50Microseconds *int64 `json:"p50Microseconds,omitempty"`

	// p95Microseconds is the time that 95 % of the answers took at most.
	// +optional
	P95Microseconds *int64 `json:"p95Microseconds,omitempty"`

	// p99Microseconds is the time that 99 % of the answers took at most.
	// +optional
	P99Microseconds *int64 `json:"p99Microseconds,omitempty"`

	// cpuPercent of their limit that the pods used, on average.
	// +optional
	CPUPercent *int32 `json:"cpuPercent,omitempty"`

	// cpuMillicores that a pod used, on average.
	// +optional
	CPUMillicores *int64 `json:"cpuMillicores,omitempty"`

	// memoryPercent of its limit that a pod used, at most.
	// +optional
	MemoryPercent *int32 `json:"memoryPercent,omitempty"`

	// memoryBytes that a pod used, at most.
	// +optional
	MemoryBytes *int64 `json:"memoryBytes,omitempty"`
}

// AnomalyKind is what stood out.
// +kubebuilder:validation:Enum=LatencySpike;LatencyRise;ErrorBurst;ErrorRise;ThroughputDip;CPUSpike;CPURise;MemorySpike;MemoryRise
type AnomalyKind string

// Kinds of anomalies. A spike, burst or dip is over within the phase; a rise
// is of the whole phase, against the one before or against the stable release.
const (
	AnomalyLatencySpike  AnomalyKind = "LatencySpike"
	AnomalyLatencyRise   AnomalyKind = "LatencyRise"
	AnomalyErrorBurst    AnomalyKind = "ErrorBurst"
	AnomalyErrorRise     AnomalyKind = "ErrorRise"
	AnomalyThroughputDip AnomalyKind = "ThroughputDip"
	AnomalyCPUSpike      AnomalyKind = "CPUSpike"
	AnomalyCPURise       AnomalyKind = "CPURise"
	AnomalyMemorySpike   AnomalyKind = "MemorySpike"
	AnomalyMemoryRise    AnomalyKind = "MemoryRise"
)

// AnomalySeverity is how much an anomaly stands out.
// +kubebuilder:validation:Enum=Low;Medium;High
type AnomalySeverity string

// Severities of anomalies.
const (
	SeverityLow    AnomalySeverity = "Low"
	SeverityMedium AnomalySeverity = "Medium"
	SeverityHigh   AnomalySeverity = "High"
)

// Anomaly is something that stood out in a phase and failed nothing.
type Anomaly struct {
	// kind is what stood out.
	// +required
	Kind AnomalyKind `json:"kind,omitempty"`

	// severity is how much it stood out.
	// +required
	Severity AnomalySeverity `json:"severity,omitempty"`

	// release in whose pods it was seen, by hash; empty for all of them
	// together.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Release string `json:"release,omitempty"`

	// phase in which it was seen.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// step or move in which it was seen, by name.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Step string `json:"step,omitempty"`

	// startTime of it.
	// +optional
	StartTime metav1.Time `json:"startTime,omitempty,omitzero"`

	// endTime of it.
	// +optional
	EndTime metav1.Time `json:"endTime,omitempty,omitzero"`

	// value that stood out.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Value string `json:"value,omitempty"`

	// usual is the value that it stood out against.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Usual string `json:"usual,omitempty"`

	// windowSeconds is how long the windows are that were compared.
	// +optional
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// message says it in a sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Outcome is a signal's answer. Unknown neither passes nor fails: it waits.
// +kubebuilder:validation:Enum=Passed;Failed;Unknown
type Outcome string

// Outcomes of a verdict.
const (
	OutcomePassed  Outcome = "Passed"
	OutcomeFailed  Outcome = "Failed"
	OutcomeUnknown Outcome = "Unknown"
)

// SignalKind is what spoke.
// +kubebuilder:validation:Enum=Spec;Artifact;Gate;Workload;Route;Smoke;Metric;SLO;Alert;Dashboard;Deadline;Request;Load;Security;Watermark
type SignalKind string

// Kinds of signals.
const (
	SignalSpec      SignalKind = "Spec"      // the specification itself
	SignalArtifact  SignalKind = "Artifact"  // the image and its digest
	SignalGate      SignalKind = "Gate"      // whether the release may start
	SignalWorkload  SignalKind = "Workload"  // the pods of a release
	SignalRoute     SignalKind = "Route"     // the routes and Services
	SignalSmoke     SignalKind = "Smoke"     // a smoke check
	SignalMetric    SignalKind = "Metric"    // a metric of the analysis
	SignalSLO       SignalKind = "SLO"       // what is left of an error budget
	SignalAlert     SignalKind = "Alert"     // an alert rule
	SignalDashboard SignalKind = "Dashboard" // the dashboard's way into Grafana
	SignalDeadline  SignalKind = "Deadline"  // time that ran out
	SignalRequest   SignalKind = "Request"   // what a person asked for
	SignalLoad      SignalKind = "Load"      // synthetic traffic; background load tells, and decides nothing
	SignalSecurity  SignalKind = "Security"  // the security checks
	SignalWatermark SignalKind = "Watermark" // which release answered
)

// Verdict is a signal's answer, and what it rests on.
type Verdict struct {
	// kind is what spoke.
	// +optional
	Kind SignalKind `json:"kind,omitempty"`

	// name of the metric, rule, check or object that spoke.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// outcome is the answer.
	// +required
	Outcome Outcome `json:"outcome,omitempty"`

	// reason is the answer's cause in CamelCase, for machines.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// message is a sentence for people.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// phase in which the verdict was recorded.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// step of the plan during which the verdict was recorded, by name.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Step string `json:"step,omitempty"`

	// evidence is what the answer rests on.
	// +optional
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Evidence is what a verdict rests on.
type Evidence struct {
	// value that was seen.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Value string `json:"value,omitempty"`

	// baseline is the stable release's value, where it was compared.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Baseline string `json:"baseline,omitempty"`

	// threshold that the value was held against.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Threshold string `json:"threshold,omitempty"`

	// query as it was asked, with everything filled in.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query,omitempty"`

	// window that the value covers, such as 60s.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Window string `json:"window,omitempty"`

	// source that was asked: a server, a Job, a registry, an object.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Source string `json:"source,omitempty"`

	// samples is how many answers the verdict rests on.
	// +optional
	Samples int32 `json:"samples,omitempty"`

	// failures is how many of the samples failed.
	// +optional
	Failures int32 `json:"failures,omitempty"`

	// statistic is what a test came to: what was counted on both sides, the
	// evidence against the candidate, and how much is decisive.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Statistic string `json:"statistic,omitempty"`

	// needed is what it would take to decide, at the present rate.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Needed string `json:"needed,omitempty"`

	// time at which the value was seen.
	// +optional
	Time metav1.Time `json:"time,omitempty,omitzero"`
}

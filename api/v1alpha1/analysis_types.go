package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ServerBuiltIn is the name of the source that needs no metric server.
const ServerBuiltIn = "built-in"

// AnalysisSpec judges the candidate by metrics while it takes traffic.
type AnalysisSpec struct {
	// interval between two samples of each metric, from 250ms to 1m.
	// +optional
	// +kubebuilder:default="1s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m))+$') && duration(self) >= duration('250ms') && duration(self) <= duration('1m')",message="must be a duration from 250ms to 1m, such as 1s"
	Interval metav1.Duration `json:"interval,omitempty,omitzero"`

	// scrape is where pods serve metrics to the built-in source.
	// +optional
	// +kubebuilder:default={}
	Scrape ScrapeSpec `json:"scrape,omitempty,omitzero"`

	// metrics are judged at every step and after the cutover. All must pass
	// for the whole hold of a step.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Metrics []Metric `json:"metrics,omitempty"`

	// slos are service level objectives, each for one operation. What a release
	// consumes of their error budgets is reported, and can be limited.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	SLOs []SLO `json:"slos,omitempty"`
}

// Metric is one query and what its answer must be, or a test of the candidate
// against the stable release.
// +kubebuilder:validation:XValidation:rule="[has(self.query), has(self.errors), has(self.latency)].filter(x, x).size() == 1",message="needs exactly one of query, errors and latency"
// +kubebuilder:validation:XValidation:rule="!has(self.query) || has(self.min) || has(self.max) || has(self.compare)",message="needs a limit: set min, max or compare"
// +kubebuilder:validation:XValidation:rule="has(self.query) || !(has(self.min) || has(self.max) || has(self.compare) || has(self.range) || has(self.failureBudget))",message="min, max, compare, range and failureBudget are for a query: errors and latency have limits of their own"
// +kubebuilder:validation:XValidation:rule="has(self.query) || !has(self.noData) || self.noData != 'Fail'",message="noData: Fail is for a query: errors and latency wait for requests"
type Metric struct {
	// name of the metric in verdicts and reports.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// server is whom to ask: built-in, which scrapes the pods of a release
	// while it is under way, or a metric server by the name that the cluster's
	// administrator gave it.
	// +optional
	// +kubebuilder:default=built-in
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Server string `json:"server,omitempty"`

	// errors tests whether more requests fail than of the stable release.
	// +optional
	Errors *ErrorsTest `json:"errors,omitempty"`

	// latency tests whether requests take longer than the stable release's.
	// +optional
	Latency *LatencyTest `json:"latency,omitempty"`

	// query is PromQL that answers with one number. ${namespace}, ${name},
	// ${release} (the hash of the judged release), ${service} and ${window}
	// (how long the release has been judged, at most range.windowSeconds) are
	// replaced before it is asked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query,omitempty"`

	// range asks for the query's values over a window instead of its value
	// now, and judges one number made of them.
	// +optional
	Range *MetricRange `json:"range,omitempty"`

	// min is the least value that passes: an integer, or a decimal number in
	// quotes.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"0.01\""
	Min *intstr.IntOrString `json:"min,omitempty"`

	// max is the greatest value that passes: an integer, or a decimal number
	// in quotes.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"0.01\""
	Max *intstr.IntOrString `json:"max,omitempty"`

	// compare asks the same query for the stable release and judges the
	// candidate against its answer, while both take traffic. A first release,
	// and one that takes everything, have nothing to compare with: only min and
	// max count for them.
	// +optional
	Compare *MetricComparison `json:"compare,omitempty"`

	// consecutiveFailures is how many failing samples in a row fail the
	// release. Errors and latency need no patience: the test has it.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	ConsecutiveFailures int32 `json:"consecutiveFailures,omitempty"`

	// failureBudget is how many failing samples the whole release may have;
	// one more fails it. When absent, only consecutiveFailures counts.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	FailureBudget *int32 `json:"failureBudget,omitempty"`

	// minSamples is how many samples a step needs before the metric can pass.
	// Errors and latency count requests instead.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	MinSamples int32 `json:"minSamples,omitempty"`

	// noData is what an empty answer means: Unknown waits, until the
	// deadline; Fail is a failing sample; Ignore lets the metric pass without
	// data, which the report says.
	// +optional
	// +kubebuilder:default=Unknown
	NoData NoDataPolicy `json:"noData,omitempty"`
}

// NoDataPolicy is what an empty answer means.
// +kubebuilder:validation:Enum=Unknown;Fail;Ignore
type NoDataPolicy string

// What an empty answer means.
const (
	NoDataUnknown NoDataPolicy = "Unknown"
	NoDataFail    NoDataPolicy = "Fail"
	NoDataIgnore  NoDataPolicy = "Ignore"
)

// MetricRange asks for a query's values over a window.
type MetricRange struct {
	// windowSeconds is how far back the values go.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// stepSeconds is the distance of two values.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	StepSeconds int32 `json:"stepSeconds,omitempty"`

	// reduce makes one number of the values.
	// +optional
	// +kubebuilder:default=Avg
	Reduce Reduction `json:"reduce,omitempty"`
}

// Reduction makes one number of several.
// +kubebuilder:validation:Enum=Avg;Min;Max;Last;Sum
type Reduction string

// How several numbers become one.
const (
	ReduceAvg  Reduction = "Avg"
	ReduceMin  Reduction = "Min"
	ReduceMax  Reduction = "Max"
	ReduceLast Reduction = "Last"
	ReduceSum  Reduction = "Sum"
)

// MetricComparison judges the candidate's value against the stable one's.
// +kubebuilder:validation:XValidation:rule="has(self.maxRatio) || has(self.minRatio) || has(self.maxIncrease) || has(self.maxDecrease)",message="needs a limit: set maxRatio, minRatio, maxIncrease or maxDecrease"
type MetricComparison struct {
	// maxRatio is the greatest candidate / stable that passes. A stable value
	// of zero passes only a candidate of zero, unless max allows more.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"1.5\""
	MaxRatio *intstr.IntOrString `json:"maxRatio,omitempty"`

	// minRatio is the least candidate / stable that passes.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"0.9\""
	MinRatio *intstr.IntOrString `json:"minRatio,omitempty"`

	// maxIncrease is the greatest candidate - stable that passes.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"0.05\""
	MaxIncrease *intstr.IntOrString `json:"maxIncrease,omitempty"`

	// maxDecrease is the greatest stable - candidate that passes.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"0.05\""
	MaxDecrease *intstr.IntOrString `json:"maxDecrease,omitempty"`
}

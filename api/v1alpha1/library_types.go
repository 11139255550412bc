package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// LibraryMode says whether the default alert rules are evaluated.
// +kubebuilder:validation:Enum=Enabled;Disabled
type LibraryMode string

// Modes of the library.
const (
	LibraryEnabled  LibraryMode = "Enabled"
	LibraryDisabled LibraryMode = "Disabled"
)

// AlertLibrary switches and adjusts the default alert rules. A rule whose
// metrics the service does not have is not applicable: it is shown as such,
// and neither passes nor holds up a release.
type AlertLibrary struct {
	// mode is whether the default rules are evaluated and published.
	// +optional
	// +kubebuilder:default=Enabled
	Mode LibraryMode `json:"mode,omitempty"`

	// disable are the default rules to leave out, by the name of the alert.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Disable []string `json:"disable,omitempty"`

	// overrides change default rules.
	// +optional
	// +listType=map
	// +listMapKey=alert
	// +kubebuilder:validation:MaxItems=64
	Overrides []AlertOverride `json:"overrides,omitempty"`
}

// AlertOverride changes one of the default alert rules.
// +kubebuilder:validation:XValidation:rule="has(self.limits) || has(self.for) || has(self.severity)",message="changes nothing: set limits, for or severity"
type AlertOverride struct {
	// alert is the name of the rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Alert string `json:"alert,omitempty"`

	// limits that the rule holds its values against. Those that are absent
	// keep their defaults.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Limits []AlertLimit `json:"limits,omitempty"`

	// for is how long the expression must hold before the alert fires, as a
	// Prometheus duration. When absent, the rule's own is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(ms|s|m|h|d|w|y))+$')",message="must be a Prometheus duration such as 15s or 1m"
	For string `json:"for,omitempty"`

	// severity decides, with rollbackOn, whether the alert turns a release
	// back. When absent, the rule's own is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Severity string `json:"severity,omitempty"`
}

// AlertLimit is one limit of a default alert rule.
type AlertLimit struct {
	// name of the limit, as docs/alerts.md has it for the rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z][a-zA-Z0-9]*$')",message="must consist of letters and digits, and begin with a lower-case letter"
	Name string `json:"name,omitempty"`

	// value of the limit: an integer, or a decimal number in quotes.
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == int || self.matches('^[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')",message="must be an integer or a decimal number in quotes, such as \"0.05\""
	Value intstr.IntOrString `json:"value"`
}

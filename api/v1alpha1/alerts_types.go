package v1alpha1

// AlertsSpec are the Prometheus alert rules of the service. A rule whose
// severity is in rollbackOn turns the release back when it fires for it.
type AlertsSpec struct {
	// server is who evaluates the rules of a release: built-in, which scrapes
	// its pods while it is under way, or a metric server by the name that the
	// cluster's administrator gave it.
	// +optional
	// +kubebuilder:default=built-in
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Server string `json:"server,omitempty"`

	// groups are rule groups, written as in a Prometheus rule file.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Groups []AlertRuleGroup `json:"groups,omitempty"`

	// rulesFrom are keys of ConfigMaps that each hold a Prometheus rule file.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	RulesFrom []ConfigMapKey `json:"rulesFrom,omitempty"`

	// library switches and adjusts the default rules. When absent, all of them
	// are evaluated, as docs/alerts.md lists them.
	// +optional
	Library AlertLibrary `json:"library,omitempty,omitzero"`

	// rollbackOn are the values of the label severity that turn a release
	// back.
	// +optional
	// +listType=set
	// +kubebuilder:default={critical}
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	RollbackOn []string `json:"rollbackOn,omitempty"`
}

// AlertRuleGroup is a group of alert rules that are evaluated together.
type AlertRuleGroup struct {
	// name of the group.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// interval between two evaluations, as a Prometheus duration such as 15s.
	// When absent, the server's own interval is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(ms|s|m|h|d|w|y))+$')",message="must be a Prometheus duration such as 15s or 1m"
	Interval string `json:"interval,omitempty"`

	// rules of the group.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Rules []AlertRule `json:"rules,omitempty"`
}

// AlertRule is one Prometheus alerting rule.
type AlertRule struct {
	// alert is the name of the rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][a-zA-Z0-9_]*$')",message="must be an alert name: letters, digits and '_', not beginning with a digit"
	Alert string `json:"alert,omitempty"`

	// expr is PromQL; each series it returns is an alert.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Expr string `json:"expr,omitempty"`

	// for is how long the expression must hold before the alert fires, as a
	// Prometheus duration.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(ms|s|m|h|d|w|y))+$')",message="must be a Prometheus duration such as 15s or 1m"
	For string `json:"for,omitempty"`

	// labels of the alert. The label severity decides, with rollbackOn,
	// whether the alert turns a release back.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the alert.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ConfigMapKey names one key of a ConfigMap in the SignalDeployment's
// namespace.
type ConfigMapKey struct {
	// name of the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the ConfigMap.
	// +optional
	// +kubebuilder:default="rules.yaml"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

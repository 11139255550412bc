package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Gate is something that must be so before a release may start: before there
// is a pod of it. A gate that is closed is waited for, without a deadline. It
// never holds a rollback, nor a return to what served a short while ago.
// +kubebuilder:validation:XValidation:rule="[has(self.window), has(self.freezes), has(self.signalDeployment), has(self.service), has(self.configMap), has(self.secret), has(self.crd), has(self.group), has(self.alerts), has(self.errorBudget), has(self.approval), has(self.expression), has(self.template), has(self.quota), has(self.nodes), has(self.job), has(self.drill)].exists_one(set, set)",message="needs exactly one of window, freezes, signalDeployment, service, configMap, secret, crd, group, alerts, errorBudget, approval, expression, template, quota, nodes, job and drill; for more, have several gates"
type Gate struct {
	// name of the gate in verdicts and reports.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// window is open at certain hours.
	// +optional
	Window *WindowGate `json:"window,omitempty"`

	// freezes are intervals in which nothing starts.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Freezes []Freeze `json:"freezes,omitempty"`

	// signalDeployment must be ready.
	// +optional
	SignalDeployment *SignalDeploymentGate `json:"signalDeployment,omitempty"`

	// service must have ready endpoints.
	// +optional
	Service *ServiceGate `json:"service,omitempty"`

	// configMap must exist.
	// +optional
	ConfigMap *ConfigMapGate `json:"configMap,omitempty"`

	// secret must exist.
	// +optional
	Secret *SecretGate `json:"secret,omitempty"`

	// crd must be established.
	// +optional
	CRD *CRDGate `json:"crd,omitempty"`

	// group lets one release of its members be under way at a time.
	// +optional
	Group *GroupGate `json:"group,omitempty"`

	// alerts must be quiet.
	// +optional
	Alerts *AlertsGate `json:"alerts,omitempty"`

	// errorBudget must have enough left.
	// +optional
	ErrorBudget *ErrorBudgetGate `json:"errorBudget,omitempty"`

	// approval must be given to this release, by annotation.
	// +optional
	Approval *ApprovalGate `json:"approval,omitempty"`

	// expression must be true.
	// +optional
	Expression *ExpressionGate `json:"expression,omitempty"`

	// template must be accepted by the cluster.
	// +optional
	Template *TemplateGate `json:"template,omitempty"`

	// quota must have room for the release.
	// +optional
	Quota *QuotaGate `json:"quota,omitempty"`

	// drill must have passed.
	// +optional
	Drill *DrillGate `json:"drill,omitempty"`

	// nodes must be ready, and have room for the release.
	// +optional
	Nodes *NodesGate `json:"nodes,omitempty"`

	// job must end well.
	// +optional
	Job *JobGate `json:"job,omitempty"`
}

// WindowGate is open during any of its openings.
type WindowGate struct {
	// timeZone of the schedules, by its name in the IANA database, such as
	// Europe/Vienna.
	// +optional
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && self != 'Local'",message="must be the name of a time zone, such as Europe/Vienna"
	TimeZone string `json:"timeZone,omitempty"`

	// openings of the window, by the clock on the wall: when clocks are set
	// forward or back, an opening begins and ends at the hours that it names.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Openings []Opening `json:"openings,omitempty"`
}

// Opening is when a window opens, and for how long.
type Opening struct {
	// schedule is when it opens, as five fields of cron: minute, hour, day of
	// the month, month and day of the week.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$')",message="must have the five fields of cron: minute, hour, day of the month, month and day of the week, such as \"0 9 * * 1-4\""
	Schedule string `json:"schedule,omitempty"`

	// durationSeconds is how long it stays open.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	DurationSeconds int32 `json:"durationSeconds,omitempty"`
}

// Freeze is an interval in which nothing starts.
// +kubebuilder:validation:XValidation:rule="self.startTime < self.endTime",message="must end after it starts: set endTime later than startTime"
type Freeze struct {
	// name of the freeze, such as year-end.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// startTime is the first moment of the freeze.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// endTime is the first moment after the freeze.
	// +required
	EndTime metav1.Time `json:"endTime,omitzero"`
}

// GroupScope is how far a group reaches.
// +kubebuilder:validation:Enum=Namespace;Cluster
type GroupScope string

// Scopes of a group.
const (
	GroupInNamespace GroupScope = "Namespace" // of the SignalDeployment
	GroupInCluster   GroupScope = "Cluster"   // as much of it as the operator sees
)

// GroupGate is open while no other member of the group, which is every
// SignalDeployment with such a gate, has a release under way. Those that wait
// for nothing else go in the order in which they were asked for.
type GroupGate struct {
	// name of the group.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// scope is how far the group reaches: over the namespace, or over all
	// namespaces that the operator sees. Groups of one name and another scope
	// are other groups.
	// +optional
	// +kubebuilder:default=Namespace
	Scope GroupScope `json:"scope,omitempty"`
}

// AlertsGate is open while no alert of the severities fires that is of the
// SignalDeployment's own rules, or names its namespace. It asks the metric
// server of alerts.server; the built-in one listens to the stable release for as
// long as an alert of those severities takes to fire.
type AlertsGate struct {
	// severities that hold a release back, by the label severity.
	// +optional
	// +kubebuilder:default={critical}
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Severities []string `json:"severities,omitempty"`
}

// ErrorBudgetGate is open while objectives have enough of their error budgets
// left, by the metric server that keeps samples for that long.
type ErrorBudgetGate struct {
	// slo is the name of the objective. When absent, all.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	SLO string `json:"slo,omitempty"`

	// minRemainingPercent of the budget must be left.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinRemainingPercent int32 `json:"minRemainingPercent,omitempty"`
}

// ApprovalGate is open once someone has annotated the SignalDeployment with
// delivery.signal.dev/approve=<release id>/<gate name>.
type ApprovalGate struct{}

// ExpressionGate is open while an expression is true.
type ExpressionGate struct {
	// rule is a CEL expression over object, which is the SignalDeployment, and
	// release, with the id, version, image and digest of what would start.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Rule string `json:"rule,omitempty"`

	// message says what to do while it is not true. When absent, the rule is
	// shown.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SignalDeploymentSpec is the release the user asks for and how it may reach
// its users.
// +kubebuilder:validation:XValidation:rule="!has(self.strategy) || !has(self.strategy.steps) || size(self.strategy.steps) == 0 || (has(self.traffic) && has(self.traffic.httpRoutes) && size(self.traffic.httpRoutes) > 0)",message="strategy.steps need a route that can split traffic: name one in traffic.httpRoutes, or remove the steps to switch the Service in one move",fieldPath=".strategy.steps"
type SignalDeploymentSpec struct {
	// version names the release for people, such as v1.0.0. When absent, the
	// tag of artifact.image is used, or the first twelve digits of its digest.
	// Changing the version alone releases nothing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$')",message="must consist of letters, digits, '-', '_' and '.', and begin and end with a letter or digit"
	Version string `json:"version,omitempty"`

	// environment names where the release goes, such as prod. When absent, the
	// name of the namespace is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Environment string `json:"environment,omitempty"`

	// replicas is how many pods serve users. Also set through /scale, so an
	// autoscaler targets the SignalDeployment.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Replicas *int32 `json:"replicas,omitempty"`

	// paused holds the progress of a release. It never holds a rollback.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// template is the pod that each release runs. The container named by
	// artifact.container gets the pinned digest in place of its image, which
	// may be left out.
	// +required
	// +kubebuilder:validation:XValidation:rule="has(self.spec) && size(self.spec.containers) > 0",message="needs at least one container, for the image to run in",fieldPath=".spec.containers"
	Template corev1.PodTemplateSpec `json:"template,omitzero"`

	// artifact is what is released.
	// +required
	Artifact ArtifactSpec `json:"artifact,omitzero"`

	// service is how the pods are reached.
	// +required
	Service ServiceSpec `json:"service,omitzero"`

	// traffic names the routes whose weights the operator moves. When absent,
	// traffic moves in one step, by pointing the Service at the release.
	// +optional
	Traffic TrafficSpec `json:"traffic,omitempty,omitzero"`

	// gates must be open before a release starts. Changing them releases
	// nothing; a release that waits obeys the new ones.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=24
	Gates []Gate `json:"gates,omitempty"`

	// checks run on the candidate before it takes traffic.
	// +optional
	Checks ChecksSpec `json:"checks,omitempty,omitzero"`

	// analysis judges the candidate by metrics while it takes traffic.
	// +optional
	// +kubebuilder:default={}
	Analysis AnalysisSpec `json:"analysis,omitempty,omitzero"`

	// alerts are rules that turn the release back when they fire for it.
	// +optional
	// +kubebuilder:default={}
	Alerts AlertsSpec `json:"alerts,omitempty,omitzero"`

	// strategy is how traffic moves to the candidate.
	// +optional
	// +kubebuilder:default={}
	Strategy StrategySpec `json:"strategy,omitempty,omitzero"`

	// rollback is how a failed release is turned back.
	// +optional
	// +kubebuilder:default={}
	Rollback RollbackSpec `json:"rollback,omitempty,omitzero"`

	// dashboard is how the service's Grafana dashboard, which the operator
	// generates, gets into Grafana; {} is a ConfigMap for Grafana's sidecar.
	// When absent, there is none.
	// +optional
	Dashboard *DashboardSpec `json:"dashboard,omitempty"`

	// report is what is kept about ended releases.
	// +optional
	// +kubebuilder:default={}
	Report ReportSpec `json:"report,omitempty,omitzero"`
}

// SignalDeployment releases one service: it pins an image, proves it beside
// the stable release, moves traffic to it in steps and turns back by itself
// when a signal fails.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=sigdep,categories=signal
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Step",type=string,JSONPath=`.status.step`
// +kubebuilder:printcolumn:name="Weight",type=integer,JSONPath=`.status.weight`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.status.verdict`
// +kubebuilder:printcolumn:name="Stable",type=string,JSONPath=`.status.stable.version`
// +kubebuilder:printcolumn:name="Candidate",type=string,JSONPath=`.status.candidate.version`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Release",type=string,priority=1,JSONPath=`.status.candidate.id`
// +kubebuilder:printcolumn:name="Digest",type=string,priority=1,JSONPath=`.status.candidate.digest`
// +kubebuilder:printcolumn:name="Signer",type=string,priority=1,JSONPath=`.status.candidate.artifact.signer`
// +kubebuilder:printcolumn:name="Builder",type=string,priority=1,JSONPath=`.status.candidate.artifact.builder`
// +kubebuilder:printcolumn:name="Drill",type=string,priority=1,JSONPath=`.status.drill.runs[0].result`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.reason`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40",message="metadata.name must be no more than 40 characters, since releases, checks and reports append to it"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",message="metadata.name must be a valid Service name: lower-case letters, digits and '-', beginning with a letter"
type SignalDeployment struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the release the user asks for.
	// +required
	Spec SignalDeploymentSpec `json:"spec,omitzero"`

	// status is what the operator has seen and decided.
	// +optional
	// +kubebuilder:default={observedGeneration:-1}
	Status SignalDeploymentStatus `json:"status,omitempty,omitzero"`
}

// SignalDeploymentList is a list of SignalDeployments.
// +kubebuilder:object:root=true
type SignalDeploymentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SignalDeployment `json:"items"`
}

package v1alpha1

// DashboardSpec is how the service's Grafana dashboard, which the operator
// generates, gets into Grafana. That it fails to, or takes long, is told as an
// anomaly; it fails no release and holds up none.
// +kubebuilder:validation:XValidation:rule="self.delivery != 'API' || has(self.api)",message="delivery API needs api: the address of Grafana and the Secret with its token",fieldPath=".api"
// +kubebuilder:validation:XValidation:rule="self.delivery != 'GrafanaDashboard' || !has(self.api)",message="api is not used with delivery GrafanaDashboard, whose status says whether the dashboard has arrived: remove api",fieldPath=".api"
// +kubebuilder:validation:XValidation:rule="self.delivery == 'GrafanaDashboard' || !has(self.instanceLabels)",message="instanceLabels belong to delivery GrafanaDashboard: remove them, or set delivery",fieldPath=".instanceLabels"
type DashboardSpec struct {
	// delivery is how the dashboard is handed over: as a ConfigMap that
	// Grafana's sidecar picks up, as a GrafanaDashboard object of the
	// grafana-operator, or by Grafana's HTTP API, called by a Job.
	// +optional
	// +kubebuilder:default=ConfigMap
	Delivery DashboardDelivery `json:"delivery,omitempty"`

	// folder of Grafana that the dashboard belongs in, by its title. When
	// absent, the root, or what the sidecar or the grafana-operator is
	// configured for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=189
	// +kubebuilder:validation:XValidation:rule="!self.contains('/') && !self.contains('..')",message="must be the title of one folder, without '/' and '..'"
	Folder string `json:"folder,omitempty"`

	// labels of the ConfigMap or the GrafanaDashboard, besides
	// grafana_dashboard: "1", by which the sidecar finds it.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$') && self[k].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$'))",message="must be keys and values that labels can have"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('delivery.signal.dev/') && !k.startsWith('app.kubernetes.io/'))",message="must not set labels of delivery.signal.dev or app.kubernetes.io, which say whose the object is"
	Labels map[string]DashboardLabel `json:"labels,omitempty"`

	// folderAnnotation is the annotation that tells the sidecar the folder, as
	// its own configuration names it.
	// +optional
	// +kubebuilder:default=grafana_folder
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9.-]{1,189}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$')",message="must be the key of an annotation, such as grafana_folder"
	FolderAnnotation string `json:"folderAnnotation,omitempty"`

	// instanceLabels are the labels of the Grafana objects, in any namespace,
	// that take the GrafanaDashboard. When absent, dashboards: grafana. The
	// grafana-operator does not let them change: to change them, delete the
	// GrafanaDashboard, and it is made anew.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$') && self[k].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$'))",message="must be keys and values that labels can have"
	InstanceLabels map[string]DashboardLabel `json:"instanceLabels,omitempty"`

	// api is Grafana's HTTP API. With delivery API the dashboard is sent to
	// it; with delivery ConfigMap it is asked whether the dashboard has
	// arrived, which nobody else can tell of a sidecar.
	// +optional
	API *GrafanaAPI `json:"api,omitempty"`

	// slowSeconds is how long an import may take before it is an anomaly.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1800
	SlowSeconds int32 `json:"slowSeconds,omitempty"`
}

// DashboardDelivery is how a dashboard is handed over to Grafana.
// +kubebuilder:validation:Enum=ConfigMap;GrafanaDashboard;API
type DashboardDelivery string

// How a dashboard is handed over to Grafana.
const (
	DeliverConfigMap        DashboardDelivery = "ConfigMap"
	DeliverGrafanaDashboard DashboardDelivery = "GrafanaDashboard"
	DeliverAPI              DashboardDelivery = "API"
)

// DashboardLabel is the value of a label.
// +kubebuilder:validation:MaxLength=63
type DashboardLabel string

// GrafanaAPI is where Grafana's HTTP API is, and who may use it.
type GrafanaAPI struct {
	// url of Grafana, with the path it is served under, such as
	// http://grafana.monitoring:3000. A Job in the SignalDeployment's namespace
	// calls it; certificates are verified.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && (url(self).getScheme() == 'http' || url(self).getScheme() == 'https') && url(self).getHost() != '' && !self.contains('@') && !self.contains('?') && !self.contains('#')",message="must be an http or https URL without user, query and fragment, such as http://grafana.monitoring:3000"
	URL string `json:"url,omitempty"`

	// tokenSecret is the key of a Secret, in the SignalDeployment's namespace,
	// that holds the token of a Grafana service account. The Job mounts it; the
	// operator never reads it.
	// +required
	TokenSecret SecretKey `json:"tokenSecret,omitzero"`
}

// SecretKey names one key of a Secret in the SignalDeployment's namespace.
type SecretKey struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the Secret.
	// +optional
	// +kubebuilder:default=token
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

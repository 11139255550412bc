package v1alpha1

// TrafficSpec names the routes whose weights the operator moves.
type TrafficSpec struct {
	// httpRoutes are Gateway API HTTPRoutes of the same namespace. While a
	// release is under way, each of their backendRefs to the stable Service
	// has a sibling to the canary Service; at rest they are as you wrote them.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	HTTPRoutes []RouteReference `json:"httpRoutes,omitempty"`

	// entry is where clients reach the service, for checks that go the same
	// way. When absent, none do.
	// +optional
	Entry *TrafficEntry `json:"entry,omitempty"`
}

// TrafficEntry is where clients reach the service: in front of its Gateway.
type TrafficEntry struct {
	// url that clients call, such as https://signals.example, without a path.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$')",message="must be a URL such as https://signals.example, without a path"
	URL string `json:"url,omitempty"`

	// address is dialled in place of what the url's host resolves to, as
	// host:port. When absent, DNS decides.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9.:-]+:[0-9]{1,5}$')",message="must be host:port"
	Address string `json:"address,omitempty"`
}

// RouteReference names a route in the SignalDeployment's namespace.
type RouteReference struct {
	// name of the route.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

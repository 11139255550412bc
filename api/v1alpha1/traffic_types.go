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
}

// RouteReference names a route in the SignalDeployment's namespace.
type RouteReference struct {
	// name of the route.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

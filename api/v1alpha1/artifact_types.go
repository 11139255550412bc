package v1alpha1

// ArtifactSpec is the image that a release runs.
type ArtifactSpec struct {
	// image is the reference of the image, by tag or by digest. A tag is
	// resolved once for each attempt; the release then runs the digest.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$')",message="must be an image reference such as registry.example/team/app:v1.0.0 or registry.example/team/app@sha256:…"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@') || self.matches('@sha256:[a-f0-9]{64}$')",message="a digest must be sha256 with 64 lower-case hexadecimal digits"
	Image string `json:"image,omitempty"`

	// container is the container of the template that gets the image. When
	// absent, the first one does.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Container string `json:"container,omitempty"`
}

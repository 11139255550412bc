package v1alpha1

// Release is one thing that was, is or may come to serve users.
type Release struct {
	// hash of everything the release is made of: digest, template and
	// configuration. Empty until the digest is known.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Hash string `json:"hash,omitempty"`

	// asked is the hash of the specification that asked for it.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Asked string `json:"asked,omitempty"`

	// id names the release for people: version, environment and UTC start,
	// such as v1.0.0-prod-20260118_083135.
	// +optional
	// +kubebuilder:validation:MaxLength=192
	ID string `json:"id,omitempty"`

	// version of the release.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Version string `json:"version,omitempty"`

	// image is the reference that was asked for.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// digest is what the image was pinned to, sha256:….
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Digest string `json:"digest,omitempty"`

	// attempt counts how often the same release was tried, from 1.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
}

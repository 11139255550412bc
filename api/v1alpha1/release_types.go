package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

	// artifact is what the digest was found to be.
	// +optional
	Artifact *ArtifactRecord `json:"artifact,omitempty"`

	// podTemplateHash is the label pod-template-hash of the pods that were
	// checked. Pods of the release that have another one were made of a template
	// that someone has edited.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	PodTemplateHash string `json:"podTemplateHash,omitempty"`

	// attempt counts how often the same release was tried, from 1.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
}

// ArtifactRecord is what the registry, and those who signed, say of a digest.
type ArtifactRecord struct {
	// mediaType of the manifest or the index.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	MediaType string `json:"mediaType,omitempty"`

	// platforms that the image is for, such as linux/amd64; the first 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
	Platforms []string `json:"platforms,omitempty"`

	// accepted are the digests that a node may report for a pod that runs the
	// image: of the index, of its manifests and of their configurations, for
	// the platforms that the cluster's nodes offer.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=128
	Accepted []string `json:"accepted,omitempty"`

	// sizeBytes of what is downloaded for one platform: the largest of those
	// that the cluster's nodes offer, compressed.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// createdTime is when the image says that it was made.
	// +optional
	CreatedTime metav1.Time `json:"createdTime,omitempty,omitzero"`

	// source is where the image says that its source code is
	// (org.opencontainers.image.source).
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Source string `json:"source,omitempty"`

	// revision is the source revision that the image says it was made of
	// (org.opencontainers.image.revision).
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Revision string `json:"revision,omitempty"`

	// signer who signed the digest, as verified; more than one are joined by a
	// comma.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Signer string `json:"signer,omitempty"`

	// builder that made the image: as its verified provenance says, or how the
	// operator built it.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Builder string `json:"builder,omitempty"`
}

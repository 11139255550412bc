package v1alpha1

// ArtifactSpec is the image that a release runs: one that is there, or one
// that is built.
// +kubebuilder:validation:XValidation:rule="has(self.image) != has(self.build)",message="needs exactly one of image and build"
// +kubebuilder:validation:XValidation:rule="has(self.build) == has(self.repository)",message="repository is where build pushes the image: set both, or neither"
type ArtifactSpec struct {
	// image is the reference of the image, by tag or by digest. A tag is
	// resolved once for each attempt, by a Job in the SignalDeployment's
	// namespace that has the template's imagePullSecrets; the release then runs
	// the digest.
	// +optional
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

	// signatures are who must have signed the digest; each entry must be
	// satisfied. What is verified is the digest that runs.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Signatures []SignaturePolicy `json:"signatures,omitempty"`

	// attestations are signed statements about the digest that must be there,
	// such as its SLSA provenance or its SBOM; each entry must be satisfied.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Attestations []AttestationPolicy `json:"attestations,omitempty"`

	// build makes the image; what comes out is pinned like any other.
	// +optional
	Build *BuildSpec `json:"build,omitempty"`

	// repository is where build pushes the image, without tag or digest.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=384
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$')",message="must be a repository such as registry.example/team/app, without tag or digest"
	Repository string `json:"repository,omitempty"`

	// attach pushes the release manifest beside the image, as an OCI referrer,
	// so that the registry itself says what was deployed where and when.
	// +optional
	Attach bool `json:"attach,omitempty"`
}

// SignaturePolicy is a signer that must have signed the digest.
type SignaturePolicy struct {
	// name of the policy, for verdicts and reports.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// signer is who must have signed.
	// +required
	Signer Signer `json:"signer,omitempty,omitzero"`
}

// AttestationPolicy is a statement about the digest that must be there, signed.
type AttestationPolicy struct {
	// name of the policy, for verdicts and reports.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must consist of lower-case letters, digits and '-', and begin and end with a letter or digit"
	Name string `json:"name,omitempty"`

	// predicateType of the in-toto statement, such as
	// https://slsa.dev/provenance/v1 or https://spdx.dev/Document.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	PredicateType string `json:"predicateType,omitempty"`

	// signer is who must have signed the statement.
	// +required
	Signer Signer `json:"signer,omitempty,omitzero"`

	// rules must all be true of one and the same statement.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Rules []AttestationRule `json:"rules,omitempty"`
}

// AttestationRule is what must be true of a statement.
type AttestationRule struct {
	// expression in CEL over the variable predicate, such as
	// predicate.runDetails.builder.id == 'https://ci.example/builder'.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Expression string `json:"expression,omitempty"`

	// message says what is wrong when the expression is not true. When absent,
	// the expression is shown.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`
}

// Signer is who signs: the holder of one of some keys, or an identity that a
// certificate authority vouches for.
// +kubebuilder:validation:XValidation:rule="has(self.publicKeys) != has(self.keyless)",message="needs exactly one of publicKeys and keyless"
type Signer struct {
	// publicKeys of which any one must have signed.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	PublicKeys []PublicKey `json:"publicKeys,omitempty"`

	// keyless is an identity in a short-lived certificate, as Sigstore's Fulcio
	// issues them.
	// +optional
	Keyless *KeylessIdentity `json:"keyless,omitempty"`
}

// PublicKey is a key in PEM, written here or in a ConfigMap.
// +kubebuilder:validation:XValidation:rule="has(self.pem) != has(self.configMap)",message="needs exactly one of pem and configMap"
type PublicKey struct {
	// pem is the key: PKIX, of ECDSA, Ed25519 or RSA.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="self.contains('-----BEGIN PUBLIC KEY-----')",message="must be a public key in PEM, beginning with -----BEGIN PUBLIC KEY-----"
	PEM string `json:"pem,omitempty"`

	// configMap holds the key in PEM.
	// +optional
	ConfigMap *ConfigMapFile `json:"configMap,omitempty"`
}

// KeylessIdentity is an identity that a certificate authority vouches for.
// +kubebuilder:validation:XValidation:rule="has(self.issuer) != has(self.issuerPattern)",message="needs exactly one of issuer and issuerPattern"
// +kubebuilder:validation:XValidation:rule="has(self.subject) != has(self.subjectPattern)",message="needs exactly one of subject and subjectPattern"
type KeylessIdentity struct {
	// issuer is the OIDC issuer of the identity, such as
	// https://token.actions.githubusercontent.com.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Issuer string `json:"issuer,omitempty"`

	// issuerPattern is a regular expression (RE2) that the whole issuer must
	// match; it is anchored at both ends.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	IssuerPattern string `json:"issuerPattern,omitempty"`

	// subject is the identity: an email address, or the URI of a workflow.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Subject string `json:"subject,omitempty"`

	// subjectPattern is a regular expression (RE2) that the whole subject must
	// match; it is anchored at both ends.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	SubjectPattern string `json:"subjectPattern,omitempty"`

	// trustRoot holds a Sigstore trusted_root.json: the certificate
	// authorities, transparency logs and timestamp authorities that are
	// believed. Nothing is fetched from elsewhere.
	// +required
	TrustRoot ConfigMapFile `json:"trustRoot,omitempty,omitzero"`
}

// ConfigMapFile names one key of a ConfigMap in the SignalDeployment's
// namespace. It is mounted into the Job that needs it.
type ConfigMapFile struct {
	// name of the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key of a ConfigMap"
	Key string `json:"key,omitempty"`
}

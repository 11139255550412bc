package v1alpha1

import corev1 "k8s.io/api/core/v1"

// BuildSpec is how the image is made.
// +kubebuilder:validation:XValidation:rule="has(self.append) != has(self.job)",message="needs exactly one of append and job"
type BuildSpec struct {
	// append puts layers on a base image, without privileges or a daemon. The
	// same inputs give the same digest.
	// +optional
	Append *AppendBuild `json:"append,omitempty"`

	// job runs a builder image of your own.
	// +optional
	Job *JobBuild `json:"job,omitempty"`

	// timeoutSeconds is how long the build may take.
	// +optional
	// +kubebuilder:default=600
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=7200
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

// AppendBuild puts layers on a base image.
type AppendBuild struct {
	// base is the image below, by digest: an index gives an index, with the
	// layers on every platform's image.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._:/+-]*@sha256:[a-f0-9]{64}$')",message="must name the base image by digest, such as gcr.io/distroless/static@sha256:…"
	Base string `json:"base,omitempty"`

	// layers are put on the base in order.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Layers []LayerSource `json:"layers,omitempty"`

	// entrypoint replaces the base's.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Entrypoint []string `json:"entrypoint,omitempty"`

	// cmd replaces the base's.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	Cmd []string `json:"cmd,omitempty"`

	// env is added to the base's.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []CheckEnv `json:"env,omitempty"`

	// user replaces the base's, such as 65532:65532.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	User string `json:"user,omitempty"`

	// workingDir replaces the base's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	WorkingDir string `json:"workingDir,omitempty"`

	// labels are added to the base's, such as org.opencontainers.image.source.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]string `json:"labels,omitempty"`
}

// LayerSource is where a layer comes from.
// +kubebuilder:validation:XValidation:rule="has(self.artifact) != has(self.volume)",message="needs exactly one of artifact and volume"
type LayerSource struct {
	// artifact is an OCI artifact by digest; each of its layers becomes one.
	// They must be tarballs, compressed by gzip or not at all.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._:/+-]*@sha256:[a-f0-9]{64}$')",message="must name the artifact by digest, such as registry.example/team/files@sha256:…"
	Artifact string `json:"artifact,omitempty"`

	// volume holds a tarball.
	// +optional
	Volume *VolumeTarball `json:"volume,omitempty"`
}

// VolumeTarball is a tarball in a volume, compressed by gzip or not at all.
type VolumeTarball struct {
	// claim is the PersistentVolumeClaim; it is mounted for reading.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Claim string `json:"claim,omitempty"`

	// path of the tarball in the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.split('/').exists(part, part == '..')",message="must be relative to the volume, without '..'"
	Path string `json:"path,omitempty"`

	// sha256 that the tarball must have, as 64 lower-case hexadecimal digits.
	// +required
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-f0-9]{64}$')",message="must be 64 lower-case hexadecimal digits, as sha256sum prints them"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`
}

// BuildPrivilege is what a builder may do beyond what a check may.
// +kubebuilder:validation:Enum=Restricted;Rootless
type BuildPrivilege string

// What a builder may do.
const (
	// BuildRestricted is what the restricted pod security standard allows.
	BuildRestricted BuildPrivilege = "Restricted"
	// BuildRootless lets a builder that is not root make user namespaces, as
	// BuildKit's rootless mode does: no seccomp profile, and programs that may
	// gain privileges. The namespace must allow it.
	BuildRootless BuildPrivilege = "Rootless"
)

// JobBuild runs a builder image. It finds what to do in its environment and
// writes the digest that it pushed, sha256:…, to /dev/termination-log.
type JobBuild struct {
	// image of the builder.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// command replaces the image's entrypoint.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`

	// args replace the image's arguments.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`

	// env is added to the environment. SIGNAL_REPOSITORY, SIGNAL_NAME,
	// SIGNAL_NAMESPACE and DOCKER_CONFIG are set already.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []CheckEnv `json:"env,omitempty"`

	// cacheClaim is a PersistentVolumeClaim that is mounted at /cache.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CacheClaim string `json:"cacheClaim,omitempty"`

	// privilege of the builder.
	// +optional
	// +kubebuilder:default=Restricted
	Privilege BuildPrivilege `json:"privilege,omitempty"`

	// resources of the builder.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`
}

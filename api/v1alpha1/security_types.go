package v1alpha1

import corev1 "k8s.io/api/core/v1"

// SecurityCompare is what a finding of the security checks is held against.
// +kubebuilder:validation:Enum=NoWorseThanStable;Absolute
type SecurityCompare string

// What a finding is held against.
const (
	CompareStable   SecurityCompare = "NoWorseThanStable"
	CompareAbsolute SecurityCompare = "Absolute"
)

// SecurityAfterCutover says whether checks are run again.
// +kubebuilder:validation:Enum=Enabled;Disabled
type SecurityAfterCutover string

// Whether checks are run again.
const (
	AfterCutoverEnabled  SecurityAfterCutover = "Enabled"
	AfterCutoverDisabled SecurityAfterCutover = "Disabled"
)

// SecuritySpec are the built-in security checks: requests that a Job sends to
// the candidate before it takes traffic, over the canary Service and nowhere
// else. They change nothing: a verb that deletes or writes is never sent, and
// a body only to writePaths.
type SecuritySpec struct {
	// paths that are looked at, without a query.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Paths []ProbedPath `json:"paths,omitempty"`

	// port is the name of the Service port to call. When absent, the first.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Port string `json:"port,omitempty"`

	// allowedOrigins may call the service from a browser, such as
	// https://app.example; '*' is everyone, without credentials. Origins that
	// look like these are tried.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	AllowedOrigins []AllowedOrigin `json:"allowedOrigins,omitempty"`

	// protectedPaths must not be answered without credentials. When absent,
	// the checks of access control do not apply.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	ProtectedPaths []ProbedPath `json:"protectedPaths,omitempty"`

	// writePaths take a POST with a JSON body. They are sent malformed,
	// oversized and unexpected ones. When absent, checks that need a body do
	// not apply.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	WritePaths []ProbedPath `json:"writePaths,omitempty"`

	// publicPaths are for everyone to see, such as /metrics or /openapi.json:
	// that they are exposed is no finding.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	PublicPaths []ProbedPath `json:"publicPaths,omitempty"`

	// browserPaths are pages that people open: only these may redirect from
	// http to https.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	BrowserPaths []ProbedPath `json:"browserPaths,omitempty"`

	// users are what the checks of access control sign in with. When absent,
	// those that need a user do not apply.
	// +optional
	Users *SecurityUsers `json:"users,omitempty"`

	// tls is where the service ends TLS itself. When absent, that is done
	// before it, and is not looked at.
	// +optional
	TLS *SecurityTLS `json:"tls,omitempty"`

	// disable leaves checks out, by their number in docs/security-checks.md.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=57
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=999
	Disable []int32 `json:"disable,omitempty"`

	// compare says what fails the release: with NoWorseThanStable a finding
	// that the stable release does not have, with Absolute any. A first
	// release has nothing to be compared with, so that any does.
	// +optional
	// +kubebuilder:default=NoWorseThanStable
	Compare SecurityCompare `json:"compare,omitempty"`

	// afterCutover says whether the checks are run again through
	// traffic.entry once the candidate serves all; what they find that they
	// did not find before turns it back. When absent, Disabled.
	// +optional
	AfterCutover SecurityAfterCutover `json:"afterCutover,omitempty"`

	// requestBudget is how many requests may be sent to one side.
	// +optional
	// +kubebuilder:default=2000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	RequestBudget int32 `json:"requestBudget,omitempty"`

	// ratePerSecond is how many requests are sent in a second, at most.
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=200
	RatePerSecond int32 `json:"ratePerSecond,omitempty"`

	// timeoutSeconds is how long the checks may take.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// resources of the container that asks. When absent, requests of 10m CPU
	// and 32Mi, and limits of 500m and 128Mi.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`
}

// ProbedPath has no query.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule="self.matches(r'^/([\\w.~!$&()*+,:@%-][\\w/.~!$&()*+,:@%-]*)?$')",message="must begin with a single '/' and have no query"
type ProbedPath string

// AllowedOrigin is an origin as browsers send it.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule="self == '*' || self.matches('^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$')",message="must be '*' or an origin such as https://app.example, in lower case and without a path"
type AllowedOrigin string

// SecurityUsers are two users of the service that exist for tests, and where
// one may go and the other may not.
type SecurityUsers struct {
	// secretName is the Secret with their credentials: keys userA and userB
	// have values of the Authorization header; expired and otherAudience, if
	// there are, such as must be refused. The checks' Job mounts it; the
	// operator does not read it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// ownedPath is something of userA's that userB must not see.
	// +optional
	OwnedPath ProbedPath `json:"ownedPath,omitempty"`

	// adminPath is for administrators, which userA is not.
	// +optional
	AdminPath ProbedPath `json:"adminPath,omitempty"`

	// loginPath takes a POST of {"username": …, "password": …}. It is sent
	// well-known and wrong ones.
	// +optional
	LoginPath ProbedPath `json:"loginPath,omitempty"`
}

// SecurityTLS is where the service ends TLS itself.
type SecurityTLS struct {
	// port is the name of the Service port that speaks TLS.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Port string `json:"port,omitempty"`

	// serverName is the name that the certificate must have.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServerName string `json:"serverName,omitempty"`

	// caConfigMapName is the ConfigMap whose key ca.crt has the authorities
	// that may have signed the certificate. When absent, those that are known
	// everywhere.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CAConfigMapName string `json:"caConfigMapName,omitempty"`

	// minDays is how many days the certificate must still be valid.
	// +optional
	// +kubebuilder:default=14
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=365
	MinDays int32 `json:"minDays,omitempty"`
}

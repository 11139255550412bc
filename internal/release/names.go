package release

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// maxLabel is the longest name that can also be a label's value; Jobs become
// one on their pods.
const maxLabel = 63

// DeploymentName is the Deployment that runs a release.
func DeploymentName(name, hash string) string { return name + "-" + hash }

// StableName is the Service that users reach.
func StableName(name string) string { return name }

// drillPrefix marks the pods of a drill. No hash of a release begins with it.
const drillPrefix = "drill"

// DrillHash stands in the place of a release's hash for the pods on which
// turning back to it is rehearsed: no Service of users, no budget and no
// autoscaler selects it.
func DrillHash(stable string) string {
	hash := drillPrefix + stable
	return hash[:min(len(hash), maxHash)]
}

// maxHash is the schema's bound on a hash.
const maxHash = 16

// IsDrill reports whether a hash stands for a drill.
func IsDrill(hash string) bool { return strings.HasPrefix(hash, drillPrefix) }

// CanaryName is the Service that selects the candidate.
func CanaryName(name string) string { return name + "-canary" }

// ConfigName is a release's copy of a ConfigMap.
func ConfigName(name, hash, config string) string {
	return short(fmt.Sprintf("%s-%s-%s", name, hash, config), 253)
}

// JobName is the Job that runs one check of one attempt. It is a function of
// the attempt, so that asking twice creates once.
func JobName(name, hash string, attempt int32, check string) string {
	return short(strings.Join([]string{name, hash, strconv.Itoa(int(attempt)), check}, "-"), maxLabel)
}

// StageName is the Job that runs one check of one attempt at another stage than
// the first. Where that has the attempt, it has the stage.
func StageName(name, hash string, attempt int32, check string, stage v1alpha1.CheckStage) string {
	if stage == v1alpha1.StageCandidate {
		return JobName(name, hash, attempt, check)
	}
	return short(strings.Join([]string{name, hash, strings.ToLower(string(stage)), strconv.Itoa(int(attempt)), check}, "-"), maxLabel)
}

// PreviewName is the route through which requests that name a release reach
// it, for the one of that index among the user's routes.
func PreviewName(name string, index int) string {
	if index == 0 {
		return name + "-preview"
	}
	return fmt.Sprintf("%s-preview-%d", name, index+1)
}

// LoadName is the Job that sends load for one attempt. It is no check's: where
// theirs have the attempt, it has a word.
func LoadName(name, hash string, attempt int32, load string) string {
	return short(strings.Join([]string{name, hash, load, strconv.Itoa(int(attempt))}, "-"), maxLabel)
}

// GateName is the Job of a gate of one attempt, as the gate is specified, of one
// round: what is not known is asked again.
func GateName(name, hash string, attempt int32, gate, specified string, round int) string {
	return short(strings.Join([]string{name, hash, "gate", gate, strconv.Itoa(int(attempt)), specified, strconv.Itoa(round)}, "-"), maxLabel)
}

// SecurityName is the Job that runs the security checks of one attempt. It is
// no smoke check's, even of one of that name.
func SecurityName(name, hash string, attempt int32) string {
	return LoadName(name, hash, attempt, "security")
}

// LeaksName is the Job that looks for leaks of one attempt.
func LeaksName(name, hash string, attempt int32) string {
	return LoadName(name, hash, attempt, "leaks")
}

// ReportName is the ConfigMap with the report of the latest ended release.
func ReportName(name string) string { return name + "-report" }

// ArchiveName is the immutable ConfigMap with the report of one attempt.
func ArchiveName(name string, ended v1alpha1.Release) string {
	hash := ended.Hash
	if hash == "" { // it never got a digest
		hash = ended.Asked
	}
	if ended.Attempt <= 1 {
		return ReportName(name) + "-" + hash
	}
	return fmt.Sprintf("%s-%s-%d", ReportName(name), hash, ended.Attempt)
}

// ManifestName is the immutable ConfigMap with the manifest of one attempt.
func ManifestName(name string, rel v1alpha1.Release) string {
	if rel.Attempt <= 1 {
		return fmt.Sprintf("%s-manifest-%s", name, rel.Hash)
	}
	return fmt.Sprintf("%s-manifest-%s-%d", name, rel.Hash, rel.Attempt)
}

// short is a name within the limit; a longer one keeps its beginning and gets
// a hash of the whole.
func short(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	return strings.TrimRight(name[:limit-hashDigits-1], "-.") + "-" + digest(name)
}

// Labels of every object that belongs to a SignalDeployment.
func Labels(name string) map[string]string {
	return map[string]string{v1alpha1.LabelName: name, "app.kubernetes.io/managed-by": v1alpha1.FieldManager}
}

// Selector of the pods of one release.
func Selector(name, hash string) map[string]string {
	return map[string]string{v1alpha1.LabelName: name, v1alpha1.LabelRelease: hash}
}

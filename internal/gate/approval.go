package gate

import (
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// approved says whether someone has approved this release. What was approved
// stays so: the annotation may go on to approve something else.
func approved(name string, f Facts) verdict.Verdict {
	sd := f.Object
	known := slices.IndexFunc(sd.Status.Rollout.Verdicts, func(v verdict.Verdict) bool {
		return v.Kind == v1alpha1.SignalGate && v.Name == name && v.Reason == v1alpha1.ReasonApproved && v.Outcome == verdict.Passed
	})
	if known >= 0 {
		return sd.Status.Rollout.Verdicts[known]
	}
	value := verdict.Clip(sd.Annotations[v1alpha1.AnnotationApprove], 256)
	rests := verdict.Evidence{Value: value, Source: "annotation " + v1alpha1.AnnotationApprove}
	if value != sd.Status.Handled.Approve && means(value, name, sd.Status.Candidate) {
		return verdict.With(pass(v1alpha1.ReasonApproved, "Someone approved gate %q", name), rests)
	}
	return verdict.With(wait(v1alpha1.ReasonAwaitingApproval, "Gate %q waits for approval: kubectl -n %s annotate sigdep %s %s=%s/%s --overwrite",
		name, sd.Namespace, sd.Name, v1alpha1.AnnotationApprove, id(sd.Status.Candidate), name), rests)
}

// means reports whether a request names the release, by id or hash, and, if it
// names a gate, this one.
func means(value, gate string, c *v1alpha1.Release) bool {
	named, part, _ := strings.Cut(value, "/")
	return c != nil && named != "" && (named == c.ID || named == c.Hash) && (part == "" || part == gate)
}

func id(c *v1alpha1.Release) string {
	if c == nil {
		return ""
	}
	return c.ID
}

package gate

import (
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/verdict"
)

// accepted says whether the API server would accept what the release has it
// create. What is invalid stays so, and ends the release before anything has
// started; what is forbidden may be allowed, or given room, without a new one.
func accepted(name string, f Facts) verdict.Verdict {
	rests := verdict.Evidence{Source: "server-side dry run"}
	switch {
	case !f.Rehearsed:
		return verdict.With(wait("TemplateUnknown", "Gate %q has no answer from the API server yet", name), rests)
	case f.Refusal == nil:
		return verdict.With(pass("TemplateAccepted", "The API server accepts everything that the release creates"), rests)
	case apierrors.IsInvalid(f.Refusal) || apierrors.IsBadRequest(f.Refusal) || apierrors.IsRequestEntityTooLargeError(f.Refusal):
		return verdict.With(fail("TemplateRefused", "The API server would refuse what the release creates: %s", f.Refusal), rests)
	}
	return verdict.With(wait("TemplateForbidden", "Gate %q: the API server does not let the operator create what the release needs: %s", name, f.Refusal), rests)
}

// Refuses reports whether an error is the API server's answer, rather than the
// lack of one.
func Refuses(err error) bool {
	var foreign *owned.ForeignError
	return errors.As(err, &foreign) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsForbidden(err)
}

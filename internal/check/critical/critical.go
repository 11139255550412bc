// Package critical tells which smoke check asks for each path that users cannot
// do without, and which path none does. It decides nothing.
package critical

import (
	"fmt"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of what is told of critical paths.
const (
	ReasonCovered    = "CriticalPathCovered"    // a check asked for it, and passed
	ReasonBroken     = "CriticalPathFailed"     // a check that asks for it failed
	ReasonUnanswered = "CriticalPathPending"    // a check that asks for it has not ended
	ReasonUncovered  = "CriticalPathNotCovered" // no check asks for it, so that nobody knows
)

// Tell says of each critical path which smoke checks ask for it, and what became
// of them, as they say before the candidate takes traffic.
func Tell(checks v1alpha1.ChecksSpec, said []verdict.Verdict) []verdict.Verdict {
	all := make([]verdict.Verdict, 0, len(checks.CriticalPaths))
	for _, path := range checks.CriticalPaths {
		v, _ := coverage(path, checks.Smoke, said)
		all = append(all, v)
	}
	return all
}

// Heard says it of the paths alone that are asked for once more when the
// candidate serves all.
func Heard(checks v1alpha1.ChecksSpec, said []verdict.Verdict) []verdict.Verdict {
	var all []verdict.Verdict
	for _, path := range checks.CriticalPaths {
		if v, heard := coverage(path, checks.Smoke, said); heard {
			all = append(all, v)
		}
	}
	return all
}

// coverage is what is told of a path; heard is false when no check that asks for
// it has said anything.
func coverage(path v1alpha1.CriticalPath, checks []v1alpha1.SmokeCheck, said []verdict.Verdict) (told verdict.Verdict, heard bool) {
	var names, requests []string
	var verdicts []verdict.Verdict
	for _, check := range checks {
		asks := asksFor(check, path.Path)
		if len(asks) == 0 {
			continue
		}
		names = append(names, fmt.Sprintf("%q", check.Name))
		requests = append(requests, slices.DeleteFunc(asks, func(ask string) bool { return slices.Contains(requests, ask) })...)
		for _, v := range said {
			if of(v) == check.Name {
				verdicts = append(verdicts, v)
			}
		}
	}
	all := verdict.All(verdict.Verdict{Outcome: verdict.Unknown}, verdicts...)
	by := "check " + strings.Join(names, ", ")
	v := verdict.Wait(v1alpha1.SignalSmoke, ReasonUncovered, "Critical path %q (%s): no smoke check asks for it: add a request to one", path.Name, path.Path)
	switch {
	case len(names) == 0:
		return verdict.With(verdict.Named(v, path.Name), verdict.Evidence{Value: "no request", Threshold: path.Path, Source: "spec.checks.smoke"}), false
	case all.Outcome == verdict.Passed:
		v = verdict.Pass(v1alpha1.SignalSmoke, ReasonCovered, "Critical path %q (%s): %s asked for it, and passed", path.Name, path.Path, by)
	case all.Outcome == verdict.Failed:
		v = verdict.Fail(v1alpha1.SignalSmoke, ReasonBroken, "Critical path %q (%s): %s, which asks for it, failed", path.Name, path.Path, by)
	default:
		v = verdict.Wait(v1alpha1.SignalSmoke, ReasonUnanswered, "Critical path %q (%s): %s, which asks for it, has not ended", path.Name, path.Path, by)
	}
	evidence := verdict.Evidence{Value: verdict.Clip(strings.Join(requests, ", "), 256), Threshold: path.Path, Source: verdict.Clip(by, 512)}
	return verdict.With(verdict.Named(v, path.Name), evidence), len(verdicts) > 0
}

// of is the check that a verdict is of: at a stage, its name has that behind a
// dot.
func of(v verdict.Verdict) string {
	name, _, _ := strings.Cut(v.Name, ".")
	return name
}

// asksFor are the requests of a check for a path, each once.
func asksFor(check v1alpha1.SmokeCheck, path string) []string {
	var asks []string
	if check.HTTP == nil {
		return nil
	}
	for _, r := range check.HTTP.Requests {
		method := r.Method
		if method == "" {
			method = "GET"
		}
		if ask := method + " " + r.Path; isFor(r.Path, path) && !slices.Contains(asks, ask) {
			asks = append(asks, ask)
		}
	}
	return asks
}

// isFor reports whether a request's path is the critical one, segment by
// segment. {id} is any segment; a segment with a captured value is such a one
// and no other, as nobody knows what it will be.
func isFor(request, critical string) bool {
	request, _, _ = strings.Cut(request, "?")
	asked, wanted := strings.Split(request, "/"), strings.Split(critical, "/")
	return slices.EqualFunc(asked, wanted, func(a, w string) bool {
		if strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}") {
			return a != ""
		}
		plain := strings.ReplaceAll(a, "$${", "\x00")
		return !strings.Contains(plain, "${") && strings.ReplaceAll(plain, "\x00", "${") == w
	})
}

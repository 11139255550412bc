// Package verdict is the vocabulary in which every signal answers: an outcome,
// a reason for machines, a sentence for people and the evidence for both. It
// decides nothing.
package verdict

import (
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Verdict is a signal's answer, and what it rests on.
type Verdict = v1alpha1.Verdict

// Evidence is what a verdict rests on.
type Evidence = v1alpha1.Evidence

// Outcomes of a verdict.
const (
	Passed  = v1alpha1.OutcomePassed
	Failed  = v1alpha1.OutcomeFailed
	Unknown = v1alpha1.OutcomeUnknown
)

// maxMessage is the schema's bound on a message, in bytes.
const maxMessage = 2048

// Pass is a verdict in favour.
func Pass(kind v1alpha1.SignalKind, reason, format string, args ...any) Verdict {
	return say(Passed, kind, reason, format, args)
}

// Wait is a verdict not yet in.
func Wait(kind v1alpha1.SignalKind, reason, format string, args ...any) Verdict {
	return say(Unknown, kind, reason, format, args)
}

// Fail is a verdict against.
func Fail(kind v1alpha1.SignalKind, reason, format string, args ...any) Verdict {
	return say(Failed, kind, reason, format, args)
}

// Named is v, said of the named thing.
func Named(v Verdict, name string) Verdict {
	v.Name = name
	return v
}

// With is v, resting on e.
func With(v Verdict, e Evidence) Verdict {
	v.Evidence = &e
	return v
}

// All is the one verdict that many amount to: the first that failed, else the
// first that is unknown, else the last. Of none at all, it is the given one.
func All(none Verdict, all ...Verdict) Verdict {
	answer := none
	for i, v := range all {
		if v.Outcome == Failed {
			return v
		}
		if i == 0 || answer.Outcome != Unknown {
			answer = v
		}
	}
	return answer
}

func say(o v1alpha1.Outcome, kind v1alpha1.SignalKind, reason, format string, args []any) Verdict {
	return Verdict{Kind: kind, Outcome: o, Reason: reason, Message: Clip(fmt.Sprintf(format, args...), maxMessage)}
}

// Clip shortens s to at most limit bytes, at a whole rune.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const ellipsis = "…"
	cut := limit - len(ellipsis)
	for cut > 0 && !startsRune(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}

func startsRune(b byte) bool { return b&0xC0 != 0x80 }

package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxCell bounds what one table cell repeats, in bytes.
const maxCell = 300

// markdown is the report for people.
func markdown(t tale) string {
	w := &writer{}
	w.f("# Post-Deployment Report - %s %s\n\n", escape(t.Name), escape(t.Release.Version))
	w.f("**Deployment Date**: %s  \n**Version**: %s  \n**Duration**: %s  \n**Status**: %s\n\n",
		stamp(t.Rollout.StartTime), escape(t.Release.ID), span(t.duration()), status(t.Rollout.Result))
	w.head(t)
	w.list("What Worked Well ✅", "Nothing was decided in its favour", t.worked, true)
	w.list("Anomalies Detected 🔍", fmt.Sprintf("None in %d verdicts", len(t.facts)), t.anomalies, false)
	w.list("Key Performance Metrics ⚡", "No metric was judged", t.measures, false)
	w.timeline(t.phases)
	w.evidence(t.facts)
	w.f("---\n*Written by the signal operator from the verdicts above; the same verdicts give the same report.*\n")
	return w.String()
}

type writer struct{ strings.Builder }

func (w *writer) f(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// head is the executive summary.
func (w *writer) head(t tale) {
	good := t.Rollout.Result == v1alpha1.ResultSucceeded
	w.f("## Executive Summary\n\n")
	w.f("- **Deployment Success**: %t\n", good)
	w.f("- **Rollback Needed**: %t\n", t.Rollout.Exposed && !good)
	w.f("- **Target**: %s/%s, environment %s, attempt %d\n", escape(t.Namespace), escape(t.Name), escape(t.Environment), t.Release.Attempt)
	w.f("- **Artifact**: %s", code(t.Release.Image))
	if t.Release.Digest != "" {
		w.f(", pinned to %s", code(t.Release.Digest))
	}
	w.f("\n- **Serves Now**: %s\n", serving(t.Stable))
	if !good {
		w.f("- **Why**: %s: %s\n", escape(t.Rollout.Reason), escape(t.Rollout.Message))
		w.deciding(t)
	}
	w.f("\n")
}

// deciding says what the verdict that ended the release rests on.
func (w *writer) deciding(t tale) {
	for _, f := range slices.Backward(t.facts) {
		if f.Outcome != verdict.Failed || f.Evidence == nil {
			continue
		}
		var parts []string
		for _, part := range [][2]string{{"value", f.Evidence.Value}, {"limit", f.Evidence.Threshold}, {"query", f.Evidence.Query}, {"source", f.Evidence.Source}} {
			if part[1] != "" {
				parts = append(parts, part[0]+" "+code(part[1]))
			}
		}
		if len(parts) > 0 {
			w.f("- **Evidence**: %s [%d]\n", strings.Join(parts, ", "), f.number)
		}
		return
	}
}

func serving(stable *v1alpha1.Release) string {
	if stable == nil {
		return "no release"
	}
	return escape(stable.ID) + ", " + code(stable.Digest)
}

func (w *writer) list(title, none string, lines []line, plain bool) {
	w.f("## %s\n\n", title)
	for _, l := range lines {
		text := l.text
		if plain {
			text = escape(text)
		}
		w.f("- %s [%s]\n", text, numbers(l.facts))
	}
	if len(lines) == 0 {
		w.f("- %s\n", none)
	}
	w.f("\n")
}

func (w *writer) timeline(phases []phase) {
	w.f("## Timeline\n\n| start | phase | step | weight | took | reason |\n|---|---|---|---|---|---|\n")
	for i, p := range phases {
		took := span(p.took)
		if i == len(phases)-1 {
			took = ""
		}
		w.row(p.Time.UTC().Format(time.TimeOnly), string(p.Phase), p.Step, strconv.Itoa(int(p.Weight))+" %", took, p.Reason)
	}
	w.f("\n")
}

func (w *writer) evidence(facts []fact) {
	w.f("## Evidence\n\n| # | kind | name | phase | outcome | reason | value | limit | stable | window | source | time |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	var queries group
	for _, f := range facts {
		e := verdict.Evidence{}
		if f.Evidence != nil {
			e = *f.Evidence
		}
		where := strings.TrimSpace(string(f.Phase) + " " + f.Step)
		w.row(strconv.Itoa(f.number), string(f.Kind), f.Name, where, string(f.Outcome), f.Reason, e.Value, e.Threshold, e.Baseline, e.Window, e.Source, clock(e.Time))
		if e.Query != "" {
			queries.add(e.Query, code(e.Query), f)
		}
	}
	if len(queries.lines) > 0 {
		w.f("\nWhat was asked:\n\n")
	}
	for _, query := range queries.lines {
		w.f("- [%s] %s\n", numbers(query.facts), query.text)
	}
	w.f("\n")
}

func (w *writer) row(cells ...string) {
	for _, cell := range cells {
		w.f("| %s ", escape(verdict.Clip(cell, maxCell)))
	}
	w.f("|\n")
}

func status(r v1alpha1.Result) string {
	said := map[v1alpha1.Result]string{
		v1alpha1.ResultSucceeded: "✅ SUCCESSFUL", v1alpha1.ResultRolledBack: "↩️ ROLLED BACK", v1alpha1.ResultFailed: "❌ FAILED",
		v1alpha1.ResultSuperseded: "⏭️ SUPERSEDED", v1alpha1.ResultReverted: "⏮️ REVERTED", v1alpha1.ResultAborted: "⏹️ ABORTED",
	}[r]
	if said == "" {
		return "not ended"
	}
	return said
}

func numbers(facts []int) string {
	parts := make([]string, 0, len(facts))
	for _, n := range facts {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ", ")
}

func stamp(t metav1.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.RFC3339)
}

func clock(t metav1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.TimeOnly)
}

// span is a duration as people write it: 14m 40s.
func span(d time.Duration) string {
	return strings.TrimSpace(strings.NewReplacer("h", "h ", "m", "m ").Replace(d.Round(time.Second).String()))
}

// marks are the characters that would make Markdown of text that is not ours.
var marks = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;", "&", "&amp;", "#", "\\#",
	"\r", " ", "\n", " ", "\t", " ",
)

func escape(text string) string { return marks.Replace(strings.ToValidUTF8(text, "�")) }

// code is text as it is, on one line; a backtick would end it.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "\r", " ", "\n", " ", "|", "¦").Replace(strings.ToValidUTF8(text, "�")) + "`"
}

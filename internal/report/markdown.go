package report

import (
	"fmt"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// What the sections may take, in bytes. The rest of 256 KiB is for the head,
// whose texts are bounded one by one.
const (
	maxWorked    = 36 << 10
	maxAnomalies = 44 << 10
	maxMeasures  = 20 << 10
	maxTimeline  = 24 << 10
	maxEvidence  = 56 << 10
	maxQueries   = 28 << 10
)

// markdown is the report for people.
func markdown(t tale) string {
	w := &writer{}
	w.f("# Post-Deployment Report - %s %s\n\n", cell(t.Name), cell(t.Release.Version))
	w.f("**Deployment Date**: %s  \n**Version**: %s  \n**Duration**: %s  \n**Status**: %s\n\n",
		stamp(t.Rollout.StartTime), cell(t.Release.ID), span(t.duration()), status(t.Rollout.Result))
	w.head(t)
	w.list("What Worked Well ✅", "Nothing was decided in its favour", maxWorked, t.worked)
	w.list("Anomalies Detected 🔍", fmt.Sprintf("None seen in %d verdicts", len(t.Rollout.Verdicts)), maxAnomalies, t.anomalies)
	w.list("Key Performance Metrics ⚡", "No metric was judged", maxMeasures, t.measures)
	w.critical(crossings(t.facts))
	w.budgets(t.budgets)
	w.loadTest(loadTest(t.facts))
	w.drill(lastDrill(t.Drill))
	w.timeline(t.phases)
	w.evidence(t.facts)
	w.f("---\n*Written by the signal operator from the evidence above; the same evidence gives the same report.*\n")
	return w.String()
}

type writer struct{ strings.Builder }

// f writes; a builder takes everything.
func (w *writer) f(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// head is the executive summary.
func (w *writer) head(t tale) {
	good := t.Rollout.Result == v1alpha1.ResultSucceeded
	w.f("## Executive Summary\n\n")
	w.f("- **Deployment Success**: %s\n", truth(good))
	w.f("- **Rollback Needed**: %s\n", truth(t.turnedBack()))
	if took, known := t.turning(); known {
		w.f("- **Rollback Took**: %s\n", span(took))
	}
	w.f("- **Target**: %s/%s, environment %s, attempt %d\n", cell(t.Namespace), cell(t.Name), cell(t.Environment), t.Release.Attempt)
	w.f("- **Artifact**: %s\n", artifact(t.Release))
	w.origin(t.Release.Artifact)
	w.f("- **Serves Now**: %s\n", serving(t.Stable))
	if !good {
		w.why(t)
	}
	w.f("\n")
}

// why says what ended the release, and what that rests on.
func (w *writer) why(t tale) {
	decider := t.decider()
	w.f("- **Why**: %s: %s", cell(t.Rollout.Reason), escape(t.Rollout.Message))
	if decider == nil {
		w.f("\n")
		return
	}
	w.f(" [%d]\n", decider.number)
	if decider.Evidence == nil {
		return
	}
	var parts []string
	for _, part := range [][2]string{
		{"value", decider.Evidence.Value},
		{"limit", decider.Evidence.Threshold},
		{"stable", decider.Evidence.Baseline},
		{"query", decider.Evidence.Query},
		{"source", decider.Evidence.Source},
	} {
		if part[1] != "" {
			parts = append(parts, part[0]+" "+code(verdict.Clip(part[1], 2*maxText)))
		}
	}
	if len(parts) > 0 {
		w.f("- **Evidence**: %s [%d]\n", strings.Join(parts, ", "), decider.number)
	}
}

func artifact(r v1alpha1.Release) string {
	if r.Digest == "" {
		return code(verdict.Clip(r.Image, maxCell)) + ", never pinned"
	}
	return fmt.Sprintf("%s, pinned to %s", code(verdict.Clip(r.Image, maxCell)), code(verdict.Clip(r.Digest, maxCell)))
}

// origin says who signed and built the artifact, and of what, as far as that
// is known.
func (w *writer) origin(r *v1alpha1.ArtifactRecord) {
	if r == nil {
		return
	}
	for _, part := range [][2]string{{"Signed by", r.Signer}, {"Built by", r.Builder}, {"Source", r.Source}, {"Revision", r.Revision}, {"Platforms", strings.Join(r.Platforms, ", ")}} {
		if part[1] != "" {
			w.f("- **%s**: %s\n", part[0], code(verdict.Clip(part[1], maxCell)))
		}
	}
}

// serving names the stable release. One that was found again after the status
// was lost has no digest.
func serving(stable *v1alpha1.Release) string {
	switch {
	case stable == nil:
		return "no release"
	case stable.Digest == "":
		return cell(stable.ID)
	}
	return cell(stable.ID) + ", " + code(verdict.Clip(stable.Digest, maxCell))
}

func (w *writer) list(title, none string, limit int, lines []line) {
	w.f("## %s\n\n", title)
	items := make([]string, 0, len(lines))
	for _, l := range lines {
		label := ""
		if l.label != "" {
			label = "**" + cell(l.label) + "**: "
		}
		items = append(items, fmt.Sprintf("- %s%s [%s]\n", label, escape(l.text), numbers(l.facts)))
	}
	if len(lines) == 0 {
		w.f("- %s\n", none)
	}
	w.fill(limit, items, "- ")
	w.f("\n")
}

// fill writes as many items as fit into the limit, and says how many do not.
func (w *writer) fill(limit int, items []string, before string) {
	for i, item := range items {
		if limit -= len(item); limit < 0 {
			w.f("%s%d more are left out here\n", before, len(items)-i)
			return
		}
		w.f("%s", item)
	}
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

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/load"
)

// show prints what happens.
type show struct {
	start time.Time
	last  string
}

func (s *show) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

func (s *show) title(text string) {
	fmt.Printf("\n%s\n%s\n", text, strings.Repeat("─", len([]rune(text))))
}

// phase prints a line whenever something changed that a person would see.
func (s *show) phase(sd *v1alpha1.SignalDeployment) {
	st := sd.Status
	step := st.Step
	if st.Rollout.Move != "" {
		step = string(st.Rollout.Move)
	}
	line := fmt.Sprintf("%-11s %-6s weight %3d %%  %s", st.Phase, step, st.Weight, st.Reason)
	if line != s.last {
		s.say("%s", line)
	}
	s.last = line
}

// drill prints the scorecard of the latest drill.
func (s *show) drill(sd *v1alpha1.SignalDeployment) {
	run := sd.Status.Drill.Runs[0]
	s.say("%s with %d of 100: %s", run.Result, run.Score, run.Message)
	for _, part := range run.Parts {
		s.say("  %-22s %s (%s)", part.Name, part.Value, part.Outcome)
	}
}

// report prints the report of the latest release from its ConfigMap.
func (s *show) report(ctx context.Context, c *cluster.Cluster, sd *v1alpha1.SignalDeployment) error {
	err := c.Until(ctx, sd, patience, nil, func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Report != nil && sd.Status.Report.Release == sd.Status.Candidate.ID
	})
	if err != nil {
		return err
	}
	cm := &corev1.ConfigMap{}
	for range 50 {
		err = c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: sd.Status.Report.ConfigMap}, cm)
		if err == nil && strings.Contains(cm.Data["report.md"], sd.Status.Candidate.ID) {
			break
		}
		pause(ctx, 100*time.Millisecond)
	}
	text := cm.Data["report.md"]
	if !strings.Contains(text, sd.Status.Candidate.ID) {
		return errors.Join(fmt.Errorf("ConfigMap %s holds no report of %s", sd.Status.Report.ConfigMap, sd.Status.Candidate.ID), err)
	}
	fmt.Printf("\n%s\n", indent(text))
	return nil
}

func indent(text string) string {
	return "    │ " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    │ ")
}

// verdict holds what was seen against what was promised.
func (s *show) verdict(sd *v1alpha1.SignalDeployment, r load.Result, t times) error {
	s.title("What was promised")
	s.say("%d requests, %d lost, %d errors of v1.2.0, latency p50 %s p99 %s", r.Sent, r.Lost, r.Errors, r.P50.Round(time.Millisecond), r.P99.Round(time.Millisecond))
	var problems []error
	promise := func(held bool, format string, args ...any) {
		mark, text := "✔", fmt.Sprintf(format, args...)
		if !held {
			mark = "✘"
			problems = append(problems, errors.New(text))
		}
		s.say("%s %s", mark, text)
	}
	promise(r.Lost == 0, "no request was lost")
	promise(sd.Status.Stable != nil && sd.Status.Stable.Version == "v1.1.0", "v1.1.0 serves")
	promise(sd.Status.Drill != nil && sd.Status.Drill.Runs[0].Result == v1alpha1.DrillPassed, "the rollback drill passed")
	promise(sd.Status.Rollout.Reason == "AlertFiring", "v1.2.0 was turned back by an alert rule (reason %s)", sd.Status.Rollout.Reason)
	promise(r.Errors > 0 && r.ErrorsOf("v1.2.0") == r.Errors, "only v1.2.0 gave errors")
	promise(sd.Status.Weight == 0, "the candidate has no traffic (weight %d)", sd.Status.Weight)
	if r.Errors > 0 {
		s.reaction(r, t)
	}
	return errors.Join(problems...)
}

// reaction prints how long users saw errors, and where the time went.
func (s *show) reaction(r load.Result, t times) {
	ms := func(from, to time.Time) string {
		if from.IsZero() || to.IsZero() {
			return "not seen"
		}
		return to.Sub(from).Round(time.Millisecond).String()
	}
	s.say("rollback: %s from the first bad response to the last", ms(r.FirstBad, r.LastBad))
	s.say("  scrape and evaluation  %s  (first bad response → alert firing)", ms(r.FirstBad, t.firing))
	s.say("  decision               %s  (alert firing → status says RollingBack)", ms(t.firing, t.decided))
	s.say("  route                  %s  (decision → route written)", ms(t.decided, t.written))
	s.say("  data plane             %s  (route written → last bad response)", ms(t.written, r.LastBad))
}

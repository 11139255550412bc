package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var peopleStories = map[string]story{
	"approval": {
		begin: serving, change: approveHalf, lasts: 25 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{
			{step("quarter"), request(v1alpha1.AnnotationApprove, "someone-else/half")},
			{reason("AwaitingApproval"), func(*world) {}},
			{later(15 * time.Minute), request(v1alpha1.AnnotationApprove, "%s/half")},
		},
	},
	"promote skips steps": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("first"), request(v1alpha1.AnnotationPromote, "%s")}},
	},
	"promote before the first step": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseStaging), request(v1alpha1.AnnotationPromote, "v2")}},
	},
	"paused at a step then resumed": {
		begin: serving, lasts: 30 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), pause}, {later(20 * time.Minute), unpause}},
	},
	"alert while paused": {
		begin: serving, lasts: 9 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), pause}, {later(3 * time.Minute), alertFires}},
	},
	"deadline while paused does not fire": {
		begin: serving, lasts: 30 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{
			{phase(v1alpha1.PhaseStaging), limit("v2", 0)},
			{later(2 * time.Minute), pause},
			{later(20 * time.Minute), unpause},
		},
	},
	"retry after rollback": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), alertFires}, {rests("v2"), alertEnds}, {later(time.Minute), request(v1alpha1.AnnotationRetry, "1")}},
	},
	"retry refused while under way": {
		begin: serving, lasts: 5 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("first"), request(v1alpha1.AnnotationRetry, "1")}, {later(20 * time.Second), alertFires}},
	},
	"abort at a step": {
		begin: serving, lasts: 6 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), request(v1alpha1.AnnotationAbort, "now")}},
	},
	"abort while paused": {
		begin: serving, lasts: 10 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), pause}, {later(3 * time.Minute), request(v1alpha1.AnnotationAbort, "now")}},
	},
	"abort before traffic": {
		begin: serving, lasts: 2 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseStaging), request(v1alpha1.AnnotationAbort, "now")}},
	},
	"held for people then aborted": {
		begin: serving, change: manual, lasts: 20 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), alertFires}, {later(10 * time.Minute), request(v1alpha1.AnnotationAbort, "now")}},
	},
	"held for people then promoted": {
		begin: serving, change: manual, lasts: 25 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), alertFires}, {later(10 * time.Minute), request(v1alpha1.AnnotationPromote, "%s")}},
	},
	"held at its deadline then promoted": {
		begin: serving, change: manual, lasts: 30 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{
			{step("quarter"), silence},
			{reason("DeadlineExceeded"), func(*world) {}},
			{later(5 * time.Minute), request(v1alpha1.AnnotationPromote, "%s")},
			{later(2 * time.Minute), heardAgain},
		},
	},
}

func TestTracesOfPeople(t *testing.T) { tell(t, peopleStories) }

func approveHalf(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Strategy.Steps[2].Approval = v1alpha1.ApprovalRequired
}

func manual(sd *v1alpha1.SignalDeployment) { sd.Spec.Rollback.Automatic = new(false) }

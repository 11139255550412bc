package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/load"
)

// bad is a release with one thing wrong.
type bad struct {
	name      string
	change    func(*v1alpha1.SignalDeployment)
	meanwhile func(*testing.T, *v1alpha1.SignalDeployment) // what happens once it has been asked for
	ends      v1alpha1.Phase                               // Failed: before it took traffic; RolledBack: after; empty: with less than half of it
	reason    []string                                     // one of which it ends by
	cause     []string                                     // what the report has to say, with | between words of which one is enough
	loses     bool                                         // requests that it has when it ends are lost
}

// lanes are how many releases are under way at the same time.
const lanes = 3

// Every way to be a bad release ends before users get all of it, with a report
// that names the cause, and loses no request; a good release passes all that
// they are stopped by.
func TestBadReleases(t *testing.T) {
	all := slices.Concat(badStarts(t), badAnswers(), badUnderTraffic())
	if len(all) < 30 {
		t.Fatalf("%d releases are not enough", len(all))
	}
	var table outcomes
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				var mine []bad
				for i, b := range all {
					if i%lanes == lane {
						mine = append(mine, b)
					}
				}
				runLane(t, fmt.Sprintf("e2e-matrix-%d", lane), mine, &table)
			})
		}
	})
	t.Logf("%d bad releases:\n%s", len(all), table.text())
}

// runLane releases the good one, then each bad one, under traffic.
func runLane(t *testing.T, namespace string, releases []bad, table *outcomes) {
	t.Helper()
	namespace = space(t, namespace)
	sd, traffic := begin(t, careful(t, namespace), 30)
	base := *sd.Spec.DeepCopy()
	for _, b := range releases {
		t.Run(b.name, func(t *testing.T) {
			version, start, lost := "bad-"+b.name, time.Now(), traffic.Snapshot().Lost
			replace(t, sd, base, version, b.change)
			if b.meanwhile != nil {
				b.meanwhile(t, sd)
			}
			until(t, sd, over(version))
			table.add(b.name, sd, time.Since(start))
			judgeEnd(t, sd, b)
			if exposed := traffic.Snapshot().Versions[version]; b.ends == v1alpha1.PhaseFailed && exposed > 0 {
				t.Errorf("%d requests of users were answered by it", exposed)
			}
			if lost = traffic.Snapshot().Lost - lost; lost > 0 && !b.loses {
				t.Errorf("%d requests were lost", lost)
			}
		})
	}
	t.Run("healthy", func(t *testing.T) {
		start := time.Now()
		replace(t, sd, base, "healthy", func(*v1alpha1.SignalDeployment) {})
		until(t, sd, over("healthy"))
		table.add("healthy", sd, time.Since(start))
		if sd.Status.Phase != v1alpha1.PhaseSucceeded {
			t.Errorf("a good release ended in %s, %s: %s", sd.Status.Phase, sd.Status.Reason, sd.Status.Rollout.Message)
		}
		t.Log(validation(t, sd))
	})
	undisturbed(t, traffic.Stop())
}

// validation is how long the checks of a release took, beside each other and
// one by one.
func validation(t *testing.T, sd *v1alpha1.SignalDeployment) string {
	t.Helper()
	var jobs batchv1.JobList
	if err := shared.List(t.Context(), &jobs, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelRelease: sd.Status.Candidate.Hash}); err != nil {
		t.Fatal(err)
	}
	var alone time.Duration
	for _, job := range jobs.Items {
		if job.Status.StartTime != nil && job.Status.CompletionTime != nil {
			alone += job.Status.CompletionTime.Sub(job.Status.StartTime.Time)
		}
	}
	said := []string{fmt.Sprintf("%d Jobs took %s in all", len(jobs.Items), alone)}
	timeline := sd.Status.Rollout.Timeline
	for i := range len(timeline) - 1 {
		if p := timeline[i].Phase; p == v1alpha1.PhaseChecking || p == v1alpha1.PhaseVerifying {
			said = append(said, fmt.Sprintf("%s took %s", p, timeline[i+1].Time.Sub(timeline[i].Time.Time)))
		}
	}
	return strings.Join(said, ", ")
}

// judgeEnd holds the end of a bad release against what is true of it.
func judgeEnd(t *testing.T, sd *v1alpha1.SignalDeployment, b bad) {
	t.Helper()
	if sd.Status.Phase != cmp.Or(b.ends, sd.Status.Phase) || sd.Status.Phase == v1alpha1.PhaseSucceeded || !slices.Contains(b.reason, sd.Status.Reason) {
		t.Errorf("ended in %s, %s, not in %s by one of %v: %s", sd.Status.Phase, sd.Status.Reason, b.ends, b.reason, sd.Status.Rollout.Message)
	}
	for _, entry := range sd.Status.Rollout.Timeline {
		if b.ends == "" && entry.Weight >= 50 {
			t.Errorf("it came to %d %%", entry.Weight)
		}
	}
	report := reportOf(t, sd)
	for _, cause := range b.cause {
		if !slices.ContainsFunc(strings.Split(cause, "|"), func(words string) bool { return strings.Contains(report, words) }) {
			t.Errorf("the report does not say %q:\n%s", cause, report)
		}
	}
}

// undisturbed requires that users have seen no errors but those of releases
// that had begun to take traffic.
func undisturbed(t *testing.T, r load.Result) {
	t.Helper()
	t.Logf("%d requests, %d lost, %d errors, by version %v", r.Sent, r.Lost, r.Errors, r.Versions)
	if good := r.ErrorsOf("v1.0.0") + r.ErrorsOf("healthy"); good > 0 {
		t.Errorf("%d errors are of good releases", good)
	}
}

// over reports whether the release of a version has ended.
func over(version string) func(*v1alpha1.SignalDeployment) bool {
	return func(sd *v1alpha1.SignalDeployment) bool {
		for _, phase := range []v1alpha1.Phase{v1alpha1.PhaseSucceeded, v1alpha1.PhaseFailed, v1alpha1.PhaseRolledBack} {
			if cluster.Ended(phase, version)(sd) {
				return true
			}
		}
		return false
	}
}

// replace asks for the base with one change, as a version of its own.
func replace(t *testing.T, sd *v1alpha1.SignalDeployment, base v1alpha1.SignalDeploymentSpec, version string, change func(*v1alpha1.SignalDeployment)) {
	t.Helper()
	before := sd.DeepCopy()
	base.DeepCopyInto(&sd.Spec)
	sd.Spec.Version = version
	env(sd, "VERSION", version)
	change(sd)
	if err := shared.Patch(t.Context(), sd, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// env sets a variable of the service.
func env(sd *v1alpha1.SignalDeployment, name, value string) {
	c := &sd.Spec.Template.Spec.Containers[0]
	c.Env = append(slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name }), corev1.EnvVar{Name: name, Value: value})
}

// with is a change of one variable.
func with(name, value string) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) { env(sd, name, value) }
}

// outcomes are how releases ended.
type outcomes struct {
	sync.Mutex
	rows []string
}

func (o *outcomes) add(name string, sd *v1alpha1.SignalDeployment, took time.Duration) {
	o.Lock()
	defer o.Unlock()
	message := sd.Status.Rollout.Message
	o.rows = append(o.rows, fmt.Sprintf("%-24s %-10s %-22s %5.1fs  %s", name, sd.Status.Phase, sd.Status.Reason, took.Seconds(), message[:min(len(message), 160)]))
}

func (o *outcomes) text() string { return strings.Join(o.rows, "\n") }

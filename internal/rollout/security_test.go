package rollout_test

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

func secured(said ...verdict.Verdict) rollout.Input {
	in := at(v1alpha1.PhaseChecking)
	in.Object.Spec.Checks.Security = &v1alpha1.SecuritySpec{TimeoutSeconds: 3600}
	in.Seen.Checks[rollout.PartSecurity] = said
	return in
}

// Security checks are waited for as smoke checks are.
func TestSecurityChecksAreWaitedFor(t *testing.T) {
	const kind = v1alpha1.SignalSecurity
	for name, tc := range map[string]struct {
		said []verdict.Verdict
		want v1alpha1.Phase
	}{
		"not started": {nil, v1alpha1.PhaseChecking},
		"running":     {[]verdict.Verdict{verdict.Wait(kind, "CheckRunning", "It runs")}, v1alpha1.PhaseChecking},
		"held":        {[]verdict.Verdict{verdict.Pass(kind, "Held", "Nothing was found")}, v1alpha1.PhaseProgressing},
		"found":       {[]verdict.Verdict{verdict.Fail(kind, "Found", "11 was found"), verdict.Fail(kind, "Found", "11")}, v1alpha1.PhaseFailed},
	} {
		t.Run(name, func(t *testing.T) {
			d := rollout.Decide(secured(tc.said...))
			if got := d.Next.Rollout.Phase; got != tc.want && (tc.want != v1alpha1.PhaseProgressing || got != v1alpha1.PhaseCuttingOver) {
				t.Errorf("goes to %s: %s", got, d.Next.Rollout.Message)
			}
			if tc.want == v1alpha1.PhaseFailed && d.Next.Rollout.Exposed {
				t.Error("it took traffic")
			}
		})
	}
}

// What failed the release is remembered last, after what it sums up.
func TestWhatSecurityChecksFoundIsRemembered(t *testing.T) {
	sum := verdict.Fail(v1alpha1.SignalSecurity, "Found", "11 and 16 were found")
	one, other := verdict.Named(verdict.Fail(v1alpha1.SignalSecurity, "Found", "11"), "security-11"), verdict.Named(verdict.Fail(v1alpha1.SignalSecurity, "Found", "16"), "security-16")
	next := rollout.Decide(secured(sum, one, other)).Next.Rollout
	var got []string
	for _, v := range next.Verdicts {
		if v.Kind == v1alpha1.SignalSecurity {
			got = append(got, v.Message)
		}
	}
	if diff := gocmp.Diff([]string{"11", "16", "11 and 16 were found"}, got); diff != "" || !strings.Contains(next.Message, "11 and 16") {
		t.Errorf("%s says %q", diff, next.Message)
	}
}

// The phase lasts as long as its slowest check may, and then some.
func TestSecurityChecksHaveTheirTime(t *testing.T) {
	in := secured(verdict.Wait(v1alpha1.SignalSecurity, "CheckRunning", "It runs"))
	in.Now = in.Object.Status.Rollout.SinceTime.Add(time.Hour)
	if next := rollout.Decide(in).Next.Rollout; next.Phase != v1alpha1.PhaseChecking {
		t.Errorf("goes to %s: %s", next.Phase, next.Message)
	}
	in.Now = in.Now.Add(24 * time.Hour)
	if next := rollout.Decide(in).Next.Rollout; next.Phase != v1alpha1.PhaseFailed {
		t.Errorf("goes to %s: %s", next.Phase, next.Message)
	}
}

// The check of leaks is waited for beside the security checks, and neither
// speaks for the other.
func TestLeaksAreWaitedFor(t *testing.T) {
	const kind = v1alpha1.SignalSecurity
	held := verdict.Named(verdict.Pass(kind, "Held", "Nothing was found"), "security")
	none := verdict.Named(verdict.Pass(kind, "NoLeaks", "None was found"), "leaks")
	leaked := verdict.Named(verdict.Fail(kind, "SecretsLeaked", "1 of 527 leaked"), "leaks")
	one := verdict.Named(verdict.Fail(kind, "SecretsLeaked", "GitHubToken sent in Authorization"), "leaks-1")
	for name, tc := range map[string]struct {
		security, leaks []verdict.Verdict
		failed, waits   bool
	}{
		"neither was heard":       {nil, nil, false, true},
		"leaks were not":          {[]verdict.Verdict{held}, nil, false, true},
		"security checks weren't": {nil, []verdict.Verdict{none}, false, true},
		"both held":               {[]verdict.Verdict{held}, []verdict.Verdict{none}, false, false},
		"one that leaked":         {[]verdict.Verdict{held}, []verdict.Verdict{leaked, one}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := secured(tc.security...)
			in.Object.Spec.Checks.Leaks = &v1alpha1.LeaksSpec{TimeoutSeconds: 300}
			in.Seen.Checks[rollout.PartLeaks] = tc.leaks
			next := rollout.Decide(in).Next.Rollout
			if (next.Phase == v1alpha1.PhaseFailed) != tc.failed || (next.Phase == v1alpha1.PhaseChecking) != tc.waits || next.Exposed && tc.failed {
				t.Errorf("goes to %s: %s", next.Phase, next.Message)
			}
			if n := len(next.Verdicts); tc.failed && (n < 2 || next.Verdicts[n-1].Name != "leaks" || next.Verdicts[n-2].Name != "leaks-1") {
				t.Errorf("%+v is remembered", next.Verdicts)
			}
		})
	}
}

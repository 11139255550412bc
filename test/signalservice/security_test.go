package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/settings"
)

const trusted = "https://app.example.com"

// clock is one by which nobody waits to be slow enough.
type clock struct{}

func (clock) Now() time.Time                       { return time.Now() }
func (clock) Since(t time.Time) time.Duration      { return time.Since(t) }
func (clock) After(time.Duration) <-chan time.Time { return time.After(0) }

// sound is how the service is run where its security is checked.
func sound(flaws ...flaw.Name) settings.Settings {
	s := settings.Default()
	s.AllowedOrigins, s.UserA, s.UserB, s.MetricsPort = []string{trusted}, "Bearer user-a-of-the-tests", "Bearer user-b-of-the-tests", "0"
	for _, name := range flaws {
		s.Flaws[name] = true
	}
	return s
}

// checked is what the security checks say of the service, check by check.
func checked(t *testing.T, s settings.Settings, disable ...int32) []verdict.Verdict {
	t.Helper()
	_, _, address := serving(t, s)
	return security.Security{
		Clock: clock{}, Canary: security.Side{Address: address}, Host: "signals.prod.svc", Release: "v2-prod",
		Users: catalogue.Users{A: s.UserA, B: s.UserB}, PodIP: "127.0.0.1", Holding: readTimeout + time.Second,
	}.Run(t.Context(), v1alpha1.SecuritySpec{
		Paths: []v1alpha1.ProbedPath{"/", "/v1/signals", flaw.Latest, "/version"}, AllowedOrigins: []v1alpha1.AllowedOrigin{trusted},
		ProtectedPaths: []v1alpha1.ProbedPath{"/v1/account"}, WritePaths: []v1alpha1.ProbedPath{"/v1/orders"},
		Users:   &v1alpha1.SecurityUsers{SecretName: "probe-users", OwnedPath: "/v1/accounts/a", AdminPath: "/v1/admin", LoginPath: "/login"},
		Compare: v1alpha1.CompareAbsolute, RequestBudget: 5000, RatePerSecond: 200, TimeoutSeconds: 300, Disable: disable,
	})
}

// All but the check of TLS, which this port does not speak, apply and find
// nothing.
func TestTheSoundServicePassesEverySecurityCheck(t *testing.T) {
	all := checked(t, sound())
	if v := all[len(all)-1]; v.Outcome != verdict.Passed || !strings.HasPrefix(v.Message, "56 security checks found nothing, 1 do not apply") {
		t.Errorf("%s: %s", v.Outcome, v.Message)
	}
}

// Each flaw is seen by the checks that are for it. Those that wait are left out.
func TestFlawsOfSecurityAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		flaw flaw.Name
		by   []string
	}{
		"cors-reflect":   {flaw.CORSReflect, []string{"security-1", "security-2"}},
		"no-headers":     {flaw.NoHeaders, []string{"security-16", "security-17", "security-18", "security-19", "security-20", "security-21"}},
		"trace":          {flaw.Trace, []string{"security-26"}},
		"debug":          {flaw.Debug, []string{"security-34"}},
		"verbose-errors": {flaw.VerboseErrors, []string{"security-36"}},
		"open-redirect":  {flaw.OpenRedirect, []string{"security-38"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := checked(t, sound(tc.flaw), 53, 56)
			if v := all[len(all)-1]; v.Outcome != verdict.Failed {
				t.Errorf("%s: %s", v.Outcome, v.Message)
			}
			for _, id := range tc.by {
				if !slices.ContainsFunc(all, func(v verdict.Verdict) bool { return v.Name == id && v.Outcome == verdict.Failed }) {
					t.Errorf("%s says nothing: %v", id, all)
				}
			}
		})
	}
}

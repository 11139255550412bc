package gate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// at is a moment, as RFC 3339 writes it.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func window(zone string, openings ...v1alpha1.Opening) v1alpha1.Gate {
	return v1alpha1.Gate{Name: "hours", Window: &v1alpha1.WindowGate{TimeZone: zone, Openings: openings}}
}

func opened(schedule string, lasts time.Duration) v1alpha1.Opening {
	return v1alpha1.Opening{Schedule: schedule, DurationSeconds: int32(lasts.Seconds())}
}

// untold are the parts of a verdict that a test says nothing about.
var untold = cmpopts.IgnoreFields(verdict.Verdict{}, "Evidence", "Name", "Kind")

func TestAWindow(t *testing.T) {
	const open, opensAt = "open", ""
	office := window("Europe/Vienna", opened("0 9 * * 1-4", 7*time.Hour))
	night := window("Europe/Vienna", opened("30 2 * * *", time.Hour))
	for name, tc := range map[string]struct {
		gate v1alpha1.Gate
		now  string
		want string // when it opens next
	}{
		"first instant":                    {office, "2030-01-02T09:00:00+01:00", open},
		"the instant before":               {office, "2030-01-02T08:59:59+01:00", "2030-01-02T09:00:00+01:00"},
		"in the middle":                    {office, "2030-01-02T12:34:56+01:00", open},
		"last instant":                     {office, "2030-01-02T15:59:59+01:00", open},
		"end is exclusive":                 {office, "2030-01-02T16:00:00+01:00", "2030-01-03T09:00:00+01:00"},
		"over the weekend":                 {office, "2030-01-03T20:00:00+01:00", "2030-01-07T09:00:00+01:00"},
		"asked from another time zone":     {office, "2030-01-02T08:00:00Z", open},
		"summer begins over the week":      {office, "2030-03-29T12:00:00+01:00", "2030-04-01T09:00:00+02:00"},
		"summer ends over the week":        {office, "2030-10-25T12:00:00+02:00", "2030-10-28T09:00:00+01:00"},
		"before an hour that is left out":  {night, "2030-03-31T01:59:59+01:00", "2030-03-31T03:00:00+02:00"},
		"in what is left of it":            {night, "2030-03-31T03:29:59+02:00", open},
		"it ends by the clock on the wall": {night, "2030-03-31T03:30:00+02:00", "2030-04-01T02:30:00+02:00"},
		"in an hour that comes twice":      {night, "2030-10-27T02:45:00+02:00", open},
		"that hour comes the second time":  {night, "2030-10-27T02:15:00+01:00", "2030-10-27T02:30:00+01:00"},
		"and is open the second time":      {night, "2030-10-27T02:45:00+01:00", open},
		"across midnight":                  {window("UTC", opened("0 22 * * *", 4*time.Hour)), "2030-01-02T01:59:59Z", open},
		"the first of several":             {window("UTC", opened("0 20 * * *", time.Hour), opened("0 8 * * *", time.Hour)), "2030-01-02T05:00:00Z", "2030-01-02T08:00:00Z"},
		"openings that overlap":            {window("UTC", opened("0 8 * * *", 2*time.Hour), opened("0 9 * * *", 2*time.Hour)), "2030-01-02T10:30:00Z", open},
		"always":                           {window("UTC", opened("* * * * *", time.Minute)), "2030-01-02T10:30:31Z", open},
		"names of days and months":         {window("UTC", opened("0 9 * JAN MON-FRI", time.Hour)), "2030-02-01T00:00:00Z", "2031-01-01T09:00:00Z"},
		"a leap day that is too far off":   {window("UTC", opened("0 9 29 2 *", time.Hour)), "2029-03-01T00:00:00Z", opensAt},
		"a zone without daylight saving":   {window("Asia/Kolkata", opened("0 9 * * *", time.Hour)), "2030-01-02T00:00:00Z", "2030-01-02T09:00:00+05:30"},
		"absent zone is UTC":               {window("", opened("0 9 * * *", time.Hour)), "2030-01-02T09:00:00Z", open},
	} {
		t.Run(name, func(t *testing.T) {
			want, opens := verdict.Wait(v1alpha1.SignalGate, "WindowClosed", `The window of gate "hours" opens at %s`, tc.want), time.Time{}
			switch tc.want {
			case open:
				want = verdict.Pass(v1alpha1.SignalGate, "WindowOpen", `The window of gate "hours" is open`)
			case opensAt:
				want = verdict.Wait(v1alpha1.SignalGate, "WindowClosed", `The window of gate "hours" does not open within a year`)
			default:
				opens = at(t, tc.want)
			}
			got, next := Judge([]v1alpha1.Gate{tc.gate}, Facts{Now: at(t, tc.now)})
			if diff := cmp.Diff([]verdict.Verdict{want}, got, untold); diff != "" || !next.Equal(opens) {
				t.Errorf("opens at %s: %s", next, diff)
			}
			if got[0].Name != "hours" || got[0].Evidence.Source != "spec.gates" || !got[0].Evidence.Time.Time.Equal(at(t, tc.now)) {
				t.Errorf("rests on %+v", got[0].Evidence)
			}
		})
	}
}

// When a window is said to open, it is open, and was closed until then.
func TestAWindowOpensWhenItSays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) string { return all[random.IntN(len(all))] }
	for range 300 {
		g := window(pick("UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"),
			opened(pick("0", "30", "*/20")+" "+pick("0", "1", "2", "3", "9", "23")+" * * "+pick("*", "0", "1-5", "6"), time.Duration(1+random.IntN(180))*time.Minute))
		now := time.Unix(1893456000+random.Int64N(366*86400), 0)
		all, opens := Judge([]v1alpha1.Gate{g}, Facts{Now: now})
		if all[0].Outcome == verdict.Passed {
			continue
		}
		if again, _ := Judge([]v1alpha1.Gate{g}, Facts{Now: opens}); again[0].Outcome != verdict.Passed {
			t.Fatalf("%+v at %s: closed at %s", g.Window, now, opens)
		}
		for range 20 {
			moment := now.Add(time.Duration(random.Int64N(int64(opens.Sub(now)))))
			still, same := Judge([]v1alpha1.Gate{g}, Facts{Now: moment})
			if diff := cmp.Diff(all, still, untold); diff != "" || !same.Equal(opens) {
				t.Fatalf("%+v at %s: %s", g.Window, moment, diff)
			}
		}
	}
}

func freeze(t testing.TB, name, from, to string) v1alpha1.Freeze {
	return v1alpha1.Freeze{Name: name, StartTime: metav1.NewTime(at(t, from)), EndTime: metav1.NewTime(at(t, to))}
}

func TestAFreeze(t *testing.T) {
	noon := at(t, "2030-01-01T12:00:00Z")
	xmas := freeze(t, "xmas", "2030-01-01T12:00:00Z", "2030-01-01T13:00:00Z")
	sale := freeze(t, "sale", "2030-01-01T12:30:00Z", "2030-01-01T15:00:00+01:00")
	later := freeze(t, "later", "2030-01-01T14:00:00Z", "2030-01-01T16:00:00Z")
	none := verdict.Pass(v1alpha1.SignalGate, "NoFreeze", `No freeze of gate "calendar" covers the present`)
	ends := func(name, end string) verdict.Verdict {
		return verdict.Wait(v1alpha1.SignalGate, "Frozen", `Freeze %q of gate "calendar" ends at %s`, name, end)
	}
	for name, tc := range map[string]struct {
		freezes []v1alpha1.Freeze
		now     time.Time
		want    verdict.Verdict
	}{
		"the instant before":    {[]v1alpha1.Freeze{xmas}, noon.Add(-time.Nanosecond), none},
		"first instant":         {[]v1alpha1.Freeze{xmas}, noon, ends("xmas", "2030-01-01T13:00:00Z")},
		"last instant":          {[]v1alpha1.Freeze{xmas}, noon.Add(time.Hour - time.Nanosecond), ends("xmas", "2030-01-01T13:00:00Z")},
		"end is exclusive":      {[]v1alpha1.Freeze{xmas}, noon.Add(time.Hour), none},
		"one runs into another": {[]v1alpha1.Freeze{xmas, sale}, noon, ends("sale", "2030-01-01T14:00:00Z")},
		"in whatever order":     {[]v1alpha1.Freeze{later, sale, xmas}, noon, ends("later", "2030-01-01T16:00:00Z")},
		"with a gap":            {[]v1alpha1.Freeze{later, xmas}, noon, ends("xmas", "2030-01-01T13:00:00Z")},
		"in the gap":            {[]v1alpha1.Freeze{later, xmas}, noon.Add(90 * time.Minute), none},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := Judge([]v1alpha1.Gate{{Name: "calendar", Freezes: tc.freezes}}, Facts{Now: tc.now})
			if diff := cmp.Diff([]verdict.Verdict{tc.want}, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheFirstOpeningIsWaitedFor(t *testing.T) {
	now := at(t, "2030-01-01T12:00:00Z")
	gates := []v1alpha1.Gate{
		window("UTC", opened("0 20 * * *", time.Hour)),
		{Name: "calendar", Freezes: []v1alpha1.Freeze{freeze(t, "xmas", "2030-01-01T00:00:00Z", "2030-01-01T18:00:00Z")}},
		window("UTC", opened("0 0 * * *", 24*time.Hour)),
	}
	all, opens := Judge(gates, Facts{Now: now})
	if want := at(t, "2030-01-01T18:00:00Z"); !opens.Equal(want) || len(all) != 3 {
		t.Errorf("%d verdicts, opens at %s, want %s", len(all), opens, want)
	}
	all, opens = Judge(nil, Facts{Now: now})
	if diff := cmp.Diff([]verdict.Verdict{verdict.Pass(v1alpha1.SignalGate, "NoGates", "No gate was asked for")}, all); diff != "" || !opens.IsZero() {
		t.Error(opens, diff)
	}
	if all, _ = Judge([]v1alpha1.Gate{{Name: "newer"}}, Facts{Now: now}); all[0].Outcome != verdict.Unknown {
		t.Errorf("a gate of no known kind: %+v", all[0])
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		gate   v1alpha1.Gate
		want   string
		change change
	}{
		"good":                {gate: window("Europe/Vienna", opened("0 9 * * 1-4", time.Hour)), want: ""},
		"a leap day":          {gate: window("UTC", opened("0 9 29 2 *", time.Hour)), want: ""},
		"no such zone":        {gate: window("Europe/Wien", opened("0 9 * * *", time.Hour)), want: `spec.gates[0] (gate "hours"): window.timeZone: there is no time zone "Europe/Wien"`},
		"no such hour":        {gate: window("UTC", opened("0 9 * * *", time.Hour), opened("0 25 * * *", time.Hour)), want: `spec.gates[0] (gate "hours"): window.openings[1].schedule: "0 25 * * *" is no schedule: end of range (25) above maximum (23): 25`},
		"another one":         {gate: v1alpha1.Gate{Name: "catalog", SignalDeployment: &v1alpha1.SignalDeploymentGate{Name: "catalog"}}, want: ""},
		"itself":              {gate: v1alpha1.Gate{Name: "me", SignalDeployment: &v1alpha1.SignalDeploymentGate{Name: "app"}}, want: `spec.gates[0] (gate "me"): signalDeployment.name: a SignalDeployment is not ready while it waits for itself: name another one`},
		"alerts of a server":  {gate: v1alpha1.Gate{Name: "quiet", Alerts: &v1alpha1.AlertsGate{}}, change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Server = "default" }},
		"alerts of no server": {gate: v1alpha1.Gate{Name: "quiet", Alerts: &v1alpha1.AlertsGate{}}, change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Server = v1alpha1.ServerBuiltIn }},
		"no CEL":              {gate: v1alpha1.Gate{Name: "rule", Expression: &v1alpha1.ExpressionGate{Rule: "object.spec.replicas >"}}, want: `spec.gates[0] (gate "rule"): expression.rule: is not CEL: line 1, column 23: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`},
		"a number":            {gate: v1alpha1.Gate{Name: "rule", Expression: &v1alpha1.ExpressionGate{Rule: "1 + 1"}}, want: `spec.gates[0] (gate "rule"): expression.rule: gives a int, not true or false: compare it with what it must be`},
		"an objective":        {gate: v1alpha1.Gate{Name: "budget", ErrorBudget: &v1alpha1.ErrorBudgetGate{SLO: "reads"}}, change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.SLOs = []v1alpha1.SLO{{Name: "reads"}} }},
		"another objective":   {gate: v1alpha1.Gate{Name: "budget", ErrorBudget: &v1alpha1.ErrorBudgetGate{SLO: "writes"}}, want: `spec.gates[0] (gate "budget"): errorBudget.slo: spec.analysis.slos has no objective named "writes": add one, or remove the gate`, change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.SLOs = []v1alpha1.SLO{{Name: "reads"}} }},
		"no objective":        {gate: v1alpha1.Gate{Name: "budget", ErrorBudget: &v1alpha1.ErrorBudgetGate{}}, want: `spec.gates[0] (gate "budget"): errorBudget.slo: spec.analysis.slos has no objective: add one, or remove the gate`},
		"keys of a Secret":    {gate: v1alpha1.Gate{Name: "keys", Secret: &v1alpha1.SecretGate{Name: "tls", Keys: []string{"tls.key", ".dockerconfigjson"}}}},
		"a path":              {gate: v1alpha1.Gate{Name: "keys", Secret: &v1alpha1.SecretGate{Name: "tls", Keys: []string{"tls.key", "../tls.key"}}}, want: `spec.gates[0] (gate "keys"): secret.keys[1]: "../tls.key" is no key of a Secret: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`},
		"a date without days": {gate: window("UTC", opened("0 9 31 2 *", time.Hour)), want: `spec.gates[0] (gate "hours"): window.openings[0].schedule: "0 9 31 2 *" never comes`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := Validate(testkit.SignalDeployment(or(tc.change), func(sd *v1alpha1.SignalDeployment) { sd.Spec.Gates = []v1alpha1.Gate{tc.gate} })); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func or(c change) change {
	if c == nil {
		return func(*v1alpha1.SignalDeployment) {}
	}
	return c
}

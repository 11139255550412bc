package gate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/gate/capacity"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestACRD(t *testing.T) {
	const certificates = "certificates.cert-manager.io"
	for name, tc := range map[string]struct {
		version string
		served  map[v1alpha1.CRDGate]bool
		want    verdict.Verdict
	}{
		"served":          {"", map[v1alpha1.CRDGate]bool{{Name: certificates}: true}, pass("CRDEstablished", `The API server serves CRD "certificates.cert-manager.io"`)},
		"not served":      {"", map[v1alpha1.CRDGate]bool{{Name: certificates}: false}, wait("CRDMissing", `Gate "certs" waits for CRD "certificates.cert-manager.io", which the API server does not serve: install it`)},
		"nobody asked":    {"", nil, wait("CRDMissing", `Gate "certs" waits for CRD "certificates.cert-manager.io", which the API server does not serve: install it`)},
		"in the version":  {"v1", map[v1alpha1.CRDGate]bool{{Name: certificates, Version: "v1"}: true}, pass("CRDEstablished", `The API server serves version v1 of CRD "certificates.cert-manager.io"`)},
		"another version": {"v2", map[v1alpha1.CRDGate]bool{{Name: certificates, Version: "v1"}: true}, wait("CRDMissing", `Gate "certs" waits for version v2 of CRD "certificates.cert-manager.io", which the API server does not serve: install it`)},
	} {
		t.Run(name, func(t *testing.T) {
			got := one(v1alpha1.Gate{Name: "certs", CRD: &v1alpha1.CRDGate{Name: certificates, Version: tc.version}}, Facts{Served: tc.served})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func left(share float64) Budget {
	return Budget{Left: &share, Query: "q", Window: "30d", Source: "default"}
}

func TestAnErrorBudget(t *testing.T) {
	silent := Budget{Problem: `metric server "default" gives no answer`}
	low := func(said string) verdict.Verdict {
		return wait("BudgetSpent", `Gate "budget" waits for error budgets to recover: %s`, said)
	}
	unknown := func(said string) verdict.Verdict {
		return wait("BudgetUnknown", `Gate "budget" waits to know what is left of error budgets: %s`, said)
	}
	const lowReads, unknownReads = `objective "reads" has less than 25 % left`, `that of objective "reads" is not known: metric server "default" gives no answer`
	enough := pass("BudgetLeft", "At least 25 %% of every error budget is left")
	for name, tc := range map[string]struct {
		slo     string
		first   bool // there is no stable release
		budgets map[string]Budget
		want    verdict.Verdict
	}{
		"enough":                         {"", false, map[string]Budget{"reads": left(0.9), "writes": left(0.3)}, enough},
		"just enough":                    {"", false, map[string]Budget{"reads": left(0.25), "writes": left(1)}, enough},
		"a little too little":            {"", false, map[string]Budget{"reads": left(0.2499), "writes": left(1)}, low(lowReads)},
		"more than all is spent":         {"", false, map[string]Budget{"reads": left(-3), "writes": left(1)}, low(lowReads)},
		"both":                           {"", false, map[string]Budget{"reads": left(0), "writes": left(0)}, low(lowReads + `; objective "writes" has less than 25 % left`)},
		"of the one that is named":       {"writes", false, map[string]Budget{"reads": left(0), "writes": left(1)}, enough},
		"which has too little":           {"reads", false, map[string]Budget{"reads": left(0), "writes": left(1)}, low(lowReads)},
		"no answer":                      {"", false, map[string]Budget{"reads": silent, "writes": left(1)}, unknown(unknownReads)},
		"no answer about another":        {"writes", false, map[string]Budget{"reads": silent, "writes": left(1)}, enough},
		"no answer, and too little":      {"", false, map[string]Budget{"reads": silent, "writes": left(0)}, low(`objective "writes" has less than 25 % left; ` + unknownReads)},
		"nobody asked":                   {"reads", false, nil, unknown(`that of objective "reads" is not known: nobody has been asked yet`)},
		"nobody has served":              {"", true, nil, pass("BudgetUntouched", "No release has served yet that could have spent an error budget")},
		"nobody has served, says nobody": {"", true, map[string]Budget{"reads": silent}, pass("BudgetUntouched", "No release has served yet that could have spent an error budget")},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Analysis.SLOs = []v1alpha1.SLO{{Name: "reads"}, {Name: "writes"}}
				if !tc.first {
					sd.Status.Stable = new(testkit.Release("v1"))
				}
			})
			got := one(v1alpha1.Gate{Name: "budget", ErrorBudget: &v1alpha1.ErrorBudgetGate{SLO: tc.slo, MinRemainingPercent: 25}}, Facts{Object: sd, Budgets: tc.budgets})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
	sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Analysis.SLOs, sd.Status.Stable = []v1alpha1.SLO{{Name: "reads"}, {Name: "writes"}}, new(testkit.Release("v1"))
	})
	got := one(v1alpha1.Gate{Name: "budget", ErrorBudget: &v1alpha1.ErrorBudgetGate{}}, Facts{Object: sd, Budgets: map[string]Budget{"reads": left(0.123456), "writes": left(-1.5)}})
	want := verdict.Evidence{Value: "reads 12.3 %, writes -150 %", Threshold: ">= 10 %", Query: "q", Window: "30d", Source: "default"}
	got.Evidence.Time = want.Time
	if diff := cmp.Diff(want, *got.Evidence); diff != "" {
		t.Error(diff)
	}
}

// What Jobs say is passed on; of what nobody has asked, nothing is known.
func TestGatesThatJobsAsk(t *testing.T) {
	job, secret := v1alpha1.Gate{Name: "ticket", Job: &v1alpha1.JobGate{}}, v1alpha1.Gate{Name: "keys", Secret: &v1alpha1.SecretGate{Name: "tls"}}
	said := fail("JobFailed", "no")
	for name, tc := range map[string]struct {
		gate v1alpha1.Gate
		said map[string]verdict.Verdict
		want verdict.Verdict
	}{
		"a Job":            {job, map[string]verdict.Verdict{"ticket": said}, said},
		"no Job yet":       {job, map[string]verdict.Verdict{"keys": said}, wait("JobNotStarted", `Gate "ticket" runs its Job once every other gate is open`)},
		"a Secret":         {secret, map[string]verdict.Verdict{"keys": pass("SecretThere", "yes")}, pass("SecretThere", "yes")},
		"no Secret so far": {secret, nil, wait("SecretUnknown", `Gate "keys" waits for a Job to look for Secret "tls"`)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, one(tc.gate, Facts{Said: tc.said}), untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheUsersJobsRunLast(t *testing.T) {
	open, closed := pass("Open", ""), wait("Closed", "")
	quota, group := v1alpha1.Gate{Name: "room", Quota: &v1alpha1.QuotaGate{}}, v1alpha1.Gate{Name: "alone", Group: &v1alpha1.GroupGate{}}
	job, secret := v1alpha1.Gate{Name: "ticket", Job: &v1alpha1.JobGate{}}, v1alpha1.Gate{Name: "keys", Secret: &v1alpha1.SecretGate{}}
	other := v1alpha1.Gate{Name: "change", Job: &v1alpha1.JobGate{}}
	for name, tc := range map[string]struct {
		gates []v1alpha1.Gate
		said  []verdict.Verdict
		want  []v1alpha1.Gate
	}{
		"nothing else is asked":     {[]v1alpha1.Gate{job}, []verdict.Verdict{closed}, []v1alpha1.Gate{job}},
		"everything else is open":   {[]v1alpha1.Gate{job, quota}, []verdict.Verdict{closed, open}, []v1alpha1.Gate{job}},
		"something else is closed":  {[]v1alpha1.Gate{quota, job}, []verdict.Verdict{closed, closed}, []v1alpha1.Gate{}},
		"something has not said":    {[]v1alpha1.Gate{job, quota}, []verdict.Verdict{closed}, []v1alpha1.Gate{}},
		"a turn is waited for":      {[]v1alpha1.Gate{job, group}, []verdict.Verdict{closed, closed}, []v1alpha1.Gate{job}},
		"Jobs run side by side":     {[]v1alpha1.Gate{job, other}, []verdict.Verdict{closed, closed}, []v1alpha1.Gate{job, other}},
		"a Secret is looked for":    {[]v1alpha1.Gate{secret, job, quota}, []verdict.Verdict{closed, closed, closed}, []v1alpha1.Gate{secret}},
		"and is waited for by Jobs": {[]v1alpha1.Gate{secret, job}, []verdict.Verdict{open, closed}, []v1alpha1.Gate{secret, job}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Due(tc.gates, tc.said)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNodesAreAsked(t *testing.T) {
	got := one(v1alpha1.Gate{Name: "cluster", Nodes: &v1alpha1.NodesGate{}}, Facts{Nodes: capacity.Facts{Unseen: "nobody may"}})
	if diff := cmp.Diff(wait("NodesUnknown", `Gate "cluster" does not know of any node: nobody may`), got, untold); diff != "" {
		t.Error(diff)
	}
}

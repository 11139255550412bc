package cel_test

import (
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRefusedDrills(t *testing.T) {
	t.Parallel()
	drill := func(field string, value any) change { return set("spec.rollback", m{"drill": m{field: value}}) }
	refused(t, map[string]refusal{
		"schedule of four fields":    {drill("schedule", "0 3 * 1-5"), `needs five fields of cron, such as 0 3 * * 1`},
		"schedule of six":            {drill("schedule", "0 0 3 * * 1"), `needs five fields of cron`},
		"schedule in a word":         {drill("schedule", "@midnight"), `needs five fields of cron`},
		"a zone of another name":     {drill("schedule", "TZ=UTC 0 3 * * 1"), `needs five fields of cron`},
		"a zone alone":               {drill("schedule", "CRON_TZ=Europe/Vienna"), `needs five fields of cron`},
		"schedule too short":         {drill("schedule", "* * * *"), `spec.rollback.drill.schedule in body should be at least 9 chars long`},
		"schedule too long":          {drill("schedule", "0 3 * * "+long(185)), `spec.rollback.drill.schedule: Too long`},
		"noticed at once":            {drill("detectWithinSeconds", int64(0)), `spec.rollback.drill.detectWithinSeconds in body should be greater than or equal to 1`},
		"noticed after hours":        {drill("detectWithinSeconds", int64(3601)), `spec.rollback.drill.detectWithinSeconds in body should be less than or equal to 3600`},
		"back at once":               {drill("backWithinSeconds", int64(0)), `spec.rollback.drill.backWithinSeconds in body should be greater than or equal to 1`},
		"back after hours":           {drill("backWithinSeconds", int64(3601)), `spec.rollback.drill.backWithinSeconds in body should be less than or equal to 3600`},
		"too old after a second":     {drill("maxAgeSeconds", int64(1)), `spec.rollback.drill.maxAgeSeconds in body should be greater than or equal to 60`},
		"too old after two years":    {drill("maxAgeSeconds", int64(63072000)), `spec.rollback.drill.maxAgeSeconds in body should be less than or equal to 31622400`},
		"a gate with something else": {set("spec.gates.0.drill", m{}), `needs exactly one of `},
	})
}

func TestAcceptedDrills(t *testing.T) {
	t.Parallel()
	drill := func(spec m) change { return set("spec.rollback", m{"drill": spec}) }
	for name, change := range map[string]change{
		"on request alone":   drill(m{}),
		"every Monday":       drill(m{"schedule": "0 3 * * 1"}),
		"by the clock there": drill(m{"schedule": "CRON_TZ=America/Argentina/Buenos_Aires 0 3 * * MON-FRI"}),
		"at the least":       drill(m{"schedule": "* * * * *", "detectWithinSeconds": int64(1), "backWithinSeconds": int64(1), "maxAgeSeconds": int64(60)}),
		"at the most":        drill(m{"detectWithinSeconds": int64(3600), "backWithinSeconds": int64(3600), "maxAgeSeconds": int64(31622400)}),
		"a gate":             set("spec.gates.0", m{"name": "drill", "drill": m{}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := object(t, everything)
			change(u.Object)
			if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStagingSample applies the sample of a staging namespace as it is, twice.
func TestStagingSample(t *testing.T) {
	t.Parallel()
	for range 2 {
		runKubectl(t, "apply", "-f", filepath.Join("..", "..", "config", "samples", "staging"))
		got := runKubectl(t, "get", "--namespace=signals-staging", "sigdep", "signal-service", "-o", "jsonpath={.metadata.generation} {.spec.rollback.drill.backWithinSeconds}")
		if got != "1 15" {
			t.Errorf("generation and limit are %s", got)
		}
	}
}

package cel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRefusedObjectives(t *testing.T) {
	t.Parallel()
	const (
		slo      = "spec.analysis.slos.0."
		fast     = "spec.analysis.slos.1."
		at       = "spec.analysis.slos[0]."
		percent  = `must be a percentage above 0 and below 100: an integer, or a decimal number in quotes, such as "99.9"`
		portion  = `must be a share from 0 to 1: an integer, or a decimal number in quotes, such as "0.05" for five percent of the budget`
		seconds  = `must be a number of seconds above 0: an integer, or a decimal number in quotes, such as "0.3"`
		matchers = `must be PromQL label matchers, such as `
		name     = `must consist of lower-case letters, digits and '-', and begin and end with a letter or digit`
		metric   = `must be the name of a metric: letters, digits, '_' and ':', not beginning with a digit`
		method   = `must be the full name of a gRPC method, such as signals.v1.Signals/Publish`
		template = `must not contain '{{', which begins a template in a rule`
	)
	refused(t, map[string]refusal{
		"17 objectives":             {fill("spec.analysis.slos", 15, named), `spec.analysis.slos: Too many: 17: must have at most 16 items`},
		"objective of a name twice": {set(fast+"name", "publish"), `spec.analysis.slos[1]: Duplicate value: {"name":"publish"}`},
		"objective without a name":  {drop(slo + "name"), at + `name: Required value`},
		"name in capitals":          {set(slo+"name", "Publish"), at + `name: Invalid value: "Publish": ` + name},
		"name too long":             {set(slo+"name", long(41)), at + `name: Too long`},
		"server empty":              {set(slo+"server", ""), at + `server in body should be at least 1 chars long`},
		"server too long":           {set(slo+"server", long(64)), at + `server: Too long`},

		"neither availability nor latency": {drop(slo + "availability"), `spec.analysis.slos[0]: Invalid value: needs exactly one of availability and latency; for both, have two objectives`},
		"both availability and latency":    {set(slo+"latency", m{"thresholdSeconds": int64(1)}), `needs exactly one of availability and latency; for both, have two objectives`},

		"objective missing":      {drop(slo + "objective"), at + `objective: Required value`},
		"objective of all":       {set(slo+"objective", int64(100)), at + `objective: Invalid value: 100: ` + percent},
		"objective of all, text": {set(slo+"objective", "100"), at + `objective: Invalid value: "100": ` + percent},
		"objective of nothing":   {set(slo+"objective", "0.0"), percent},
		"objective negative":     {set(slo+"objective", int64(-1)), percent},
		"objective in words":     {set(slo+"objective", "most"), percent},
		"objective with a sign":  {set(slo+"objective", "99%"), percent},
		"objective too long":     {set(slo+"objective", "99.9999999"), at + `objective: Too long`},
		"objective as a float":   {set(slo+"objective", 99.9), at + `objective in body must be of type integer,string: "number"`},

		"window of no days":   {set(slo+"windowDays", int64(0)), at + `windowDays in body should be greater than or equal to 1`},
		"window of 91 days":   {set(slo+"windowDays", int64(91)), at + `windowDays in body should be less than or equal to 90`},
		"limit of five":       {set(slo+"maxBudgetBurn", int64(5)), at + `maxBudgetBurn: Invalid value: 5: ` + portion},
		"limit in percent":    {set(slo+"maxBudgetBurn", "5%"), portion},
		"limit above all":     {set(slo+"maxBudgetBurn", "1.5"), portion},
		"limit negative":      {set(slo+"maxBudgetBurn", "-0.1"), portion},
		"limit of 17 letters": {set(slo+"maxBudgetBurn", "0."+strings.Repeat("1", 15)), at + `maxBudgetBurn: Too long`},

		"operation of nothing":        {set(slo+"operation", m{}), at + `operation: Invalid value: selects nothing: set route, grpcMethod or matchers, or leave operation out to count every request`},
		"a route and a method":        {set(slo+"operation.grpcMethod", "a.B/C"), at + `operation: Invalid value: has both route and grpcMethod: a request has one of them; for both, have two objectives`},
		"route empty":                 {set(slo+"operation.route", ""), at + `operation.route in body should be at least 1 chars long`},
		"route too long":              {set(slo+"operation.route", long(257)), at + `operation.route: Too long`},
		"route with a template":       {set(slo+"operation.route", "/{{.}}"), at + `operation.route: Invalid value: "/{{.}}": ` + template},
		"method without a service":    {set(fast+"operation.grpcMethod", "Publish"), `spec.analysis.slos[1].operation.grpcMethod: Invalid value: "Publish": ` + method},
		"method with a leading slash": {set(fast+"operation.grpcMethod", "/a.B/C"), method},
		"matchers in braces":          {set(slo+"operation.matchers", `{method="POST"}`), at + `operation.matchers: Invalid value: "{method=\"POST\"}": ` + matchers},
		"matchers without quotes":     {set(slo+"operation.matchers", `method=POST`), matchers},
		"matchers with a template":    {set(slo+"operation.matchers", `a="{{.}}"`), template},
		"matchers too long":           {set(slo+"operation.matchers", `a="`+long(509)+`"`), at + `operation.matchers: Too long`},
		"counter with braces":         {set(slo+"availability.counter", "x{}"), at + `availability.counter: Invalid value: "x{}": ` + metric},
		"counter too long":            {set(slo+"availability.counter", long(129)), at + `availability.counter: Too long`},
		"failures without quotes":     {set(slo+"availability.failed", "code=500"), at + `availability.failed: Invalid value: "code=500": ` + matchers},
		"failures too long":           {set(slo+"availability.failed", `a="`+long(509)+`"`), at + `availability.failed: Too long`},
		"histogram with a minus":      {set(fast+"latency.histogram", "a-b"), `spec.analysis.slos[1].latency.histogram: Invalid value: "a-b": ` + metric},
		"no threshold":                {set(fast+"latency", m{}), `spec.analysis.slos[1].latency.thresholdSeconds: Required value`},
		"threshold 0":                 {set(fast+"latency.thresholdSeconds", int64(0)), `spec.analysis.slos[1].latency.thresholdSeconds: Invalid value: 0: ` + seconds},
		"threshold 0 in text":         {set(fast+"latency.thresholdSeconds", "0.0"), seconds},
		"threshold with a unit":       {set(fast+"latency.thresholdSeconds", "300ms"), seconds},
		"threshold beyond a day":      {set(fast+"latency.thresholdSeconds", int64(86401)), seconds},
		"something that there is not": {set(slo+"burn", int64(1)), `unknown field "spec.analysis.slos[0].burn"`},
	})
}

// TestAcceptedObjectives offers what is just within every bound.
func TestAcceptedObjectives(t *testing.T) {
	t.Parallel()
	const (
		slo  = "spec.analysis.slos.0."
		fast = "spec.analysis.slos.1."
	)
	for name, change := range map[string]change{
		"16 objectives":              fill("spec.analysis.slos", 14, named),
		"no objectives":              drop("spec.analysis.slos"),
		"name of 40 characters":      set(slo+"name", long(40)),
		"objective of one percent":   set(slo+"objective", int64(1)),
		"objective of six digits":    set(slo+"objective", "99.999999"),
		"every request":              drop(slo + "operation"),
		"only matchers":              drop(slo + "operation.route"),
		"metrics that need no name":  all(set(slo+"availability", m{}), drop(fast+"latency.histogram")),
		"a day":                      set(slo+"windowDays", int64(1)),
		"90 days":                    set(slo+"windowDays", int64(90)),
		"no limit":                   drop(slo + "maxBudgetBurn"),
		"nothing may be consumed":    set(slo+"maxBudgetBurn", int64(0)),
		"everything may be consumed": set(slo+"maxBudgetBurn", "1.0"),
		"a day to answer":            set(fast+"latency.thresholdSeconds", int64(86400)),
		"a nanosecond to answer":     set(fast+"latency.thresholdSeconds", "0.000000001"),
		"the longest operation":      all(set(slo+"operation.route", long(256)), set(slo+"operation.matchers", `a="`+long(508)+`"`)),
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

func TestObjectiveDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, minimal)
	set("spec.analysis", m{"slos": []any{m{"name": "api", "objective": "99.9", "availability": m{}}}})(u.Object)
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	spec := u.Object["spec"].(map[string]any)["analysis"].(map[string]any)["slos"] //nolint:forcetypeassert // as it was set
	want := []any{m{"name": "api", "objective": "99.9", "availability": m{}, "server": "built-in", "windowDays": int64(30)}}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

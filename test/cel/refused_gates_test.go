package cel_test

import "testing"

func TestRefusedGates(t *testing.T) {
	t.Parallel()
	const (
		window  = "spec.gates.0.window."
		freeze  = "spec.gates.1.freezes.0."
		at      = "spec.gates[0]."
		on      = "spec.gates[1].freezes[0]."
		name    = `must consist of lower-case letters, digits and '-', and begin and end with a letter or digit`
		one     = `needs exactly one of `
		plural  = `must be plural and group, such as certificates.cert-manager.io`
		share   = `must be a number from 1, or a percentage from 1% to 100%`
		several = `; for more, have several gates`
		zone    = `must be the name of a time zone, such as Europe/Vienna`
		cron    = `must have the five fields of cron: minute, hour, day of the month, month and day of the week, such as "0 9 * * 1-4"`
	)
	refused(t, map[string]refusal{
		"25 gates":             {fill("spec.gates", 9, named), `spec.gates: Too many: 25: must have at most 24 items`},
		"gate of a name twice": {set("spec.gates.1.name", "office-hours"), `spec.gates[1]: Duplicate value: {"name":"office-hours"}`},
		"gate without a name":  {drop("spec.gates.0.name"), at + `name: Required value`},
		"name in capitals":     {set("spec.gates.0.name", "Hours"), at + `name: Invalid value: "Hours": ` + name},
		"name too long":        {set("spec.gates.0.name", long(41)), at + `name: Too long`},

		"gate of no kind":   {drop("spec.gates.0.window"), `spec.gates[0]: Invalid value: ` + one},
		"gate of two kinds": {set("spec.gates.1.window", m{"openings": []any{m{"schedule": "0 9 * * *", "durationSeconds": int64(60)}}}), several},

		"window without openings":       {drop(window + "openings"), at + `window.openings: Required value`},
		"window of no openings":         {set(window+"openings", []any{}), at + `window.openings in body should have at least 1 items`},
		"window of 17 openings":         {fill(window+"openings", 16, same), at + `window.openings: Too many: 17`},
		"local time":                    {set(window+"timeZone", "Local"), at + `window.timeZone: Invalid value: "Local": ` + zone},
		"a time zone outside":           {set(window+"timeZone", "../etc/passwd"), zone},
		"a time zone too long":          {set(window+"timeZone", long(65)), at + `window.timeZone: Too long`},
		"schedule of four fields":       {set(window+"openings.0.schedule", "0 9 * 1-4"), at + `window.openings[0].schedule: Invalid value: "0 9 * 1-4": ` + cron},
		"schedule with seconds":         {set(window+"openings.0.schedule", "0 0 9 * * 1-4"), cron},
		"schedule with a time zone":     {set(window+"openings.0.schedule", "TZ=UTC 0 9 * * 1-4"), cron},
		"schedule in a word":            {set(window+"openings.0.schedule", "@midnight"), cron},
		"schedule too long":             {set(window+"openings.0.schedule", "0 9 * * "+long(121)), at + `window.openings[0].schedule: Too long`},
		"opening without an end":        {drop(window + "openings.0.durationSeconds"), at + `window.openings[0].durationSeconds: Required value`},
		"opening of less than a minute": {set(window+"openings.0.durationSeconds", int64(59)), at + `window.openings[0].durationSeconds in body should be greater than or equal to 60`},
		"opening of more than a week":   {set(window+"openings.0.durationSeconds", int64(604801)), at + `window.openings[0].durationSeconds in body should be less than or equal to 604800`},

		"dependency on nothing":      {drop("spec.gates.2.signalDeployment.name"), `spec.gates[2].signalDeployment.name: Required value`},
		"dependency's name too long": {set("spec.gates.2.signalDeployment.name", long(41)), `spec.gates[2].signalDeployment.name: Too long`},
		"dependency's version empty": {set("spec.gates.2.signalDeployment.version", ""), `spec.gates[2].signalDeployment.version in body should be at least 1 chars long`},
		"no Service":                 {drop("spec.gates.3.service.name"), `spec.gates[3].service.name: Required value`},
		"no endpoints":               {set("spec.gates.3.service.minEndpoints", int64(0)), `spec.gates[3].service.minEndpoints in body should be greater than or equal to 1`},
		"1001 endpoints":             {set("spec.gates.3.service.minEndpoints", int64(1001)), `spec.gates[3].service.minEndpoints in body should be less than or equal to 1000`},
		"no ConfigMap":               {drop("spec.gates.4.configMap.name"), `spec.gates[4].configMap.name: Required value`},
		"ConfigMap's key empty":      {set("spec.gates.4.configMap.key", ""), `spec.gates[4].configMap.key in body should be at least 1 chars long`},
		"no group":                   {drop("spec.gates.5.group.name"), `spec.gates[5].group.name: Required value`},
		"group in capitals":          {set("spec.gates.5.group.name", "Shop"), `spec.gates[5].group.name: Invalid value: "Shop": ` + name},
		"group of another scope":     {set("spec.gates.5.group.scope", "World"), `spec.gates[5].group.scope: Unsupported value: "World": supported values: "Namespace", "Cluster"`},

		"alerts of no severity": {set("spec.gates.6.alerts.severities", []any{}), `spec.gates[6].alerts.severities in body should have at least 1 items`},
		"9 severities":          {set("spec.gates.6.alerts.severities", []any{"a", "b", "c", "d", "e", "f", "g", "h", "i"}), `spec.gates[6].alerts.severities: Too many: 9`},
		"a severity twice":      {set("spec.gates.6.alerts.severities", []any{"a", "a"}), `spec.gates[6].alerts.severities[1]: Duplicate value: "a"`},
		"severity empty":        {set("spec.gates.6.alerts.severities", []any{""}), `spec.gates[6].alerts.severities[0] in body should be at least 1 chars long`},
		"expression of no rule": {drop("spec.gates.8.expression.rule"), `spec.gates[8].expression.rule: Required value`},
		"rule too long":         {set("spec.gates.8.expression.rule", long(1025)), `spec.gates[8].expression.rule: Too long`},
		"advice too long":       {set("spec.gates.8.expression.message", long(513)), `spec.gates[8].expression.message: Too long`},

		"no Secret":              {drop("spec.gates.11.secret.name"), `spec.gates[11].secret.name: Required value`},
		"no keys":                {set("spec.gates.11.secret.keys", []any{}), `spec.gates[11].secret.keys in body should have at least 1 items`},
		"a key twice":            {set("spec.gates.11.secret.keys", []any{"a", "a"}), `spec.gates[11].secret.keys[1]: Duplicate value: "a"`},
		"a key of nothing":       {set("spec.gates.11.secret.keys", []any{""}), `spec.gates[11].secret.keys[0] in body should be at least 1 chars long`},
		"17 keys":                {fill("spec.gates.11.secret.keys", 15, func(_ any, i int) any { return long(i + 1) }), `spec.gates[11].secret.keys: Too many: 17`},
		"no CRD":                 {drop("spec.gates.12.crd.name"), `spec.gates[12].crd.name: Required value`},
		"a CRD of no group":      {set("spec.gates.12.crd.name", "certificates"), `spec.gates[12].crd.name: Invalid value: "certificates": ` + plural},
		"a CRD by its kind":      {set("spec.gates.12.crd.name", "Certificate.cert-manager.io"), plural},
		"a CRD by its path":      {set("spec.gates.12.crd.name", "certificates.cert-manager.io/v1"), plural},
		"a version of nothing":   {set("spec.gates.12.crd.version", ""), `spec.gates[12].crd.version in body should be at least 2 chars long`},
		"an objective's name":    {set("spec.gates.13.errorBudget.slo", ""), `spec.gates[13].errorBudget.slo in body should be at least 1 chars long`},
		"nothing has to be left": {set("spec.gates.13.errorBudget.minRemainingPercent", int64(0)), `spec.gates[13].errorBudget.minRemainingPercent in body should be greater than or equal to 1`},
		"more than all is left":  {set("spec.gates.13.errorBudget.minRemainingPercent", int64(101)), `spec.gates[13].errorBudget.minRemainingPercent in body should be less than or equal to 100`},
		"no node":                {set("spec.gates.14.nodes.minReady", int64(0)), `spec.gates[14].nodes.minReady: Invalid value: 0: ` + share},
		"no percent":             {set("spec.gates.14.nodes.minReady", "0%"), share},
		"101 percent":            {set("spec.gates.14.nodes.minReady", "101%"), share},
		"a number in quotes":     {set("spec.gates.14.nodes.minReady", "3"), share},
		"half of the nodes":      {set("spec.gates.14.nodes.minReady", "half"), share},
		"another room":           {set("spec.gates.14.nodes.room", "Plenty"), `spec.gates[14].nodes.room: Unsupported value: "Plenty": supported values: "Required", "Ignored"`},
		"a Job of no image":      {drop("spec.gates.15.job.image"), `spec.gates[15].job.image: Required value`},
		"a Job of no time":       {set("spec.gates.15.job.timeoutSeconds", int64(0)), `spec.gates[15].job.timeoutSeconds in body should be greater than or equal to 1`},
		"a Job of two days":      {set("spec.gates.15.job.timeoutSeconds", int64(86401)), `spec.gates[15].job.timeoutSeconds in body should be less than or equal to 86400`},
		"a Job of 11 retries":    {set("spec.gates.15.job.retries", int64(11)), `spec.gates[15].job.retries in body should be less than or equal to 10`},
		"the operator's own":     {set("spec.gates.15.job.env.0.name", "SIGNAL_RELEASE"), `must be a variable name of letters, digits and '_' that does not begin with SIGNAL_`},

		"no freezes":               {set("spec.gates.1.freezes", []any{}), `spec.gates[1].freezes in body should have at least 1 items`},
		"33 freezes":               {fill("spec.gates.1.freezes", 32, named), `spec.gates[1].freezes: Too many: 33`},
		"freeze without a name":    {drop(freeze + "name"), on + `name: Required value`},
		"freeze without an end":    {drop(freeze + "endTime"), on + `endTime: Required value`},
		"freeze of a day":          {set(freeze+"endTime", "2030-12-15"), on + `endTime in body must be of type date-time`},
		"freeze that ends at once": {set(freeze+"endTime", "2030-12-14T23:00:00Z"), `spec.gates[1].freezes[0]: Invalid value: must end after it starts: set endTime later than startTime`},
	})
}

package cel_test

import "testing"

func TestRefusedSmokeChecks(t *testing.T) {
	t.Parallel()
	const (
		check   = "spec.checks.smoke.0."
		request = check + "http.requests.0."
		health  = "spec.checks.smoke.2."
	)
	refused(t, map[string]refusal{
		"check of http and grpc":     {set(check+"grpc", m{}), `spec.checks.smoke[0]: Invalid value: needs exactly one of http, grpc and job`},
		"check of all three":         {all(set(check+"grpc", m{}), set(check+"job", m{"image": "a"})), `needs exactly one of http, grpc and job`},
		"grpc port by number":        {set(health+"grpc.port", int64(9090)), `spec.checks.smoke[2].grpc.port in body must be of type string: "integer"`},
		"grpc port empty":            {set(health+"grpc.port", ""), `spec.checks.smoke[2].grpc.port in body should be at least 1 chars long`},
		"grpc service too long":      {set(health+"grpc.service", long(254)), `spec.checks.smoke[2].grpc.service: Too long`},
		"tls without a name":         {drop(health + "tls.serverName"), `spec.checks.smoke[2].tls.serverName: Required value`},
		"tls of no ConfigMap":        {set(health+"tls.caConfigMapName", ""), `spec.checks.smoke[2].tls.caConfigMapName in body should be at least 1 chars long`},
		"tls that is not verified":   {set(health+"tls.insecureSkipVerify", true), `unknown field "spec.checks.smoke[2].tls.insecureSkipVerify"`},
		"9 captures":                 {fill(request+"capture", 8, named), `spec.checks.smoke[0].http.requests[0].capture: Too many: 9: must have at most 8 items`},
		"capture twice":              {twice(request + "capture"), `spec.checks.smoke[0].http.requests[0].capture[1]: Duplicate value: {"name":"first"}`},
		"capture without a name":     {drop(request + "capture.0.name"), `capture[0].name: Required value`},
		"capture name with a dash":   {set(request+"capture.0.name", "a-b"), `capture[0].name: Invalid value: "a-b": must be a letter, then letters, digits or '_'`},
		"capture name of a digit":    {set(request+"capture.0.name", "1a"), `must be a letter, then letters, digits or '_'`},
		"capture name too long":      {set(request+"capture.0.name", long(64)), `capture[0].name: Too long`},
		"capture of nothing":         {drop(request + "capture.0.value"), `capture[0].value: Required value`},
		"capture of an empty value":  {set(request+"capture.0.value", ""), `capture[0].value in body should be at least 1 chars long`},
		"capture of too long a one":  {set(request+"capture.0.value", long(1025)), `capture[0].value: Too long`},
		"no attempts":                {set(request+"retry.attempts", int64(0)), `retry.attempts in body should be greater than or equal to 1`},
		"11 attempts":                {set(request+"retry.attempts", int64(11)), `retry.attempts in body should be less than or equal to 10`},
		"no backoff":                 {set(request+"retry.backoffMilliseconds", int64(0)), `retry.backoffMilliseconds in body should be greater than or equal to 1`},
		"backoff over a minute":      {set(request+"retry.backoffMilliseconds", int64(60001)), `retry.backoffMilliseconds in body should be less than or equal to 60000`},
		"stream of no protocol":      {set(request+"stream", m{"minMessages": int64(1)}), `stream.protocol: Required value`},
		"stream of another protocol": {set(request+"stream", m{"protocol": "Comet"}), `stream.protocol: Unsupported value: "Comet": supported values: "WebSocket", "ServerSentEvents"`},
		"stream of no message":       {set(request+"stream", m{"protocol": "WebSocket", "minMessages": int64(0)}), `stream.minMessages in body should be greater than or equal to 1`},
		"stream of 1001 messages":    {set(request+"stream", m{"protocol": "WebSocket", "minMessages": int64(1001)}), `stream.minMessages in body should be less than or equal to 1000`},
		"stream of no time":          {set(request+"stream", m{"protocol": "WebSocket", "withinSeconds": int64(0)}), `stream.withinSeconds in body should be greater than or equal to 1`},
		"stream of 601 seconds":      {set(request+"stream", m{"protocol": "WebSocket", "withinSeconds": int64(601)}), `stream.withinSeconds in body should be less than or equal to 600`},
		"schema empty":               {set(request+"expect.jsonSchema", ""), `expect.jsonSchema in body should be at least 1 chars long`},
		"schema as an object":        {set(request+"expect.jsonSchema", []any{"a"}), `expect.jsonSchema in body must be of type string: "array"`},
		"schema too long":            {set(request+"expect.jsonSchema", long(8193)), `expect.jsonSchema: Too long: may not be more than 8192 bytes`},
		"33 critical paths":          {fill("spec.checks.criticalPaths", 32, named), `spec.checks.criticalPaths: Too many: 33: must have at most 32 items`},
		"critical path twice":        {twice("spec.checks.criticalPaths"), `spec.checks.criticalPaths[1]: Duplicate value: {"name":"signals"}`},
		"critical path of no name":   {drop("spec.checks.criticalPaths.0.name"), `spec.checks.criticalPaths[0].name: Required value`},
		"critical path with a query": {set("spec.checks.criticalPaths.0.path", "/a?b=c"), `spec.checks.criticalPaths[0].path: Invalid value: "/a?b=c": must begin with a single '/', without a query`},
		"critical path of a host":    {set("spec.checks.criticalPaths.0.path", "//evil.example"), `must begin with a single '/', without a query`},
		"critical path of no slash":  {set("spec.checks.criticalPaths.0.path", "a"), `must begin with a single '/', without a query`},
		"critical path too long":     {set("spec.checks.criticalPaths.0.path", "/"+long(256)), `spec.checks.criticalPaths[0].path: Too long`},
	})
}

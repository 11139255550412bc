package cel_test

import "testing"

func TestRefusedChecks(t *testing.T) {
	t.Parallel()
	const (
		check   = "spec.checks.smoke.0."
		request = check + "http.requests.0."
		job     = "spec.checks.smoke.1.job."
	)
	refused(t, map[string]refusal{
		"17 checks":                  {fill("spec.checks.smoke", 14, named), `spec.checks.smoke: Too many: 17: must have at most 16 items`},
		"check of a name twice":      {set("spec.checks.smoke.1.name", "api"), `spec.checks.smoke[1]: Duplicate value: {"name":"api"}`},
		"check without a name":       {drop(check + "name"), `spec.checks.smoke[0].name: Required value`},
		"check name in capitals":     {set(check+"name", "API"), `spec.checks.smoke[0].name: Invalid value: "API": must consist of lower-case letters, digits and '-'`},
		"check name empty":           {set(check+"name", ""), `spec.checks.smoke[0].name in body should be at least 1 chars long`},
		"check name of 41 letters":   {set(check+"name", long(41)), `spec.checks.smoke[0].name: Too long: may not be more than 40 bytes`},
		"check of both http and job": {set(check+"job", map[string]any{"image": "acme/contract:v1"}), `spec.checks.smoke[0]: Invalid value: needs exactly one of http, grpc and job`},
		"check of neither":           {drop(check + "http"), `spec.checks.smoke[0]: Invalid value: needs exactly one of http, grpc and job`},
		"entry without a URL":        {set("spec.traffic.entry", m{"address": "edge:80"}), `spec.traffic.entry.url: Required value`},
		"entry with a path":          {set("spec.traffic.entry", m{"url": "http://signals.example/v1"}), `spec.traffic.entry.url: Invalid value: "http://signals.example/v1": must be a URL such as https://signals.example, without a path`},
		"entry by another scheme":    {set("spec.traffic.entry", m{"url": "ftp://signals.example"}), `must be a URL such as https://signals.example`},
		"entry without a port":       {set("spec.traffic.entry", m{"url": "http://a", "address": "edge"}), `spec.traffic.entry.address: Invalid value: "edge": must be host:port`},
		"no stages":                  {set(check+"stages", []any{}), `spec.checks.smoke[0].stages in body should have at least 1 items`},
		"a stage twice":              {set(check+"stages", []any{"Gateway", "Gateway"}), `spec.checks.smoke[0].stages[1]: Duplicate value: "Gateway"`},
		"a stage that there is not":  {set(check+"stages", []any{"Canary"}), `spec.checks.smoke[0].stages[0]: Unsupported value: "Canary": supported values: "Candidate", "Gateway", "AfterCutover"`},
		"4 stages":                   {set(check+"stages", []any{"Candidate", "Gateway", "AfterCutover", "Gateway"}), `spec.checks.smoke[0].stages: Too many: 4: must have at most 3 items`},
		"timeout 0":                  {set(check+"timeoutSeconds", int64(0)), `spec.checks.smoke[0].timeoutSeconds in body should be greater than or equal to 1`},
		"timeout over an hour":       {set(check+"timeoutSeconds", int64(3601)), `spec.checks.smoke[0].timeoutSeconds in body should be less than or equal to 3600`},
		"timeout as a duration":      {set(check+"timeoutSeconds", "30s"), `spec.checks.smoke[0].timeoutSeconds in body must be of type integer: "string"`},
		"retries negative":           {set(check+"retries", int64(-1)), `spec.checks.smoke[0].retries in body should be greater than or equal to 0`},
		"11 retries":                 {set(check+"retries", int64(11)), `spec.checks.smoke[0].retries in body should be less than or equal to 10`},

		"http port by number":     {set(check+"http.port", int64(80)), `spec.checks.smoke[0].http.port in body must be of type string: "integer"`},
		"http port empty":         {set(check+"http.port", ""), `spec.checks.smoke[0].http.port in body should be at least 1 chars long`},
		"http port of 16 letters": {set(check+"http.port", long(16)), `spec.checks.smoke[0].http.port: Too long`},
		"no requests":             {drop(check + "http.requests"), `spec.checks.smoke[0].http.requests: Required value`},
		"requests empty":          {set(check+"http.requests", []any{}), `spec.checks.smoke[0].http.requests: Invalid value: 0: spec.checks.smoke[0].http.requests in body should have at least 1 items`},
		"33 requests":             {fill(check+"http.requests", 31, same), `spec.checks.smoke[0].http.requests: Too many: 33: must have at most 32 items`},
		"request without path":    {drop(request + "path"), `spec.checks.smoke[0].http.requests[0].path: Required value`},
		"path empty":              {set(request+"path", ""), `spec.checks.smoke[0].http.requests[0].path in body should be at least 1 chars long`},
		"path without a slash":    {set(request+"path", "healthz"), `spec.checks.smoke[0].http.requests[0].path: Invalid value: "healthz": must begin with a single '/'`},
		"path to another host":    {set(request+"path", "//evil.example/"), `must begin with a single '/'`},
		"path as a URL":           {set(request+"path", "http://evil.example/"), `must begin with a single '/'`},
		"path of 2049 letters":    {set(request+"path", "/"+long(2048)), `spec.checks.smoke[0].http.requests[0].path: Too long: may not be more than 2048 bytes`},
		"method in small letters": {set(request+"method", "get"), `spec.checks.smoke[0].http.requests[0].method: Unsupported value: "get": supported values: "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"`},
		"method TRACE":            {set(request+"method", "TRACE"), `spec.checks.smoke[0].http.requests[0].method: Unsupported value: "TRACE"`},
		"header twice":            {twice(request + "headers"), `spec.checks.smoke[0].http.requests[0].headers[1]: Duplicate value: {"name":"Accept"}`},
		"33 headers":              {fill(request+"headers", 32, named), `spec.checks.smoke[0].http.requests[0].headers: Too many: 33: must have at most 32 items`},
		"header with a space":     {set(request+"headers.0.name", "X Name"), `spec.checks.smoke[0].http.requests[0].headers[0].name: Invalid value: "X Name": must be a header name`},
		"header with a colon":     {set(request+"headers.0.name", "Accept:"), `must be a header name`},
		"header without a name":   {drop(request + "headers.0.name"), `spec.checks.smoke[0].http.requests[0].headers[0].name: Required value`},
		"header name empty":       {set(request+"headers.0.name", ""), `spec.checks.smoke[0].http.requests[0].headers[0].name in body should be at least 1 chars long`},
		"header value empty":      {set(request+"headers.0.value", ""), `spec.checks.smoke[0].http.requests[0].headers[0].value in body should be at least 1 chars long`},
		"header name too long":    {set(request+"headers.0.name", long(129)), `spec.checks.smoke[0].http.requests[0].headers[0].name: Too long`},
		"header without a value":  {drop(request + "headers.0.value"), `spec.checks.smoke[0].http.requests[0].headers[0].value: Required value`},
		"header value too long":   {set(request+"headers.0.value", long(4097)), `spec.checks.smoke[0].http.requests[0].headers[0].value: Too long`},
		"body of 4097 letters":    {set(request+"body", long(4097)), `spec.checks.smoke[0].http.requests[0].body: Too long: may not be more than 4096 bytes`},
		"body as an object":       {set(request+"body", []any{"a"}), `spec.checks.smoke[0].http.requests[0].body in body must be of type string: "array"`},

		"status 99":                      {set(request+"expect.status", []any{int64(99)}), `spec.checks.smoke[0].http.requests[0].expect.status[0] in body should be greater than or equal to 100`},
		"status 600":                     {set(request+"expect.status", []any{int64(600)}), `spec.checks.smoke[0].http.requests[0].expect.status[0] in body should be less than or equal to 599`},
		"status in quotes":               {set(request+"expect.status", []any{"2xx"}), `expect.status[0] in body must be of type integer: "string"`},
		"status not in a list":           {set(request+"expect.status", int64(200)), `expect.status in body must be of type array: "integer"`},
		"status twice":                   {set(request+"expect.status", []any{int64(200), int64(200)}), `spec.checks.smoke[0].http.requests[0].expect.status[1]: Duplicate value: 200`},
		"17 statuses":                    {set(request+"expect.status", codes(17)), `spec.checks.smoke[0].http.requests[0].expect.status: Too many: 17: must have at most 16 items`},
		"17 expected headers":            {fill(request+"expect.headers", 16, named), `spec.checks.smoke[0].http.requests[0].expect.headers: Too many: 17: must have at most 16 items`},
		"expected header without name":   {drop(request + "expect.headers.0.name"), `expect.headers[0].name: Required value`},
		"expected header without value":  {drop(request + "expect.headers.0.value"), `expect.headers[0].value: Required value`},
		"expected header of no name":     {set(request+"expect.headers.0.name", ""), `expect.headers[0].name in body should be at least 1 chars long`},
		"expected header of no value":    {set(request+"expect.headers.0.value", ""), `expect.headers[0].value in body should be at least 1 chars long`},
		"expected header name too long":  {set(request+"expect.headers.0.name", long(129)), `expect.headers[0].name: Too long`},
		"expected header value too long": {set(request+"expect.headers.0.value", long(4097)), `expect.headers[0].value: Too long`},
		"expression empty":               {set(request+"expect.json", ""), `spec.checks.smoke[0].http.requests[0].expect.json in body should be at least 1 chars long`},
		"expression too long":            {set(request+"expect.json", long(1025)), `spec.checks.smoke[0].http.requests[0].expect.json: Too long: may not be more than 1024 bytes`},
		"latency 0":                      {set(request+"expect.maxLatencyMilliseconds", int64(0)), `expect.maxLatencyMilliseconds in body should be greater than or equal to 1`},
		"latency over ten minutes":       {set(request+"expect.maxLatencyMilliseconds", int64(600001)), `expect.maxLatencyMilliseconds in body should be less than or equal to 600000`},
		"job without image":              {drop(job + "image"), `spec.checks.smoke[1].job.image: Required value`},
		"job image empty":                {set(job+"image", ""), `spec.checks.smoke[1].job.image in body should be at least 1 chars long`},
		"job image too long":             {set(job+"image", long(513)), `spec.checks.smoke[1].job.image: Too long`},
		"command as a string":            {set(job+"command", "contract"), `spec.checks.smoke[1].job.command in body must be of type array: "string"`},
		"command with an empty word":     {set(job+"command", []any{""}), `spec.checks.smoke[1].job.command[0] in body should be at least 1 chars long`},
		"command word of 4097 letters":   {set(job+"command.0", long(4097)), `spec.checks.smoke[1].job.command[0]: Too long`},
		"33 command words":               {fill(job+"command", 32, same), `spec.checks.smoke[1].job.command: Too many: 33: must have at most 32 items`},
		"65 arguments":                   {fill(job+"args", 64, same), `spec.checks.smoke[1].job.args: Too many: 65: must have at most 64 items`},
		"argument of 4097 letters":       {set(job+"args.0", long(4097)), `spec.checks.smoke[1].job.args[0]: Too long`},
		"variable of the operator's":     {set(job+"env.0.name", "SIGNAL_TARGET"), `spec.checks.smoke[1].job.env[0].name: Invalid value: "SIGNAL_TARGET": must be a variable name of letters, digits and '_' that does not begin with SIGNAL_`},
		"variable with a dash":           {set(job+"env.0.name", "LOG-LEVEL"), `spec.checks.smoke[1].job.env[0].name: Invalid value: "LOG-LEVEL": must be a variable name`},
		"variable without a name":        {drop(job + "env.0.name"), `spec.checks.smoke[1].job.env[0].name: Required value`},
		"variable of an empty name":      {set(job+"env.0.name", ""), `spec.checks.smoke[1].job.env[0].name in body should be at least 1 chars long`},
		"variable of too long a name":    {set(job+"env.0.name", long(254)), `spec.checks.smoke[1].job.env[0].name: Too long`},
		"variable twice":                 {twice(job + "env"), `spec.checks.smoke[1].job.env[1]: Duplicate value: {"name":"LEVEL"}`},
		"65 variables":                   {fill(job+"env", 64, named), `spec.checks.smoke[1].job.env: Too many: 65: must have at most 64 items`},
		"variable from a Secret":         {set(job+"env.0.valueFrom", map[string]any{}), `unknown field "spec.checks.smoke[1].job.env[0].valueFrom"`},
		"variable that is a number":      {set(job+"env.0.value", int64(1)), `spec.checks.smoke[1].job.env[0].value in body must be of type string: "integer"`},
		"value of 4097 letters":          {set(job+"env.0.value", long(4097)), `spec.checks.smoke[1].job.env[0].value: Too long`},
		"memory that is no quantity":     {set(job+"resources.limits.memory", "64 MB"), `spec.checks.smoke[1].job.resources.limits.memory: Invalid value: "64 MB": spec.checks.smoke[1].job.resources.limits.memory in body should match`},
		"job with host access":           {set(job+"hostNetwork", true), `unknown field "spec.checks.smoke[1].job.hostNetwork"`},
	})
}

// codes are n different status codes.
func codes(n int) []any {
	var list []any
	for i := range n {
		list = append(list, int64(200+i))
	}
	return list
}

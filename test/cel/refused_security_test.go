package cel_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRefusedSecurity(t *testing.T) {
	t.Parallel()
	const (
		at     = "spec.checks.security."
		path   = `must begin with a single '/' and have no query`
		origin = `must be '*' or an origin such as https://app.example, in lower case and without a path`
	)
	numbered := func(_ any, i int) any { return "/v1/" + strconv.Itoa(i) }
	refused(t, map[string]refusal{
		"security after a cutover, yes":       {set(at+"afterCutover", true), at + `afterCutover in body must be of type string: "boolean"`},
		"security after a cutover, always":    {set(at+"afterCutover", "Always"), at + `afterCutover: Unsupported value: "Always": supported values: "Enabled", "Disabled"`},
		"security without paths":              {drop(at + "paths"), at + `paths: Required value`},
		"security of no paths":                {set(at+"paths", []any{}), at + `paths in body should have at least 1 items`},
		"security of 17 paths":                {fill(at+"paths", 15, numbered), at + `paths: Too many: 17: must have at most 16 items`},
		"security path twice":                 {set(at+"paths", []any{"/", "/"}), at + `paths[1]: Duplicate value: "/"`},
		"security path without a slash":       {set(at+"paths.0", "v1"), path},
		"security path to another host":       {set(at+"paths.0", "//evil.example"), path},
		"security path with a query":          {set(at+"paths.0", "/v1?token=1"), path},
		"security path of two lines":          {set(at+"paths.0", "/v1\r\nX: y"), path},
		"security path with a space":          {set(at+"paths.0", "/v1 HTTP/1.1"), path},
		"security path of 257 letters":        {set(at+"paths.0", "/"+long(256)), at + `paths[0]: Too long: may not be more than 256 bytes`},
		"security protected without a slash":  {set(at+"protectedPaths.0", "v1"), path},
		"security write path with a query":    {set(at+"writePaths.0", "/v1?a"), path},
		"security of 9 write paths":           {fill(at+"writePaths", 8, numbered), at + `writePaths: Too many: 9: must have at most 8 items`},
		"security public path with a query":   {set(at+"publicPaths.0", "/metrics?a"), path},
		"security browser path empty":         {set(at+"browserPaths.0", ""), at + `browserPaths[0] in body should be at least 1 chars long`},
		"security origin with a path":         {set(at+"allowedOrigins.0", "https://app.example/"), origin},
		"security origin without a scheme":    {set(at+"allowedOrigins.0", "app.example"), origin},
		"security origin in capitals":         {set(at+"allowedOrigins.0", "https://App.example"), origin},
		"security origin of a pattern":        {set(at+"allowedOrigins.0", "https://*.example"), origin},
		"security origin null":                {set(at+"allowedOrigins.0", "null"), origin},
		"security origin twice":               {set(at+"allowedOrigins", []any{"*", "*"}), at + `allowedOrigins[1]: Duplicate value: "*"`},
		"security users without a Secret":     {drop(at + "users.secretName"), at + `users.secretName: Required value`},
		"security users of another namespace": {set(at+"users.secretNamespace", "kube-system"), `unknown field "spec.checks.security.users.secretNamespace"`},
		"security user's path with a query":   {set(at+"users.ownedPath", "/v1?a"), path},
		"security admin path without a slash": {set(at+"users.adminPath", "admin"), path},
		"security login path, no slash":       {set(at+"users.loginPath", "login"), path},
		"security TLS without a port":         {drop(at + "tls.port"), at + `tls.port: Required value`},
		"security TLS without a name":         {drop(at + "tls.serverName"), at + `tls.serverName: Required value`},
		"security TLS that is not verified":   {set(at+"tls.insecure", true), `unknown field "spec.checks.security.tls.insecure"`},
		"security TLS for 366 days":           {set(at+"tls.minDays", int64(366)), at + `tls.minDays in body should be less than or equal to 365`},
		"security check 0":                    {set(at+"disable.0", int64(0)), at + `disable[0] in body should be greater than or equal to 1`},
		"security check by name":              {set(at+"disable.0", "hsts"), at + `disable[0] in body must be of type integer: "string"`},
		"security check twice":                {set(at+"disable", []any{int64(1), int64(1)}), at + `disable[1]: Duplicate value: 1`},
		"security compared with nothing":      {set(at+"compare", "Stable"), at + `compare: Unsupported value: "Stable": supported values: "NoWorseThanStable", "Absolute"`},
		"security budget 0":                   {set(at+"requestBudget", int64(0)), at + `requestBudget in body should be greater than or equal to 1`},
		"security budget 10001":               {set(at+"requestBudget", int64(10001)), at + `requestBudget in body should be less than or equal to 10000`},
		"security rate 0":                     {set(at+"ratePerSecond", int64(0)), at + `ratePerSecond in body should be greater than or equal to 1`},
		"security rate 201":                   {set(at+"ratePerSecond", int64(201)), at + `ratePerSecond in body should be less than or equal to 200`},
		"security timeout 9":                  {set(at+"timeoutSeconds", int64(9)), at + `timeoutSeconds in body should be greater than or equal to 10`},
		"security timeout over an hour":       {set(at+"timeoutSeconds", int64(3601)), at + `timeoutSeconds in body should be less than or equal to 3600`},
		"security of another host":            {set(at+"target", "https://elsewhere.example"), `unknown field "spec.checks.security.target"`},
	})
}

// What is left out of the security checks has a default.
func TestSecurityDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, everything)
	at := strings.Split("spec.checks.security", ".")
	if err := unstructured.SetNestedField(u.Object, fields(t, `{paths: [/], tls: {port: grpc, serverName: app.example}}`), at...); err != nil {
		t.Fatal(err)
	}
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	got, _, err := unstructured.NestedMap(u.Object, at...)
	if err != nil {
		t.Fatal(err)
	}
	want := fields(t, `{paths: [/], tls: {port: grpc, serverName: app.example, minDays: 14}, compare: NoWorseThanStable, requestBudget: 2000, ratePerSecond: 20, timeoutSeconds: 300}`)
	if diff := cmp.Diff(want, any(got)); diff != "" {
		t.Errorf("security (-want +got):\n%s", diff)
	}
}

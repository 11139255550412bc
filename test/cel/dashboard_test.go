package cel_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// dashboard is a dashboard with one part changed; nil leaves a part out.
func dashboard(part string, value any) change {
	d := m{"delivery": "API", "api": m{"url": "https://grafana.monitoring:3000/grafana", "tokenSecret": m{"name": "grafana", "key": "token"}}}
	d[part] = value
	if value == nil {
		delete(d, part)
	}
	return set("spec.dashboard", d)
}

func grafanaAt(url string) change {
	return dashboard("api", m{"url": url, "tokenSecret": m{"name": "grafana"}})
}

func TestDashboardDefaults(t *testing.T) {
	t.Parallel()
	u := object(t, minimal)
	set("spec.dashboard", m{})(u.Object)
	if err := apiserver.Create(t.Context(), u, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	want := m{"delivery": "ConfigMap", "folderAnnotation": "grafana_folder", "slowSeconds": int64(60)}
	if diff := cmp.Diff(any(want), u.Object["spec"].(m)["dashboard"]); diff != "" {
		t.Errorf("dashboard (-want +got):\n%s", diff)
	}
}

func TestAcceptedDashboard(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]change{
		"for the sidecar":            set("spec.dashboard", m{}),
		"for the sidecar, and asked": dashboard("delivery", "ConfigMap"),
		"for the grafana-operator":   set("spec.dashboard", m{"delivery": "GrafanaDashboard"}),
		"for one Grafana of several": set("spec.dashboard", m{"delivery": "GrafanaDashboard", "instanceLabels": m{"grafana.example/team": "a", "empty": ""}}),
		"by the API":                 dashboard("folder", "Signals (prod)"),
		"over http":                  grafanaAt("http://grafana.monitoring"),
		"a folder of 189 characters": dashboard("folder", long(189)),
		"16 labels":                  dashboard("labels", texts(16)),
		"slow after a second":        dashboard("slowSeconds", int64(1)),
		"slow after half an hour":    dashboard("slowSeconds", int64(1800)),
		"another annotation":         dashboard("folderAnnotation", "k8s-sidecar-target-directory"),
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

func TestRefusedDashboard(t *testing.T) {
	t.Parallel()
	refused(t, map[string]refusal{
		"a delivery of its own":        {dashboard("delivery", "Mail"), `supported values: "ConfigMap", "GrafanaDashboard", "API"`},
		"the API without an address":   {dashboard("api", nil), `delivery API needs api: the address of Grafana and the Secret with its token`},
		"an API that nobody asks":      {dashboard("delivery", "GrafanaDashboard"), `api is not used with delivery GrafanaDashboard`},
		"instances of nobody":          {dashboard("instanceLabels", m{"a": "b"}), `instanceLabels belong to delivery GrafanaDashboard`},
		"no instance labels":           {set("spec.dashboard", m{"delivery": "GrafanaDashboard", "instanceLabels": m{}}), `should have at least 1 properties`},
		"an instance label of spaces":  {set("spec.dashboard", m{"delivery": "GrafanaDashboard", "instanceLabels": m{"a b": "c"}}), `must be keys and values that labels can have`},
		"a folder in a folder":         {dashboard("folder", "a/b"), `must be the title of one folder, without '/' and '..'`},
		"a folder above":               {dashboard("folder", ".."), `must be the title of one folder, without '/' and '..'`},
		"a folder of 190 characters":   {dashboard("folder", long(190)), `may not be more than 189 bytes`},
		"an empty folder":              {dashboard("folder", ""), `should be at least 1 chars long`},
		"17 labels":                    {dashboard("labels", texts(17)), `must have at most 16 items`},
		"a label that is none":         {dashboard("labels", m{"a b": "c"}), `must be keys and values that labels can have`},
		"a label's value that is none": {dashboard("labels", m{"a": "-"}), `must be keys and values that labels can have`},
		"a label of the operator's":    {dashboard("labels", m{"delivery.signal.dev/name": "other"}), `must not set labels of delivery.signal.dev or app.kubernetes.io`},
		"an annotation that is none":   {dashboard("folderAnnotation", "a b"), `must be the key of an annotation, such as grafana_folder`},
		"slow at once":                 {dashboard("slowSeconds", int64(0)), `should be greater than or equal to 1`},
		"slow after an hour":           {dashboard("slowSeconds", int64(3600)), `should be less than or equal to 1800`},
		"no address":                   {dashboard("api", m{"tokenSecret": m{"name": "grafana"}}), `url: Required value`},
		"no token":                     {dashboard("api", m{"url": "http://grafana"}), `tokenSecret: Required value`},
		"a Secret without name":        {dashboard("api", m{"url": "http://grafana", "tokenSecret": m{"key": "a"}}), `name: Required value`},
		"a host alone":                 {grafanaAt("grafana:3000"), `must be an http or https URL without user, query and fragment`},
		"another scheme":               {grafanaAt("ftp://grafana"), `must be an http or https URL`},
		"a user":                       {grafanaAt("http://admin:admin@grafana"), `must be an http or https URL without user`},
		"a query":                      {grafanaAt("http://grafana?orgId=1"), `must be an http or https URL without user`},
	})
}

package dashboard

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	schema "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert/library"
	"github.com/signal-delivery/operator/internal/slo"
	"github.com/signal-delivery/operator/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden file")

func TestTheDashboardIsTheGoldenOne(t *testing.T) {
	golden := filepath.Join("testdata", "app.json")
	got := Build(testkit.SignalDeployment()).JSON
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go test ./internal/dashboard -update if this is meant (-want +got):\n%s", diff)
	}
}

func TestEqualOnesHaveEqualBytes(t *testing.T) {
	first := Build(testkit.SignalDeployment())
	for range 20 {
		if again := Build(testkit.SignalDeployment()); !bytes.Equal(first.JSON, again.JSON) || first.UID != again.UID || first.Content != again.Content {
			t.Fatal("twice is not once")
		}
	}
}

// What a link and a Grafana that two clusters share tell dashboards apart by.
func TestTheUIDIsOfOneService(t *testing.T) {
	long := strings.Repeat("x", 63)
	of := func(change func(*v1alpha1.SignalDeployment)) Dashboard {
		return Build(testkit.SignalDeployment(change))
	}
	same, first := of(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Artifact.Image, sd.UID = "other", "other" }), Build(testkit.SignalDeployment())
	if same.UID != first.UID || same.Content != first.Content {
		t.Errorf("another image, or the same name anew, is another dashboard: %s, %s", same.UID, first.UID)
	}
	seen := map[string]string{first.UID: "prod/app"}
	for name, change := range map[string]func(*v1alpha1.SignalDeployment){
		"another name":        func(sd *v1alpha1.SignalDeployment) { sd.Name = "app2" },
		"another namespace":   func(sd *v1alpha1.SignalDeployment) { sd.Namespace = "test" },
		"another environment": func(sd *v1alpha1.SignalDeployment) { sd.Spec.Environment = "eu-1" },
		"everything long": func(sd *v1alpha1.SignalDeployment) {
			sd.Name, sd.Namespace, sd.Spec.Environment = long[:40], long, long
		},
	} {
		d := of(change)
		if was, taken := seen[d.UID]; taken {
			t.Errorf("%s has the uid of %s", name, was)
		}
		seen[d.UID] = name
		if len(d.UID) > 40 || !regexp.MustCompile(`^[a-zA-Z0-9_-]+$`).MatchString(d.UID) {
			t.Errorf("%s: Grafana does not take uid %q", name, d.UID)
		}
		if d.Content == first.Content {
			t.Errorf("%s has the same content", name)
		}
		check(t, d)
	}
}

// A dashboard says what is in it, so that whoever reads it back can tell.
func TestTheDashboardCarriesItsContent(t *testing.T) {
	d := Build(testkit.SignalDeployment())
	var got struct {
		UID, Title, Description string
		Tags                    []string
	}
	if err := json.Unmarshal(d.JSON, &got); err != nil {
		t.Fatal(err)
	}
	if got.UID != d.UID || got.Title != d.Title || !strings.HasSuffix(got.Description, "Content "+d.Content+".") || !slices.Contains(got.Tags, Tag) {
		t.Errorf("%+v, want %s, %s, %s", got, d.UID, d.Title, d.Content)
	}
}

func TestTheDashboardIsOneThatGrafanaTakes(t *testing.T) {
	check(t, Build(testkit.SignalDeployment()))
}

// check holds a dashboard against what Grafana asks of one.
func check(t *testing.T, d Dashboard) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(d.JSON))
	decoder.DisallowUnknownFields()
	var m model
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(m), d.JSON) {
		t.Error("what is read is not what was written")
	}
	if complaint := schemaSays(d.JSON); complaint != "" {
		t.Errorf("not by Grafana's own schema: %s", complaint)
	}
	if bytes.Contains(d.JSON, []byte("@")) {
		t.Error("something was not filled in")
	}
	if len(d.JSON) > 512<<10 {
		t.Errorf("%d bytes are too many for a ConfigMap", len(d.JSON))
	}
	ids, taken := map[int]bool{}, map[[2]int]int{}
	for _, p := range m.Panels {
		if p.ID < 1 || ids[p.ID] {
			t.Errorf("panel %q has number %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X < 0 || at.Y < 0 || at.X+at.W > 24 {
			t.Errorf("panel %q lies outside: %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, there := taken[[2]int{x, y}]; there {
					t.Fatalf("panels %d and %d overlap", other, p.ID)
				}
				taken[[2]int{x, y}] = p.ID
			}
		}
		checkPanel(t, p)
	}
	for _, a := range m.Annotations.List {
		if a.Datasource != prometheus || a.Name == "" {
			t.Errorf("annotation %+v", a)
		}
		checkQuery(t, a.Expr)
	}
	if m.SchemaVersion < 36 || len(m.Templating.List) != 2 || m.Templating.List[0].Type != "datasource" || m.Templating.List[0].Name != "datasource" {
		t.Errorf("schema %d, variables %+v", m.SchemaVersion, m.Templating.List)
	}
}

// schemaSays is what Grafana's schema, of its foundation SDK, has against a
// dashboard: fields that it does not know, or misses.
func schemaSays(text []byte) string {
	plugins.RegisterDefaultPlugins()
	var theirs schema.Dashboard //nolint:staticcheck // the v1 schema is what a ConfigMap, an object and the API take
	return strings.TrimSpace(fmt.Sprint(complaint(theirs.UnmarshalJSONStrict(text)), complaint(theirs.Validate())))
}

// complaint is an error's text; the SDK's may be there and empty.
func complaint(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTheSchemaKnowsBetter(t *testing.T) {
	good := string(Build(testkit.SignalDeployment()).JSON)
	for name, bad := range map[string]string{
		"a field misspelt":      strings.Replace(good, `"legendFormat"`, `"legendfromat"`, 1),
		"an option misspelt":    strings.Replace(good, `"mergeValues"`, `"mergevalue"`, 1),
		"a title that is none":  strings.Replace(good, `"title": "Requests"`, `"title": 7`, 1),
		"a graph without place": strings.Replace(good, `"gridPos"`, `"gridpos"`, 1),
	} {
		if bad == good || schemaSays([]byte(bad)) == "" {
			t.Errorf("%s is not noticed", name)
		}
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	kinds := []string{"row", "timeseries", "state-timeline", "stat"}
	if !slices.Contains(kinds, p.Type) || p.Title == "" {
		t.Errorf("panel %d is a %q named %q", p.ID, p.Type, p.Title)
	}
	if p.Type == "row" {
		if p.GridPos.W != 24 || p.GridPos.X != 0 || len(p.Targets) != 0 {
			t.Errorf("row %+v", p)
		}
		return
	}
	if len(p.Targets) == 0 || p.Datasource == nil || *p.Datasource != prometheus || p.Description == "" {
		t.Errorf("panel %q asks nothing, or does not say what", p.Title)
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if refs[target.RefID] || target.Datasource != prometheus || target.Range == target.Instant || target.LegendFormat == "" {
			t.Errorf("panel %q: target %+v", p.Title, target)
		}
		refs[target.RefID] = true
		checkQuery(t, target.Expr)
	}
}

// grafana fills in what a dashboard leaves open.
var grafana = strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$release", "[0-9a-f]{10}")

func checkQuery(t *testing.T, query string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(grafana.Replace(query))
	if err != nil {
		t.Errorf("%v: %s", err, query)
		return
	}
	if strings.Contains(strings.ReplaceAll(grafana.Replace(query), `"$1"`, ""), "$") { // that is label_replace's own
		t.Errorf("a variable that Grafana does not know: %s", query)
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, is := node.(*parser.VectorSelector); is && !known(t)[s.Name] {
			t.Errorf("nobody has a metric %q: %s", s.Name, query)
		}
		return nil
	})
}

var metrics map[string]bool

// known are the metrics of the alert library, the objectives' rules, the
// operator and the sample service.
func known(t *testing.T) map[string]bool {
	t.Helper()
	if metrics != nil {
		return metrics
	}
	metrics = map[string]bool{slo.SeriesBurnRate: true, slo.SeriesRemaining: true}
	groups, err := library.Build(testkit.SignalDeployment(), v1alpha1.AlertLibrary{Mode: v1alpha1.LibraryEnabled}, library.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range groups[0].Rules {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr.String())
		if err != nil {
			t.Fatal(err)
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if s, is := node.(*parser.VectorSelector); is {
				metrics[s.Name] = true
			}
			return nil
		})
	}
	for file, name := range map[string]*regexp.Regexp{
		"../../controllers/signaldeployment_metrics.go": regexp.MustCompile(`Name: "(signal_[a-z_]+)"`),
		"../../test/signalservice/web/metric.go":        regexp.MustCompile(`Name: "([a-z_]+)"`),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := name.FindAllStringSubmatch(string(text), -1)
		if len(found) < 3 {
			t.Fatalf("%s: only %d metrics", file, len(found))
		}
		for _, match := range found {
			metrics[match[1]] = true
		}
	}
	return metrics
}

// What the issue asks a dashboard to show.
func TestWhatIsShown(t *testing.T) {
	var all strings.Builder
	for _, r := range (queries{"prod", "app"}).rows() {
		for _, p := range r.panels {
			for _, a := range p.asks {
				all.WriteString(a.expr + "\n")
			}
		}
	}
	for _, metric := range []string{
		"signal_rollout_weight", "signal_rollout_phase", "signal_rollouts_total", "signal_verdicts_total", slo.SeriesBurnRate, slo.SeriesRemaining,
		"http_requests_total", `code=~"5.."`, "histogram_quantile(0.5,", "histogram_quantile(0.95,", "histogram_quantile(0.99,",
		"process_cpu_seconds_total", "process_resident_memory_bytes", "kube_pod_container_resource_limits", "kube_pod_container_status_restarts_total",
		"go_sql_in_use_connections", "redis_pool_timeout_total", "circuit_breaker_state", "db_client_connection_count", "db_client_connection_timeouts_total",
	} {
		if !strings.Contains(all.String(), metric) {
			t.Errorf("nothing shows %s", metric)
		}
	}
}

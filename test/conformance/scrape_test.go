package conformance_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/release"
)

const beat = 250 * time.Millisecond // between two scrapes

var app = types.NamespacedName{Namespace: "prod", Name: "app"}

// scraping is the same processes, scraped by a real Prometheus and by the
// built-in source, each in its own time.
type scraping struct {
	*testing.T
	server *prometheusServer
	source *builtin.Builtin
	pods   []*exposer
	file   string // by which Prometheus finds them
}

func scrape(t *testing.T, pods ...*exposer) *scraping {
	t.Helper()
	s := &scraping{T: t, pods: pods, file: filepath.Join(t.TempDir(), "targets.yml"), source: builtin.New(builtin.Options{})}
	s.aim(pods...)
	job := func(name, options string) string {
		return fmt.Sprintf("- {job_name: %s, scrape_native_histograms: true, %s, file_sd_configs: [{files: [%q]}]}\n", name, options, s.file)
	}
	var err error
	s.server, err = startPrometheus(t.Context(), fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s}\nscrape_configs:\n", beat, beat)+
		job("parity", "always_scrape_classic_histograms: true")+
		job("defaults", `relabel_configs: [{target_label: job, replacement: defaults}]`))
	if err != nil {
		t.Fatal(err)
	}
	log.SetLogger(logr.Discard()) // scrapes that are meant to fail would be told
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.source.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.server.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// aim has these scraped by both, and no others.
func (s *scraping) aim(pods ...*exposer) {
	s.Helper()
	var text strings.Builder
	subject := builtin.Subject{
		Key: app, Candidate: "r2", Stable: "r1", Since: time.Now(), Interval: beat,
		Scrape: v1alpha1.ScrapeSpec{Port: new(intstr.FromString("metrics"))},
	}
	for _, e := range pods {
		fmt.Fprintf(&text, "- {targets: [%q], labels: {", e.server.Listener.Addr())
		for name, value := range map[string]string{
			"namespace": app.Namespace, "pod": e.name, "job": app.String(), "service": release.StableName(app.Name), "container": "signal",
			"delivery_signal_dev_name": app.Name, "release": e.release, "delivery_signal_dev_release": e.release, "track": e.track,
		} {
			fmt.Fprintf(&text, "%s: %q, ", name, value)
		}
		text.WriteString("}}\n")
		subject.Pods = append(subject.Pods, e.pod())
	}
	whole := s.file + ".new"
	if err := os.WriteFile(whole, []byte(text.String()), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(whole, s.file); err != nil {
		s.Fatal(err)
	}
	s.source.Watch(subject)
}

// pod is one of the operator's.
func (e *exposer) pod() corev1.Pod {
	host, _, _ := strings.Cut(e.server.Listener.Addr().String(), ":")
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: app.Namespace, Name: e.name, UID: types.UID(e.name),
			Labels:          map[string]string{v1alpha1.LabelName: app.Name, v1alpha1.LabelRelease: e.release, appsv1.DefaultDeploymentUniqueLabelKey: "t1"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: release.DeploymentName(app.Name, e.release) + "-t1", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "signal", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: int32(e.port())}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: host},
	}
}

// ours and theirs are what the two answer.
func (s *scraping) ours(query string, at time.Time) answer {
	s.Helper()
	v, err := s.source.Ask(s.Context(), app, query, at)
	if err != nil {
		s.Fatalf("%s: %s", query, err)
	}
	return question{query: query}.answer(withoutTime(spelled(v), at))
}

func (s *scraping) theirs(query string, at time.Time) answer {
	s.Helper()
	lines, wrong, err := question{query: query, from: at}.of(s.Context(), s.server)
	if err != nil || wrong != "" {
		s.Fatalf("%s: %s %v", query, wrong, err)
	}
	return question{query: query}.answer(withoutTime(lines, at))
}

// withoutTime is the lines without the time at which all were asked for.
func withoutTime(lines []string, at time.Time) []string {
	for i, line := range lines {
		lines[i] = strings.Replace(line, point(at.UnixMilli(), ""), " ", 1)
	}
	return lines
}

// await waits until both have answered so for three beats; nothing else is
// waited for, so that both have scraped what is exposed.
func (s *scraping) await(query string, want ...string) {
	s.Helper()
	held := 0
	var ours, theirs answer
	for deadline := time.Now().Add(30 * time.Second); held < 3; time.Sleep(beat) {
		if time.Now().After(deadline) {
			s.Fatalf("%s is not %q, but\n%q for the source and\n%q for prometheus", query, want, ours, theirs)
		}
		now := time.UnixMilli(time.Now().UnixMilli())
		ours, theirs = s.ours(query, now), s.theirs(strings.ReplaceAll(query, "{}", parity), now)
		held++
		if !cmp.Equal(answer(want), ours) || !cmp.Equal(answer(want), theirs) {
			held = 0
		}
	}
}

// parity is the selector of what Prometheus scrapes with the options that make
// it keep what the source keeps.
const parity = `{job!="defaults"}`

// Values that stand still are the same for both, whatever the format; and so
// is what has come and gone, as far as it does not depend on when it was
// scraped.
func TestScrapes(t *testing.T) {
	metrics := func(phase, n int) string {
		return fmt.Sprintf("# TYPE phase gauge\nphase %d\n# TYPE requests_total counter\nrequests_total{code=\"200\"} %d\n# TYPE odd gauge\nodd{v=\"nan\"} NaN\nodd{v=\"inf\"} +Inf\nodd{v=\"a\\\"b\\\\c\"} -1e-9\nuntyped 5\n", phase, n)
	}
	open := func(phase, n int) string {
		return fmt.Sprintf("# TYPE phase gauge\nphase %d\n# TYPE requests counter\nrequests_total{code=\"200\"} %d # {trace_id=\"x\"} 1\nrequests_created{code=\"200\"} 1893499200\n# TYPE seconds histogram\nseconds_bucket{le=\"0.1\"} %d\nseconds_bucket{le=\"+Inf\"} %d\nseconds_sum 4\nseconds_count %d\n# EOF\n", phase, n, n/2, n, n)
	}
	brief := func(r *prometheus.Registry) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "brief"})
		g.Set(1)
		r.MustRegister(g)
	}
	both := expose(t, "both", "stable", "r1", negotiated(1, 50, brief))
	text := expose(t, "text", "stable", "r1", fixed(textFormat, true, "%s", metrics(1, 70)))
	om := expose(t, "open", "candidate", "r2", fixed(openMetrics, false, "%s", open(1, 80)))
	lost := expose(t, "lost", "candidate", "r2", negotiated(1, 20))
	broken := expose(t, "broken", "candidate", "r2", fixed(textFormat, false, "%s", metrics(1, 9)))
	left := expose(t, "left", "candidate", "r2", negotiated(1, 10))
	s := scrape(t, both, text, om, lost, broken, left)
	s.await("count(phase{} == 1)", "{} 6")

	both.set(negotiated(2, 30)) // it has started anew, and counts from zero
	text.set(fixed(textFormat, false, "%s", metrics(2, 90)))
	om.set(fixed(openMetrics, true, "%s", open(2, 100)))
	lost.server.CloseClientConnections()
	lost.server.Close()
	broken.set(fixed(textFormat, false, "%s", "half a li"))
	left.set(negotiated(2, 11))
	s.await("count(phase{} == 2)", "{} 4")
	s.await("count(up{} == 0)", "{} 2")
	s.aim(both, text, om, lost, broken)
	s.await("count(up{})", "{} 5")

	now := time.UnixMilli(time.Now().UnixMilli())
	total := 0
	for _, query := range scrapedQueries {
		want := s.theirs(strings.ReplaceAll(query, "{}", parity), now)
		got := s.ours(strings.ReplaceAll(query, "{}", parity), now)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-prometheus +source):\n%s", query, diff)
		}
		if len(want) == 0 && !strings.HasPrefix(query, "brief") {
			t.Errorf("%s shows nothing", query)
		}
		total += len(want)
	}
	if total < 200 {
		t.Errorf("%d series are compared", total)
	}
}

// scrapedQueries do not depend on when the two scrape.
var scrapedQueries = []string{
	`{__name__=~".+",__name__!="scrape_duration_seconds",job!="defaults"}`, // all that is current: labels, values, buckets
	"up{}", "brief{}", "last_over_time(brief{}[5m])", "min_over_time(up{}[5m])", "max_over_time(up{}[5m])",
	"scrape_samples_scraped{}", "scrape_samples_post_metric_relabeling{}", "scrape_series_added{}",
	"last_over_time(phase{}[5m])", "last_over_time(requests_total{}[5m])", "changes(phase{}[5m])",
	"resets(requests_total{}[5m])", "resets(seconds_count{}[5m])", "resets(seconds_bucket{}[5m])", "resets(seconds{}[5m])",
	"max_over_time(requests_total{}[5m])", "min_over_time(requests_total{}[5m])", "present_over_time(seconds_bucket{}[5m])",
	"last_over_time(seconds{}[5m])", "histogram_quantile(0.9, seconds{})", "histogram_quantile(0.9, seconds_bucket{})",
	"histogram_quantile(0.9, sum by (le, track) (seconds_bucket{}))", "histogram_count(seconds{})", "histogram_sum(seconds{})", "histogram_avg(seconds{})",
	"histogram_fraction(0, 0.1, sum(seconds{}))", "sum by (track, release) (requests_total{})", "sum without (pod, instance) (requests_total{})",
	`absent(up{pod="left",job!="defaults"})`, `absent(phase{pod="lost",job!="defaults"})`, `absent(phase{pod="broken",job!="defaults"})`,
	`count by (pod) ({__name__=~".+",job!="defaults"})`, `count by (__name__) ({__name__=~".+",job!="defaults"})`, `size_bytes{quantile="0.5",job!="defaults"}`,
	`requests_total{exported_pod="not its own",job!="defaults"}`, `group by (exported_pod) (requests_total{})`, `odd{v="a\"b\\c",job!="defaults"}`, "odd{} != odd{}", "topk(2, requests_total{})",
}

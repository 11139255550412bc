package builtin

import (
	"bytes"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/model/value"
)

const (
	plain       = "text/plain; version=0.0.4; charset=utf-8"
	openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	protobuf    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

func readerOf(limits Limits) *reader {
	return newReader(subjectWith(pod("a", "new", "10.0.0.1")).members()[0].target.labels(), limits.orDefault())
}

// shown is what an exposition came to.
func shown(b *batch, failed *failure) string {
	if failed != nil {
		return failed.reason + ": " + failed.words
	}
	return strings.Join(lines(b.samples), "\n")
}

// registry has a metric of each kind.
func registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "c"}, []string{"code"})
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "temperature", Help: "g"})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "seconds", Help: "h", Buckets: []float64{1, 2.5}, NativeHistogramBucketFactor: 2})
	s := prometheus.NewSummary(prometheus.SummaryOpts{Name: "bytes", Help: "s", Objectives: map[float64]float64{0.5: 0.1}})
	r.MustRegister(c, g, h, s)
	c.WithLabelValues("200").Add(7)
	g.Set(-1.5)
	h.Observe(2)
	s.Observe(4)
	return r
}

func exposedTo(accepted string) (body []byte, contentType string) {
	return exposed(registry(), accepted)
}

// exposed is what the registry answers to a scraper that accepts this much.
func exposed(r *prometheus.Registry, accepted string) (body []byte, contentType string) {
	request := &http.Request{Header: http.Header{"Accept": {accepted}}}
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(answer, request)
	return answer.Body.Bytes(), answer.Header().Get("Content-Type")
}

const all = `{__name__="bytes", container="signal", quantile="0.5"} 4
{__name__="bytes_count", container="signal"} 1
{__name__="bytes_sum", container="signal"} 4
{__name__="http_requests_total", code="200", container="signal"} 7
{__name__="seconds_bucket", container="signal", le="+Inf"} 1
{__name__="seconds_bucket", container="signal", le="1.0"} 0
{__name__="seconds_bucket", container="signal", le="2.5"} 1
{__name__="seconds_count", container="signal"} 1
{__name__="seconds_sum", container="signal"} 2
{__name__="temperature", container="signal"} -1.5`

func TestFormats(t *testing.T) {
	for name, tc := range map[string]struct{ accepted, want string }{
		"text":        {"text/plain;version=0.0.4", all},
		"OpenMetrics": {"application/openmetrics-text;version=1.0.0", all},
		"protobuf, with the native histogram beside the classic one": {accept, strings.Replace(all, "\n{__name__=\"seconds_bucket\", container=\"signal\", le=\"+Inf\"}",
			"\n{__name__=\"seconds\", container=\"signal\"} {count:1, sum:2, (1,2]:1}\n{__name__=\"seconds_bucket\", container=\"signal\", le=\"+Inf\"}", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			body, contentType := exposedTo(tc.accepted)
			if diff := cmp.Diff(tc.want, shown(readerOf(Limits{}).parse(body, contentType))); diff != "" {
				t.Errorf("%s: %s", contentType, diff)
			}
		})
	}
}

func TestExpositions(t *testing.T) {
	const consistent = "malformed: answers with what is not in the exposition format that its Content-Type says"
	const noType = "content_type: answers with a Content-Type that is no exposition format, such as text/plain; version=0.0.4"
	const noName = "malformed: answers with a series without a valid name, or with labels that are not"
	for name, tc := range map[string]struct {
		contentType, body, want string
		limits                  Limits
	}{
		"nothing":                           {plain, "", "", Limits{}},
		"no Content-Type":                   {"", "a 1\n", noType, Limits{}},
		"a page":                            {"text/html", "<html>", noType, Limits{}},
		"a Content-Type that is none":       {";;;", "a 1\n", noType, Limits{}},
		"a page that says it is text":       {plain, "<html>\n", consistent, Limits{}},
		"no end":                            {openMetrics, "a 1\n", consistent, Limits{}},
		"half a line":                       {plain, "a 1\nb", consistent, Limits{}},
		"protobuf that is none":             {protobuf, "\x05abcde", consistent, Limits{}},
		"protobuf that ends too early":      {protobuf, "\xff\x01abc", consistent, Limits{}},
		"a label twice":                     {plain, "a{x=\"1\",x=\"2\"} 1\n", noName, Limits{}},
		"a series twice":                    {plain, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n", `{__name__="a", container="signal", x="1", y="2"} 1`, Limits{}},
		"a name in UTF-8":                   {plain, "{\"a.b\",\"c d\"=\"é\"} 1\n", `{__name__="a.b", "c d"="é", container="signal"} 1`, Limits{}},
		"what only the scraper says":        {plain, "up 1\nscrape_duration_seconds 9\nscrape_samples_scraped 9\nscrape_samples_post_metric_relabeling 9\nscrape_series_added 9\na 1\n", `{__name__="a", container="signal"} 1`, Limits{}},
		"as many samples as may be":         {plain, "a 1\nb 2\n", "{__name__=\"a\", container=\"signal\"} 1\n{__name__=\"b\", container=\"signal\"} 2", Limits{Samples: 2}},
		"more samples":                      {plain, "a 1\nb 2\nc 3\n", "sample_limit: answers with more than 2 samples", Limits{Samples: 2}},
		"as many labels as may be":          {plain, "a{x=\"1\"} 1\n", `{__name__="a", container="signal", x="1"} 1`, Limits{Labels: 12}},
		"more labels":                       {plain, "a{x=\"1\",y=\"1\"} 1\n", "label_limit: answers with a series of more than 12 labels", Limits{Labels: 12}},
		"as long a label as may be":         {plain, "a{x=\"" + strings.Repeat("v", 30) + "\"} 1\n", `{__name__="a", container="signal", x="` + strings.Repeat("v", 30) + `"} 1`, Limits{Label: 30}},
		"a longer value":                    {plain, "a{x=\"" + strings.Repeat("v", 31) + "\"} 1\n", "label_limit: answers with a label of more than 30 bytes", Limits{Label: 30}},
		"a longer name":                     {plain, "a{" + strings.Repeat("v", 31) + "=\"1\"} 1\n", "label_limit: answers with a label of more than 30 bytes", Limits{Label: 30}},
		"a time of its own":                 {plain, "a 1 1000\n", "", Limits{}},
		"labels of ours":                    {plain, "a{track=\"x\",pod=\"y\",exported_pod=\"z\"} 1\n", `{__name__="a", container="signal", exported_exported_pod="y", exported_pod="z", exported_track="x"} 1`, Limits{}},
		"labels of ours that are prefixed ": {plain, "a{exported_track=\"x\"} 1\n", `{__name__="a", container="signal", exported_track="x"} 1`, Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, shown(readerOf(tc.limits).parse([]byte(tc.body), tc.contentType))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBucketsOfANativeHistogram(t *testing.T) {
	r := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "seconds", Help: "h", NativeHistogramBucketFactor: 2})
	r.MustRegister(h)
	for i := range 4 {
		h.Observe(float64(int(1) << i))
		h.Observe(-float64(int(1) << i))
	}
	body, contentType := exposed(r, accept)
	if got := shown(readerOf(Limits{Buckets: 7}).parse(body, contentType)); got != "bucket_limit: answers with a native histogram of more than 7 buckets" {
		t.Error(got)
	}
	if b, failed := readerOf(Limits{Buckets: 8}).parse(body, contentType); failed != nil || len(b.samples) != 1 {
		t.Errorf("%v %v", b, failed)
	}
}

// A target cannot end its own series, nor those of others.
func TestAStaleMarkerIsOnlyOurs(t *testing.T) {
	marker := []byte{0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f}
	body, contentType := exposedTo(accept)
	body = bytes.ReplaceAll(body, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, marker) // -1.5
	body = bytes.ReplaceAll(body, []byte{0, 0, 0, 0, 0, 0, 0, 0x40}, marker)    // 2, the histogram's sum
	b, failed := readerOf(Limits{}).parse(body, contentType)
	if failed != nil {
		t.Fatal(failed)
	}
	numbers := 0
	for _, s := range b.samples {
		if value.IsStaleNaN(s.Value) || s.Histogram != nil && value.IsStaleNaN(s.Histogram.Sum) {
			t.Errorf("%s is stale", s.Labels)
		}
		if math.IsNaN(s.Value) || s.Histogram != nil && math.IsNaN(s.Histogram.Sum) {
			numbers++
		}
	}
	if numbers != 3 { // the gauge, the native and the classic sum
		t.Errorf("%d values are not a number, want 3: the markers are not where this test puts them", numbers)
	}
}

func TestTimesOfTheirOwn(t *testing.T) {
	r := readerOf(Limits{})
	b, failed := r.parse([]byte("a 1 1000\na 2 2000\nb 3 1000\nc 4\n"), plain)
	if failed != nil {
		t.Fatal(failed)
	}
	got := map[int64][]string{0: lines(b.samples), 1000: lines(b.timed[1000]), 2000: lines(b.timed[2000])}
	want := map[int64][]string{
		0: {`{__name__="c", container="signal"} 4`}, 2000: {`{__name__="a", container="signal"} 2`},
		1000: {`{__name__="a", container="signal"} 1`, `{__name__="b", container="signal"} 3`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.settle(b)
	if b, _ = r.parse(nil, plain); len(r.gone(b)) != 1 {
		t.Error("only what has the time of the scrape becomes stale when it is no longer exposed")
	}
}

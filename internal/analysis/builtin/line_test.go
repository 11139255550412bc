package builtin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

// What is new began at zero, if it only ever rises.
func TestWhatBeganAtZero(t *testing.T) {
	const typed = `# TYPE c counter
c 1
# TYPE d_total counter
d_total 1
d_created 1
# TYPE h histogram
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 1
h_count 1
h_created 1
# TYPE s summary
s{quantile="0.5"} 1
s_sum 1
s_count 1
# TYPE g gauge
g 1
c_bucket 1
# TYPE x histogram
untyped 1
`
	want := []string{
		`{__name__="c", container="signal"} 0`, `{__name__="d_total", container="signal"} 0`,
		`{__name__="h_bucket", container="signal", le="+Inf"} 0`, `{__name__="h_bucket", container="signal", le="1.0"} 0`,
		`{__name__="h_count", container="signal"} 0`, `{__name__="h_sum", container="signal"} 0`,
		`{__name__="s_count", container="signal"} 0`, `{__name__="s_sum", container="signal"} 0`,
	}
	r := readerOf(Limits{})
	b, failed := r.parse([]byte(typed), plain)
	if failed != nil {
		t.Fatal(failed)
	}
	if diff := cmp.Diff(want, lines(b.zeros)); diff != "" {
		t.Error(diff)
	}
	r.settle(b)
	if b, _ = r.parse([]byte(typed+"# TYPE c counter\nc{code=\"500\"} 3\n"), plain); !cmp.Equal(lines(b.zeros), []string{`{__name__="c", code="500", container="signal"} 0`}) {
		t.Errorf("only what is new began at zero, not %s", lines(b.zeros))
	}
	body, contentType := exposedTo(accept)
	b, _ = readerOf(Limits{}).parse(body, contentType)
	if got := strings.Join(lines(b.zeros), "\n"); !strings.Contains(got, `{__name__="seconds", container="signal"} {count:0, sum:0}`) {
		t.Errorf("a native histogram began empty, not as %s", got)
	}
}

// What has been exposed before is not new because of what came between.
func TestWhatIsNotNew(t *testing.T) {
	const two = "# TYPE c counter\nc 1\nc{code=\"500\"} 2\n"
	for name, between := range map[string]func(r *reader){
		"a scrape that failed":   func(r *reader) { r.settle(nil) },
		"a body that is broken":  func(r *reader) { _, _ = r.parse([]byte("c 1\n<"), plain); r.settle(nil) },
		"another order":          func(r *reader) { b, _ := r.parse([]byte("c 1\n"), plain); r.settle(b) },
		"so many that some went": func(r *reader) { b, _ := r.parse([]byte(many(9)), plain); r.settle(b) },
	} {
		t.Run(name, func(t *testing.T) {
			r := readerOf(Limits{Samples: 10})
			b, _ := r.parse([]byte(two), plain)
			r.settle(b)
			between(r)
			if b, _ = r.parse([]byte(many(12)), plain); b != nil {
				r.settle(nil)
			}
			b, failed := r.parse([]byte(two), plain)
			if failed != nil || len(b.zeros) > 0 || len(b.samples) != 2 {
				t.Errorf("%v, %s", failed, lines(b.zeros))
			}
		})
	}
}

// many are as many counters, of other names for another number.
func many(n int) string {
	out := &strings.Builder{}
	for i := range n {
		out.WriteString("# TYPE m" + string(rune('a'+n)) + string(rune('a'+i)) + " counter\nm" + string(rune('a'+n)) + string(rune('a'+i)) + " 1\n")
	}
	return out.String()
}

// Series that go are told once, and those that stay are not, in whatever format
// they come.
func TestWhatIsNoLongerExposed(t *testing.T) {
	r := readerOf(Limits{Samples: 20})
	scrape := func(body, contentType string) []string {
		b, failed := r.parse([]byte(body), contentType)
		if failed != nil {
			b = nil
		}
		var gone []string
		for _, l := range r.gone(b) {
			gone = append(gone, l.labels.Get(model.MetricNameLabel))
		}
		r.settle(b)
		return gone
	}
	body, contentType := exposedTo("text/plain")
	binary, binaryType := exposedTo(accept)
	for i, tc := range []struct {
		body, contentType string
		want              []string
	}{
		{"a 1\nb 1\nc 1\n", plain, nil},
		{"a 1\nc 1\n", plain, []string{"b"}},
		{"a 1\nc 1\n", plain, nil},
		{"a 1\nc 1\n# EOF\n", openMetrics, nil},
		{"<", plain, []string{"a", "c"}},
		{"<", plain, nil},
		{"a 1\n", plain, nil},
		{"", plain, []string{"a"}},
		{string(body), contentType, nil},
		{string(binary), binaryType, nil},
		{string(body), contentType, []string{"seconds"}},
		{string(body) + many(10), contentType, nil},
		{string(body) + many(10) + "x 1\n<", contentType, []string{
			"bytes", "bytes_sum", "bytes_count", "http_requests_total", "seconds_bucket", "seconds_bucket", "seconds_bucket", "seconds_sum", "seconds_count", "temperature",
			"mka", "mkb", "mkc", "mkd", "mke", "mkf", "mkg", "mkh", "mki", "mkj",
		}},
		{string(body) + many(10), contentType, nil},
		{string(body) + many(9), contentType, []string{"mka", "mkb", "mkc", "mkd", "mke", "mkf", "mkg", "mkh", "mki", "mkj"}},
		{string(body) + many(8), contentType, []string{"mja", "mjb", "mjc", "mjd", "mje", "mjf", "mjg", "mjh", "mji"}},
		{string(body) + many(7), contentType, []string{"mia", "mib", "mic", "mid", "mie", "mif", "mig", "mih"}},
		{string(body) + many(6), contentType, []string{"mha", "mhb", "mhc", "mhd", "mhe", "mhf", "mhg"}},
	} {
		if diff := cmp.Diff(tc.want, scrape(tc.body, tc.contentType)); diff != "" {
			t.Errorf("scrape %d: %s", i, diff)
		}
		if len(r.byText) > 2*20+20 {
			t.Errorf("scrape %d: %d series are remembered", i, len(r.byText))
		}
	}
	if !r.forgot {
		t.Error("was never asked to forget")
	}
}

func TestCountsOfAScrape(t *testing.T) {
	r := readerOf(Limits{})
	for i, tc := range []struct {
		body string
		want [3]int // scraped, added, fresh
	}{
		{"a 1\nb 1\nup 1\n", [3]int{3, 2, 2}},
		{"a 1\nb 1\nb 2\nc 1\n", [3]int{4, 4, 1}},
		{"a 1\n<", [3]int{1, 1, 0}},
		{"a 1\nc 1\n", [3]int{2, 2, 0}},
		{"a 1\nb 1\n", [3]int{2, 2, 1}},
	} {
		b, failed := r.parse([]byte(tc.body), plain)
		if got := [3]int{b.scraped, b.added, b.fresh}; got != tc.want {
			t.Errorf("scrape %d: got %v, want %v", i, got, tc.want)
		}
		if failed != nil {
			b = nil
		}
		r.settle(b)
	}
}

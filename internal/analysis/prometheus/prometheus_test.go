package prometheus

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// answer is a server that says the same to everyone.
func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// result is a successful answer of Prometheus.
func result(kind, value string) http.HandlerFunc {
	return answer(http.StatusOK, fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s},"warnings":["partial"],"infos":["rate of a gauge"]}`, kind, value))
}

func problem(code int, kind, text string) http.HandlerFunc {
	return answer(code, fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text))
}

// silence holds the request until the client gives up, which a server notices
// only once it has read the request.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// flood writes for as long as it is read.
func flood(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(" ", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// trickle begins an answer and never ends it.
func trickle(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `{"status":`)
	w.(http.Flusher).Flush()
	silence(w, r)
}

func sourceOf(t *testing.T, url string, timeout time.Duration) *Source {
	t.Helper()
	s, err := New("main", url, nil, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said is a sample in a line.
func said(s analysis.Sample) string {
	value := "nothing"
	if s.Value != nil {
		value = fmt.Sprint(*s.Value)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s of %s %s", s.Outcome, s.Reason, value, s.Message))
}

// Failure modes 39 and 40: whatever a server may answer, under every policy
// on missing data. What is not one number never passes unless it is missing
// and the policy says so.
func TestWhateverIsAnswered(t *testing.T) {
	const (
		noData   = "the query answers with no data; check its labels, and that the release gets traffic"
		nan      = "the query answers with NaN, as a division of zero by zero does; check that the release gets traffic"
		several  = "Unknown SeveralSeries of nothing the query answers with several series; aggregate them, for example with sum()"
		numbers  = "Unknown NotNumbers of nothing the query does not answer with numbers: it answers with a "
		rejected = "Unknown QueryRejected of nothing the server rejects the query: "
		down     = "Unknown ServerUnavailable of nothing metric server main "
		goesOn   = "; the operator goes on asking"
		failed   = "had no data, which its noData policy fails: "
	)
	for name, tc := range map[string]struct {
		handler               http.HandlerFunc
		timeout               time.Duration
		unknown, fail, ignore string // fail and ignore as unknown when empty
	}{
		"a number":               {handler: result("vector", `[{"metric":{},"value":[1893499200,"0.5"]}]`), unknown: "Passed WithinLimits of 0.5"},
		"too large a number":     {handler: result("vector", `[{"metric":{"a":"b"},"value":[1893499200.1,"1.5"]}]`), unknown: "Failed OutsideLimits of 1.5 was 1.5, above its maximum 1"},
		"no series":              {handler: result("vector", `[]`), unknown: "Unknown NoData of nothing " + noData, fail: "Failed NoData of nothing " + failed + noData, ignore: "Passed NoDataIgnored of nothing " + noData},
		"NaN":                    {handler: result("vector", `[{"metric":{},"value":[1893499200,"NaN"]}]`), unknown: "Unknown NotANumber of nothing " + nan, fail: "Failed NotANumber of nothing " + failed + nan, ignore: "Passed NoDataIgnored of nothing " + nan},
		"+Inf":                   {handler: result("vector", `[{"metric":{},"value":[1893499200,"+Inf"]}]`), unknown: "Failed OutsideLimits of +Inf was +Inf, above its maximum 1"},
		"-Inf":                   {handler: result("vector", `[{"metric":{},"value":[1893499200,"-Inf"]}]`), unknown: "Passed WithinLimits of -Inf"},
		"two series":             {handler: result("vector", `[{"metric":{"pod":"a"},"value":[1893499200,"9"]},{"metric":{"pod":"b"},"value":[1893499200,"0"]}]`), unknown: several},
		"a scalar":               {handler: result("scalar", `[1893499200,"0.5"]`), unknown: "Passed WithinLimits of 0.5"},
		"a scalar NaN":           {handler: result("scalar", `[1893499200,"NaN"]`), unknown: "Unknown NotANumber of nothing " + nan, fail: "Failed NotANumber of nothing " + failed + nan, ignore: "Passed NoDataIgnored of nothing " + nan},
		"a string":               {handler: result("string", `[1893499200,"0.5"]`), unknown: numbers + "string"},
		"a matrix":               {handler: result("matrix", `[{"metric":{},"values":[[1893499200,"0.5"]]}]`), unknown: numbers + "matrix"},
		"a histogram":            {handler: result("vector", `[{"metric":{},"histogram":[1893499200,{"count":"1","sum":"1","buckets":[]}]}]`), unknown: numbers + "histogram; take a quantile or a count of it"},
		"400 bad_data":           {handler: problem(400, "bad_data", `invalid parameter "query": 1:2: parse error`), unknown: rejected + `invalid parameter "query": 1:2: parse error`},
		"422 execution":          {handler: problem(422, "execution", "found duplicate series"), unknown: rejected + "found duplicate series"},
		"422 of another type":    {handler: problem(422, "internal", "x"), unknown: down + "answers with error internal" + goesOn},
		"400 without JSON":       {handler: answer(400, "<html>"), unknown: down + "answers with client error: 400" + goesOn},
		"401":                    {handler: answer(401, "who are you"), unknown: down + "answers with client error: 401" + goesOn},
		"404":                    {handler: answer(404, "404 page not found"), unknown: down + "answers with client error: 404" + goesOn},
		"500":                    {handler: answer(500, "oops"), unknown: down + "answers with server error: 500" + goesOn},
		"503":                    {handler: problem(503, "timeout", "query timed out"), unknown: down + "answers with server error: 503" + goesOn},
		"an error with code 200": {handler: problem(200, "bad_data", "no"), unknown: rejected + "no"},
		"success with code 400":  {handler: answer(400, `{"status":"success"}`), unknown: down + "answers, but not as Prometheus does" + goesOn},
		"no answer in time":      {handler: silence, timeout: 50 * time.Millisecond, unknown: down + "does not answer within 50ms" + goesOn},
		"half an answer":         {handler: trickle, timeout: 50 * time.Millisecond, unknown: down + "does not answer within 50ms" + goesOn},
		"an endless body":        {handler: flood, timeout: time.Minute, unknown: down + "answers with more than 8 MiB" + goesOn},
		"malformed JSON":         {handler: answer(200, `{"status":"success","data":`), unknown: down + "answers, but not as Prometheus does" + goesOn},
		"a page":                 {handler: answer(200, `<html>Sign in</html>`), unknown: down + "answers, but not as Prometheus does" + goesOn},
		"an empty body":          {handler: answer(200, ``), unknown: down + "answers, but not as Prometheus does" + goesOn},
		"another JSON":           {handler: answer(200, `{"ok":true}`), unknown: down + "answers, but not as Prometheus does" + goesOn},
		"success without a word": {handler: answer(200, `{"status":"success"}`), unknown: down + "answers, but not as Prometheus does" + goesOn},
		"null":                   {handler: answer(200, `{"status":"success","data":null}`), unknown: down + "answers, but not as Prometheus does" + goesOn},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			for policy, want := range map[v1alpha1.NoDataPolicy]string{v1alpha1.NoDataUnknown: tc.unknown, v1alpha1.NoDataFail: tc.fail, v1alpha1.NoDataIgnore: tc.ignore} {
				if want == "" {
					want = tc.unknown
				}
				m := v1alpha1.Metric{Name: "errors", Query: "errors", Max: new(intstr.FromInt32(1)), NoData: policy}
				got := said(analysis.Take(t.Context(), sourceOf(t, server.URL, tc.timeout), m, analysis.Subject{}, noon))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("noData %s: %s", policy, diff)
				}
			}
		})
	}
}

// A range is judged by the same rules.
// Buckets can be told apart, by bounds.
func TestBucketsHaveTheirBounds(t *testing.T) {
	server := httptest.NewServer(result("vector", `[{"metric":{"le":"0.5"},"value":[1893499200,"1"]},{"metric":{"le":"+Inf"},"value":[1893499200,"2"]}]`))
	defer server.Close()
	got, err := sourceOf(t, server.URL, 0).Query(t.Context(), "x", noon)
	if err != nil {
		t.Fatal(err)
	}
	want := []analysis.Point{{Time: noon, Value: 1, Bound: "0.5"}, {Time: noon, Value: 2, Bound: "+Inf"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhateverARangeIsAnswered(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"points":         {result("matrix", `[{"metric":{},"values":[[1893499198,"1"],[1893499199,"NaN"],[1893499200,"2"]]}]`), "Failed OutsideLimits of 1.5 was 1.5, above its maximum 1"},
		"no series":      {result("matrix", `[]`), "Unknown NoData of nothing the query answers with no data; check its labels, and that the release gets traffic"},
		"no points":      {result("matrix", `[{"metric":{},"values":[]}]`), "Unknown NoData of nothing the query answers with no data; check its labels, and that the release gets traffic"},
		"two series":     {result("matrix", `[{"metric":{"a":"1"},"values":[[1893499200,"1"]]},{"metric":{"a":"2"},"values":[[1893499200,"1"]]}]`), "Unknown SeveralSeries of nothing the query answers with several series; aggregate them, for example with sum()"},
		"a vector":       {result("vector", `[]`), "Unknown NotNumbers of nothing the query does not answer with numbers: it answers with a vector"},
		"histograms":     {result("matrix", `[{"metric":{},"histograms":[[1893499200,{"count":"1","sum":"1","buckets":[]}]]}]`), "Unknown NotNumbers of nothing the query does not answer with numbers: it answers with a histogram; take a quantile or a count of it"},
		"nothing":        {answer(200, `{"status":"success"}`), "Unknown ServerUnavailable of nothing metric server main answers, but not as Prometheus does; the operator goes on asking"},
		"too many":       {problem(400, "bad_data", "exceeded maximum resolution"), "Unknown QueryRejected of nothing the server rejects the query: exceeded maximum resolution"},
		"an error of it": {answer(502, ""), "Unknown ServerUnavailable of nothing metric server main answers with server error: 502; the operator goes on asking"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			m := v1alpha1.Metric{Name: "errors", Query: "errors", Max: new(intstr.FromInt32(1)), Range: &v1alpha1.MetricRange{WindowSeconds: 60, StepSeconds: 2}}
			if got := said(analysis.Take(t.Context(), sourceOf(t, server.URL, 0), m, analysis.Subject{}, noon)); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestWhatIsAsked(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		asked = append(asked, r.URL.Path+" "+r.Form.Encode())
		kind := map[bool]string{true: "matrix", false: "vector"}[strings.HasSuffix(r.URL.Path, "range")]
		result(kind, `[]`)(w, r)
	}))
	defer server.Close()
	s := sourceOf(t, server.URL+"/prometheus/", 0)
	if _, err := s.Query(t.Context(), "up", noon); err != nil {
		t.Error(err)
	}
	if _, err := s.QueryRange(t.Context(), "up", noon.Add(-time.Minute), noon, 500*time.Millisecond); err != nil {
		t.Error(err)
	}
	want := []string{
		"/prometheus/api/v1/query query=up&time=1893499200",
		"/prometheus/api/v1/query_range end=1893499200&query=up&start=1893499140&step=0.5",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	if s.Name() != "main" {
		t.Errorf("is called %q", s.Name())
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	m := v1alpha1.Metric{Query: "errors", Max: new(intstr.FromInt32(1))}
	got := said(analysis.Take(t.Context(), sourceOf(t, server.URL, 0), m, analysis.Subject{}, noon))
	if want := "Unknown ServerUnavailable of nothing metric server main answers with bad response code 307; the operator goes on asking"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWhereNobodyAnswers(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	distrusted := httptest.NewUnstartedServer(result("vector", `[]`))
	distrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of its visitors
	distrusted.StartTLS()
	defer distrusted.Close()
	for name, tc := range map[string]struct{ url, want string }{
		"refused":                 {closed.URL, "cannot be reached"},
		"an unknown certificate":  {distrusted.URL, "has a certificate that is not trusted"},
		"not a server of the web": {strings.Replace(distrusted.URL, "https", "http", 1), "answers with client error: 400"},
	} {
		t.Run(name, func(t *testing.T) {
			m := v1alpha1.Metric{Query: "errors", Max: new(intstr.FromInt32(1))}
			got := said(analysis.Take(t.Context(), sourceOf(t, tc.url, 0), m, analysis.Subject{}, noon))
			if want := "Unknown ServerUnavailable of nothing metric server main " + tc.want + "; the operator goes on asking"; got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for name, tc := range map[string]struct{ url, want string }{
		"http":       {"http://prometheus:9090", ""},
		"https":      {"https://prometheus/sub", ""},
		"no scheme":  {"prometheus:9090", `the URL of metric server "main" must be like http://prometheus.monitoring:9090`},
		"no host":    {"http:///x", `the URL of metric server "main" must be like http://prometheus.monitoring:9090`},
		"a file":     {"file:///etc/passwd", `the URL of metric server "main" must be like http://prometheus.monitoring:9090`},
		"nothing":    {"", `the URL of metric server "main" must be like http://prometheus.monitoring:9090`},
		"not an URL": {"http://[", `parse the URL of metric server "main": parse "http://[": missing ']' in host`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if _, err := New("main", tc.url, nil, 0); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
	if s := sourceOf(t, "http://prometheus", 0); s.timeout != 5*time.Second {
		t.Errorf("waits for %s", s.timeout)
	}
}

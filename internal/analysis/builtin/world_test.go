package builtin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/signal-delivery/operator/internal/analysis"
)

// world is pods that serve metrics, each at its address, a clock that stands
// still, and the source that scrapes them.
type world struct {
	*testing.T
	clock *clocktesting.FakeClock
	b     *Builtin
	stop  func() // the source

	mu    sync.Mutex
	pods  map[string]http.Handler // by ip:port
	asked map[string]int
}

// newWorld begins on the beat of the app, so that rounds are an interval apart.
func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{
		T: t, clock: clocktesting.NewFakeClock(noon.Add(offset(app, time.Second))),
		pods: map[string]http.Handler{}, asked: map[string]int{},
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	o.Clock = w.clock
	w.b = New(o)
	w.b.fetcher.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		w.mu.Lock()
		_, up := w.pods[address]
		w.mu.Unlock()
		target := server.Listener.Addr().String()
		if !up {
			target = "127.0.0.1:1" // nobody listens there
		}
		return (&net.Dialer{}).DialContext(ctx, network, target)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.b.Start(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// ServeHTTP answers for the pod that was asked.
func (w *world) ServeHTTP(to http.ResponseWriter, request *http.Request) {
	w.mu.Lock()
	w.asked[request.Host]++
	pod := w.pods[request.Host]
	w.mu.Unlock()
	if pod == nil {
		http.NotFound(to, request)
		return
	}
	pod.ServeHTTP(to, request)
}

// text has the pod at that address answer with a text exposition.
func (w *world) text(ip, body string) { w.serve(ip, says(plain, body)) }

func says(contentType, body string) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) {
		to.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(to, body)
	}
}

func (w *world) serve(ip string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pods[ip+":8080"] = h
}

func (w *world) times(ip string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[ip+":8080"]
}

// watch has the pods watched; whatever that begins is waited for.
func (w *world) watch(pods ...corev1.Pod) {
	w.Helper()
	w.b.Watch(subjectWith(pods...))
	w.await()
}

// await waits until the source says that there is something to judge.
func (w *world) await() {
	w.Helper()
	select {
	case e := <-w.b.Scraped():
		if got := e.Object.GetNamespace() + "/" + e.Object.GetName(); got != app.String() {
			w.Errorf("%s was scraped", got)
		}
	case <-time.After(10 * time.Second):
		w.Fatal("nothing is scraped")
	}
}

// round lets an interval pass.
func (w *world) round() {
	w.Helper()
	w.step(time.Second)
	w.await()
}

// step lets time pass, once the source waits for it to.
func (w *world) step(d time.Duration) {
	w.Helper()
	w.until("the source waits", func() bool { return w.clock.Waiters() == 1 })
	w.clock.Step(d)
}

func (w *world) until(what string, is func() bool) {
	w.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("it never comes that %s", what)
		}
	}
}

// shows holds what a query answers with now against lines of labels, without
// those that all have, and values.
func (w *world) shows(query string, want ...string) {
	w.Helper()
	answer, err := w.b.Ask(w.Context(), app, query, w.clock.Now())
	if err != nil {
		w.Errorf("%s: %s", query, err)
		return
	}
	got := []string{}
	for _, s := range answer.(promql.Vector) {
		got = append(got, brief(s))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("at %s %s is\n%s\nnot\n%s", w.clock.Now().Format("15:04:05"), query, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var ours = regexp.MustCompile(`(container|delivery_signal_dev_name|delivery_signal_dev_release|instance|job|namespace|release|service|track|uid)="[^"]*"(, )?`)

func brief(s promql.Sample) string {
	l := strings.ReplaceAll(ours.ReplaceAllString(s.Metric.String(), ""), ", }", "}")
	if s.H != nil {
		return l + " " + s.H.String()
	}
	return l + " " + fmt.Sprint(s.F)
}

// inMillis is a time as expositions have it.
func inMillis(at time.Time) string { return fmt.Sprint(at.UnixMilli()) }

// how is in which way the source is unavailable.
func how(err error) string {
	if e, ok := errors.AsType[*analysis.UnavailableError](err); ok {
		return e.How
	}
	return fmt.Sprint(err)
}

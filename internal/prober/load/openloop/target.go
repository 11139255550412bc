package openloop

import (
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
	sending "github.com/signal-delivery/operator/internal/prober/load"
)

// prepared is a request whose templates have been read.
type prepared struct {
	method     string
	path, body loadtest.Template
	headers    []header
}

type header struct {
	name  string
	value loadtest.Template
}

// targets are the requests, each a function of its number: the same test sends
// the same requests in the same order.
func targets(s Sender, spec v1alpha1.LoadTest) func(n int64, now time.Time, into *vegeta.Target) {
	next, turns := sending.Cycle(spec.Requests), 0
	for _, r := range spec.Requests {
		turns += int(max(1, r.Weight))
	}
	cycle := make([]prepared, 0, turns)
	for range turns {
		cycle = append(cycle, prepare(next()))
	}
	seed := s.seed()
	return func(n int64, now time.Time, into *vegeta.Target) {
		f, p := loadtest.Facts{Seed: seed, Sequence: n, Now: now}, cycle[n%int64(turns)]
		into.Method, into.URL = p.method, s.URL+p.path.Fill(f)
		into.Body, into.Header = []byte(p.body.Fill(f)), http.Header{"Host": {s.Host}}
		for _, h := range p.headers {
			if h.name == "Host" {
				into.Header.Set(h.name, h.value.Fill(f))
				continue
			}
			into.Header.Add(h.name, h.value.Fill(f))
		}
		into.Header.Set(sending.HeaderSynthetic, s.Release)
		into.Header.Set("User-Agent", sending.UserAgent)
	}
}

// prepare reads the templates. They have been validated; one that is none
// stays as it is.
func prepare(r v1alpha1.LoadRequest) prepared {
	p := prepared{method: r.Method, path: parse(r.Path), body: parse(r.Body)}
	if p.method == "" {
		p.method = http.MethodGet
	}
	for _, h := range r.Headers {
		p.headers = append(p.headers, header{http.CanonicalHeaderKey(h.Name), parse(h.Value)})
	}
	return p
}

func parse(text string) loadtest.Template {
	if t, err := loadtest.Parse(text); err == nil {
		return t
	}
	return loadtest.Plain(text)
}

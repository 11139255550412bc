package fault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/signal-delivery/operator/test/stage"
)

// kind is what happens at a write.
type kind string

const (
	dieBefore  kind = "the operator dies before the write"
	dieAfter   kind = "the operator dies after the write"
	dieLost    kind = "the operator dies after the commit, before the answer"
	conflict   kind = "409"
	tooMany    kind = "429"
	broken     kind = "500"
	answerLost kind = "the answer is lost after the commit"
)

// A death is one at each write; an answer goes wrong at every write of one run,
// or at one write alone.
var (
	deaths  = []kind{dieBefore, dieAfter, dieLost}
	answers = []kind{conflict, tooMany, broken, answerLost}
)

// everySecond is the index of a plan that disturbs every second write it sees:
// each write the first time, for the next one is its repetition.
const everySecond = -1

// errLost is what a client sees of a connection that breaks.
var errLost = errors.New("connection reset by the fault plan")

// plan disturbs one write of an operator, by its number from 1, or everySecond;
// 0 disturbs none and only counts.
type plan struct {
	kind  kind
	index int

	mu     sync.Mutex
	armed  bool
	writes []stage.Call
	fired  int
	died   chan struct{} // closed when the operator is to die
}

func newPlan(k kind, index int) *plan { return &plan{kind: k, index: index, died: make(chan struct{})} }

func (p *plan) String() string {
	if p.index == everySecond {
		return fmt.Sprintf("every write: %s", p.kind)
	}
	return fmt.Sprintf("write %d: %s", p.index, p.kind)
}

// arm begins to count: what came before is not disturbed.
func (p *plan) arm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = true
}

// next counts a write, and reports whether it is the one.
func (p *plan) next(call stage.Call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.armed {
		return false
	}
	p.writes = append(p.writes, call)
	if len(p.writes) != p.index && (p.index != everySecond || len(p.writes)%2 == 0) {
		return false
	}
	p.fired++
	return true
}

// dead reports whether the operator has died: nothing it sends gets through.
func (p *plan) dead() bool {
	select {
	case <-p.died:
		return true
	default:
		return false
	}
}

// wrap is the transport of the operator's first life.
func (p *plan) wrap(next http.RoundTripper) http.RoundTripper {
	return trip(func(r *http.Request) (*http.Response, error) {
		call := stage.CallOf(r)
		if p.dead() {
			return nil, errLost
		}
		if !call.Write() || call.Ignored() || !p.next(call) {
			return next.RoundTrip(r)
		}
		switch p.kind {
		case dieBefore:
			close(p.died)
			return nil, errLost
		case dieAfter:
			response, err := next.RoundTrip(r)
			close(p.died)
			return response, err
		case dieLost:
			p.commit(next, r)
			close(p.died)
			return nil, errLost
		case answerLost:
			p.commit(next, r)
			return nil, errLost
		case conflict:
			return status(r, http.StatusConflict, "Conflict"), nil
		case tooMany:
			return status(r, http.StatusTooManyRequests, "TooManyRequests"), nil
		case broken:
		}
		return status(r, http.StatusInternalServerError, "InternalError"), nil
	})
}

// commit sends the request and throws its answer away.
func (p *plan) commit(next http.RoundTripper, r *http.Request) {
	if response, err := next.RoundTrip(r); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}

// status is an answer of the API server's that it did not give.
func status(r *http.Request, code int, reason string) *http.Response {
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":"by the fault plan"}`, reason, code)
	header := http.Header{"Content-Type": []string{"application/json"}}
	if code == http.StatusTooManyRequests {
		header.Set("Retry-After", "0")
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: r,
	}
}

type trip func(*http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

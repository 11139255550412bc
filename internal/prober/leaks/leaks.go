// Package leaks sends fake secrets to a candidate, inside a Job, and then looks
// for them wherever the candidate, or the operator, may have written them. It
// calls the candidate and Kubernetes' API and nobody else, and repeats no
// secret: what was found is told by class, channel, encoding and place.
package leaks

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/internal/prober/leaks/search"
	"github.com/signal-delivery/operator/internal/prober/leaks/sink"
	"github.com/signal-delivery/operator/internal/prober/security/wire"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	patience = 10 * time.Second       // for the first connection
	pace     = 200 * time.Millisecond // between two tries at it
	settling = 5 * time.Second        // that what was written may take until it can be read

	rights = "; see docs/leaks.md for the rights that the ServiceAccount of spec.checks.leaks needs"
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Leaks runs the check.
type Leaks struct {
	Clock    Clock
	Key      []byte // random, and nobody else's: whoever has it can tell the secrets
	Address  string // IP and port of the canary Service
	Host     string // the name by which clients know the service
	Release  string // id of the release
	Attempt  string
	Name     string // of the SignalDeployment
	Selector string // labels of the candidate's pods
	Pod      string // that the Job runs in
	API      sink.API
	Metrics  Metrics
	Settling time.Duration // in place of settling
}

// Run answers with what leaked, place by place, and at last with what all
// amount to.
func (l Leaks) Run(ctx context.Context, spec v1alpha1.LeaksSpec) []verdict.Verdict {
	return l.hunt(spec).run(ctx, spec)
}

func (r *hunt) run(ctx context.Context, spec v1alpha1.LeaksSpec) []verdict.Verdict {
	if err := r.meet(ctx); err != nil {
		return r.undecided(ReasonUnread, "No fake secret was sent, since the candidate's logs cannot be read: "+err.Error()+rights)
	}
	if err := r.plant(ctx, spec); err != nil {
		return r.undecided(ReasonNoAnswer, "The candidate cannot be sent fake secrets: "+err.Error()+"; check spec.checks.leaks, and that network policies let its Job through")
	}
	if err := r.wait(ctx); err != nil {
		return r.undecided(ReasonUnread, "Fake secrets were sent, but not looked for: "+err.Error())
	}
	r.look(ctx)
	r.lasted = r.Clock.Since(r.start)
	return r.verdicts()
}

// hunt is one run: what was sent, and what was found of it.
type hunt struct {
	Leaks
	start    time.Time
	lasted   time.Duration
	secrets  []fake.Secret
	known    map[string]int // secrets by class and channel
	index    *search.Index
	refuses  bool // an echo counts
	classes  int
	channels int
	sent     int
	answered int
	pods     []string // that are sent to
	found    map[hit]int
	searched map[string]*tally
	unread   []string
	absent   []string
}

// hit is a secret that was found somewhere, in one encoding.
type hit struct {
	secret   int
	encoding search.Encoding
	place    place
}

// place is where something is written: what it is, and whose.
type place struct{ what, whose string }

// tally is how much was searched of one kind.
type tally struct {
	texts int
	bytes int64
}

func (l Leaks) hunt(spec v1alpha1.LeaksSpec) *hunt {
	r := &hunt{
		Leaks: l, start: l.Clock.Now(), known: map[string]int{}, refuses: spec.Echo != v1alpha1.EchoAllowed,
		found: map[hit]int{}, searched: map[string]*tally{},
	}
	all := channels(spec)
	for _, class := range fake.Classes() {
		for _, channel := range all {
			r.known[class.Name+"|"+channel] = len(r.secrets)
			r.secrets = append(r.secrets, fake.Mint(l.Key, l.Release, l.Attempt, class, channel))
		}
	}
	r.classes, r.channels = len(fake.Classes()), len(all)
	r.index = search.New(r.secrets)
	return r
}

// meet finds out who will have written what is to be read, and whether it may
// be: what nobody can look for is not sent.
func (r *hunt) meet(ctx context.Context) error {
	pods, _, err := r.API.Pods(ctx, r.Selector)
	if err != nil {
		return err
	}
	for i := range pods {
		r.pods = append(r.pods, pods[i].Name)
	}
	if len(pods) == 0 {
		return errors.New("it has no pods")
	}
	return nil
}

// plant sends every secret, and looks at each answer.
func (r *hunt) plant(ctx context.Context, spec v1alpha1.LeaksSpec) error {
	session := &wire.Session{
		Clock: r.Clock, Address: r.Address, Host: r.Host, Release: r.Release, Forget: true,
		Budget: int(spec.RequestBudget), Interval: time.Second / time.Duration(max(1, spec.RatePerSecond)),
	}
	defer func() { r.sent = session.Sent }()
	if err := r.reach(ctx, session, string(spec.Paths[0])); err != nil {
		return err
	}
	for _, p := range plantings(spec) {
		request := p.shape.make(p.path, func(channel string) fake.Secret { return r.secrets[r.known[p.class.Name+"|"+channel]] })
		answer, err := session.Send(ctx, request)
		if err != nil {
			return err
		}
		if answer.Status != 0 {
			r.answered++
			r.reflected(request, p, answer)
		}
	}
	if r.answered == 0 {
		return errors.New("no request was answered")
	}
	return nil
}

// reach asks until someone takes the connection: a node's proxy learns of a
// Service's endpoints later than the API does.
func (r *hunt) reach(ctx context.Context, session *wire.Session, path string) error {
	for {
		_, err := session.Send(ctx, wire.Get(path))
		if !errors.Is(err, wire.ErrUnreachable) || r.Clock.Since(r.start) >= patience {
			return err
		}
		session.Sent-- // nobody took it
		select {
		case <-r.Clock.After(pace):
		case <-ctx.Done():
			return wire.ErrStopped
		}
	}
}

// reflected looks for secrets in an answer: in one that is an error, and in
// another if that is refused. What leads elsewhere repeats its address.
func (r *hunt) reflected(request wire.Request, p planting, answer wire.Answer) {
	at := place{"answers that are errors", verb(request) + " " + p.whose()}
	switch {
	case answer.Status >= 300 && answer.Status < 400, answer.OK() && !r.refuses:
		return
	case answer.OK():
		at.what = "answers"
	}
	text := []byte(answer.Body)
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		for _, value := range answer.Header[name] {
			text = append(append(text, '\n'), name+": "+value...)
		}
	}
	r.take(at, r.index.Search(text), int64(len(text)))
}

// whose says which request it was, without what it carried.
func (p planting) whose() string {
	switch p.shape.channels[0] {
	case inUnknownPath:
		return inUnknownPath
	case inPath:
		return strings.TrimSuffix(p.path, "/") + "/…"
	}
	return p.path
}

func verb(request wire.Request) string {
	if request.Method == "" {
		return http.MethodGet
	}
	return request.Method
}

// wait gives what was written the time that it takes until it can be read.
func (r *hunt) wait(ctx context.Context) error {
	settle := r.Settling
	if settle == 0 {
		settle = settling
	}
	select {
	case <-r.Clock.After(settle):
		return nil
	case <-ctx.Done():
		return wire.ErrStopped
	}
}

// take keeps what was found in a place.
func (r *hunt) take(at place, finds []search.Find, read int64) {
	for _, f := range finds {
		r.found[hit{f.Secret, f.Encoding, at}]++
	}
	t := r.searched[at.what]
	if t == nil {
		t = &tally{}
		r.searched[at.what] = t
	}
	t.texts++
	t.bytes += read
}

// miss says what could not be searched.
func (r *hunt) miss(ctx context.Context, what string, err error) {
	r.unread = append(r.unread, what+": "+err.Error())
	logr.FromContextOrDiscard(ctx).Info("Cannot search", "place", what, "why", err.Error())
}

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/signal-delivery/operator/test/signalservice/store"
)

// markets are what signals are about; where they go follows from the time.
var markets = []string{"EURUSD", "XAUUSD", "BTCUSD"}

// Publish makes a signal now and then, until the context ends: one of each
// market to begin with.
func (s *Service) Publish(ctx context.Context) {
	for _, symbol := range markets {
		s.publish(ctx, symbol)
	}
	ticker := time.NewTicker(s.settings.PublishInterval)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
			s.publish(ctx, markets[n%len(markets)])
		case <-ctx.Done():
			return
		}
	}
}

func (s *Service) publish(ctx context.Context, symbol string) {
	now := time.Now().UTC()
	signal := store.Signal{Symbol: symbol, Direction: []string{"buy", "sell", "hold"}[now.Unix()%3], Strength: float64(now.UnixMilli()%100) / 100, Published: now}
	if err := s.store.Publish(ctx, signal); err != nil && ctx.Err() == nil {
		s.log.Warn("A signal was not kept", zap.Error(err))
	}
	s.metrics.newest.Set(float64(now.UnixMilli()) / 1000)
	s.feed.tell(signal)
}

// signals answers with the newest of each market.
func (s *Service) signals(w http.ResponseWriter, r *http.Request) int {
	if s.Faults.Strike() {
		return problem(w, http.StatusInternalServerError, "a fault was asked for")
	}
	all, err := s.store.Latest(r.Context())
	if err != nil {
		return problem(w, http.StatusServiceUnavailable, "signals are not available for now")
	}
	s.metrics.published.Add(float64(len(all)))
	return write(w, http.StatusOK, map[string]any{"version": s.settings.Version, "signals": all})
}

// latest answers with the newest of all.
func (s *Service) latest(w http.ResponseWriter, r *http.Request) int {
	all, err := s.store.Latest(r.Context())
	if err != nil || len(all) == 0 {
		return problem(w, http.StatusServiceUnavailable, "signals are not available for now")
	}
	s.metrics.published.Inc()
	return write(w, http.StatusOK, all[0])
}

// stream sends each signal as it is published, as server-sent events.
func (s *Service) stream(w http.ResponseWriter, r *http.Request) int {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // a recorder has none
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	news, done := s.feed.listen()
	defer done()
	if all, err := s.store.Latest(r.Context()); err == nil && len(all) > 0 {
		s.send(w, all[0]) // nobody waits for the first
	}
	for {
		if err := control.Flush(); err != nil {
			return http.StatusOK
		}
		select {
		case signal := <-news:
			s.send(w, signal)
		case <-s.ended:
			return http.StatusOK
		case <-r.Context().Done():
			return http.StatusOK
		}
	}
}

func (s *Service) send(w http.ResponseWriter, signal store.Signal) {
	text, err := json.Marshal(signal)
	if err != nil {
		s.log.Error("A signal cannot be written", zap.Error(err))
		return
	}
	fmt.Fprintf(w, "id: %d\nevent: signal\ndata: %s\n\n", signal.Published.UnixMilli(), text)
	s.metrics.published.Inc()
}

// feed tells those who listen.
type feed struct {
	mu        sync.Mutex
	listeners map[chan store.Signal]bool
}

func (f *feed) listen() (news <-chan store.Signal, done func()) {
	mine := make(chan store.Signal, 16)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == nil {
		f.listeners = map[chan store.Signal]bool{}
	}
	f.listeners[mine] = true
	return mine, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, mine)
	}
}

// tell waits for nobody: who is slow misses some.
func (f *feed) tell(signal store.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for listener := range f.listeners {
		select {
		case listener <- signal:
		default:
		}
	}
}

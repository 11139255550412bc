package store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// nowhere takes no connection.
const nowhere = "127.0.0.1:1"

// shelf is a store under test, with its metrics.
type shelf struct {
	Store
	metrics *prometheus.Registry
}

func open(t *testing.T, change func(*Options)) shelf {
	t.Helper()
	s := shelf{metrics: prometheus.NewRegistry()}
	o := Options{PoolSize: 3, Timeout: 200 * time.Millisecond, Rest: 50 * time.Millisecond, Down: func(string) bool { return false }, Metrics: s.metrics}
	change(&o)
	var err error
	if s.Store, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// value is a metric with these labels, name=value.
func (s shelf) value(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetName()+"="+l.GetValue()] = true
			}
			matches := true
			for _, label := range labels {
				matches = matches && has[label]
			}
			if matches {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("there is no metric %s of %v", name, labels)
	return 0
}

const ofPostgres = "db_client_connection_pool_name=postgres"

func (s shelf) used(t *testing.T) float64 {
	t.Helper()
	return s.value(t, "db_client_connection_count", ofPostgres, "db_client_connection_state=used")
}

var order = Order{ID: "1", Symbol: "EURUSD", Side: "buy", Quantity: 1}

func signal(symbol string, second int64) Signal {
	return Signal{Symbol: symbol, Direction: "buy", Strength: 0.5, Published: time.Unix(second, 0).UTC()}
}

// The newest signals come from the first that has some: the cache, the
// database, memory. Orders need the database.
func TestWhatIsDownIsDoneWithout(t *testing.T) {
	for name, tc := range map[string]struct {
		postgres, redis func(*testing.T) string
		down            map[string]string
		places, tells   bool // orders are taken, publishing has nothing to complain of
	}{
		"memory alone":           {nil, nil, nil, true, true},
		"memory, and it is down": {nil, nil, map[string]string{"postgres": "down"}, false, true},
		"both are up":            {fakePostgres, fakeRedis, nil, true, true},
		"the database alone":     {fakePostgres, nil, nil, true, true},
		"the cache alone":        {nil, fakeRedis, nil, true, true},
		"the cache is down":      {fakePostgres, fakeRedis, map[string]string{"redis": "down"}, true, false},
		"the database is down":   {fakePostgres, fakeRedis, map[string]string{"postgres": "down"}, false, false},
		"both are down":          {fakePostgres, fakeRedis, map[string]string{"postgres": "down", "redis": "down"}, false, false},
		"both cannot be reached": {
			func(*testing.T) string { return "postgres://" + nowhere + "/signals" }, func(*testing.T) string { return "redis://" + nowhere }, nil, false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, func(o *Options) {
				if tc.postgres != nil {
					o.Postgres = tc.postgres(t)
				}
				if tc.redis != nil {
					o.Redis = tc.redis(t)
				}
				o.Down = func(dependency string) bool { return tc.down[dependency] == "down" }
			})
			for _, published := range []Signal{signal("EURUSD", 1), signal("XAUUSD", 2), signal("EURUSD", 3)} {
				if err := s.Publish(t.Context(), published); (err == nil) != tc.tells {
					t.Errorf("publish: %v", err)
				}
			}
			got, err := s.Latest(t.Context())
			if diff := cmp.Diff([]Signal{signal("EURUSD", 3), signal("XAUUSD", 2)}, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if err := s.Place(t.Context(), order); (err == nil) != tc.places {
				t.Errorf("place: %v", err)
			}
		})
	}
}

// A pool that gets its connections back is never short of them; one that does
// not is used up, makes others wait in vain, and the breaker opens.
func TestPool(t *testing.T) {
	for name, tc := range map[string]struct {
		leaks          bool
		used, timeouts float64
		breaker        float64
	}{
		"sound":     {false, 0, 0, 0},
		"pool-leak": {true, 3, failuresThatOpen, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, func(o *Options) {
				o.Postgres, o.PoolLeak, o.Timeout, o.Rest = fakePostgres(t), tc.leaks, 50*time.Millisecond, time.Minute
			})
			for range 3 + failuresThatOpen + 1 {
				_ = s.Place(t.Context(), order) // the metrics tell
			}
			got := []float64{
				s.used(t), s.value(t, "db_client_connection_max", ofPostgres), s.value(t, "db_client_connection_pending_requests", ofPostgres),
				s.value(t, "db_client_connection_timeouts_total", ofPostgres), s.value(t, "circuit_breaker_state", "name=postgres"),
			}
			if diff := cmp.Diff([]float64{tc.used, 3, 0, tc.timeouts, tc.breaker}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Who waits for a connection is counted while waiting.
func TestPendingRequests(t *testing.T) {
	s := open(t, func(o *Options) {
		o.Postgres, o.PoolLeak, o.PoolSize, o.Timeout = fakePostgres(t), true, 1, time.Second
	})
	if err := s.Place(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Place(ctx, order) }()
	for s.value(t, "db_client_connection_pending_requests", ofPostgres) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := s.value(t, "circuit_breaker_state", "name=postgres"); got != 0 {
		t.Errorf("a client that went away opened the breaker: %v", got)
	}
}

// A breaker opens after some failures, and tries again after a while; with the
// flaw it opens at once, and never does.
func TestBreaker(t *testing.T) {
	for name, tc := range map[string]struct {
		stuck bool
		fails int
		after float64
	}{
		"sound":         {false, failuresThatOpen, 0},
		"breaker-stuck": {true, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var down atomic.Bool
			s := open(t, func(o *Options) {
				o.Postgres, o.BreakerStuck, o.Down = fakePostgres(t), tc.stuck, func(string) bool { return down.Load() }
			})
			down.Store(!tc.stuck)
			for range tc.fails {
				if err := s.Place(t.Context(), order); err == nil {
					t.Error("it should fail")
				}
			}
			if got := s.value(t, "circuit_breaker_state", "name=postgres"); got != 2 {
				t.Errorf("after %d failures the state is %v", tc.fails, got)
			}
			down.Store(false)
			time.Sleep(100 * time.Millisecond)
			_ = s.Place(t.Context(), order) // the state tells
			if got := s.value(t, "circuit_breaker_state", "name=postgres"); got != tc.after {
				t.Errorf("a while later the state is %v", got)
			}
			if got := s.value(t, "signals_dependency_requests_total", "dependency=postgres", "outcome=error"); got != float64(tc.fails) {
				t.Errorf("%v errors", got)
			}
		})
	}
}

// What is wrong with a URL is said without what is in it.
func TestWrongURLs(t *testing.T) {
	for name, o := range map[string]Options{
		"SIGNAL_POSTGRES_URL": {Postgres: "postgres://signal:planted@db:port/signals"},
		"SIGNAL_REDIS_URL":    {Redis: "http://signal:planted@cache"},
	} {
		o.Metrics, o.Down = prometheus.NewRegistry(), func(string) bool { return false }
		_, err := Open(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

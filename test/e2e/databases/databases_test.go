// Package databases tests what the sample service keeps in a real PostgreSQL
// and a real Redis, in the cluster.
package databases

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/signalservice/store"
)

var postgres, cache string // their URLs

func TestMain(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	err := find(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func find(ctx context.Context) error {
	c, err := cluster.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	env, err := c.Databases(ctx)
	if err != nil {
		return err
	}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "SIGNAL_POSTGRES_URL":
			postgres = value
		case "SIGNAL_REDIS_URL":
			cache = value
		}
	}
	return nil
}

// options are those of a service that finds both.
func options(change ...func(*store.Options)) store.Options {
	o := store.Options{
		Postgres: postgres, Redis: cache, PoolSize: 4, Timeout: 2 * time.Second, Rest: 100 * time.Millisecond,
		Down: func(string) bool { return false }, Metrics: prometheus.NewRegistry(),
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func open(t *testing.T, o store.Options) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// market is one that nobody else has signals of. It is forgotten with the test.
func market(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := inRedis(t).HDel(ctx, "signals:newest", name).Err(); err != nil {
			t.Error(err)
		}
		for _, forget := range []string{"DELETE FROM signals WHERE symbol = $1", "DELETE FROM orders WHERE id LIKE $1 || '%'"} {
			if _, err := inPostgres(t).Exec(ctx, forget, name); err != nil {
				t.Error(err)
			}
		}
	})
	return name
}

func inRedis(t *testing.T) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(cache)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func inPostgres(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// of is the newest signal of a market.
func of(t *testing.T, s store.Store, symbol string) *store.Signal {
	t.Helper()
	all, err := s.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.Symbol == symbol {
			one.Published = one.Published.UTC()
			return &one
		}
	}
	return nil
}

// What one pod has published, another one has: from Redis, and from PostgreSQL
// where there is no Redis.
func TestSignalsAreShared(t *testing.T) {
	symbol := market(t)
	first := open(t, options())
	newest := store.Signal{Symbol: symbol, Direction: "sell", Strength: 0.25, Published: time.Now().UTC().Truncate(time.Millisecond)}
	for _, age := range []time.Duration{time.Minute, 0} {
		published := newest
		published.Published = newest.Published.Add(-age)
		if err := first.Publish(t.Context(), published); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*store.Options){
		"both":             func(*store.Options) {},
		"PostgreSQL alone": func(o *store.Options) { o.Redis = "" },
		"Redis alone":      func(o *store.Options) { o.Postgres = "" },
	} {
		if diff := cmp.Diff(&newest, of(t, open(t, options(change)), symbol)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if kept, err := inRedis(t).HExists(t.Context(), "signals:newest", symbol).Result(); err != nil || !kept {
		t.Errorf("Redis does not have it: %v", err)
	}
}

func TestOrdersAreKept(t *testing.T) {
	id := market(t)
	if err := open(t, options()).Place(t.Context(), store.Order{ID: id, Symbol: "EURUSD", Side: "buy", Quantity: 1.5}); err != nil {
		t.Fatal(err)
	}
	var quantity float64
	if err := inPostgres(t).QueryRow(t.Context(), "SELECT quantity FROM orders WHERE id = $1", id).Scan(&quantity); err != nil || quantity != 1.5 {
		t.Errorf("%v, %v", quantity, err)
	}
}

// Pods that start at the same time make the schema once.
func TestManyStartAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		s := open(t, options())
		all.Go(func() {
			if err := s.Place(t.Context(), store.Order{ID: fmt.Sprint(market(t), i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A leak uses the real pool up: as many orders are taken as there are
// connections.
func TestPoolLeak(t *testing.T) {
	s := open(t, options(func(o *store.Options) { o.PoolLeak, o.Timeout = true, 500*time.Millisecond }))
	taken := 0
	for i := range 8 {
		if s.Place(t.Context(), store.Order{ID: fmt.Sprint(market(t), i)}) == nil {
			taken++
		}
	}
	if taken != 4 {
		t.Errorf("%d of 8 orders were taken, with 4 connections", taken)
	}
}

// While the way to PostgreSQL is cut, signals come from Redis and orders are
// refused at once; once it is back, the breaker lets orders through.
func TestOutage(t *testing.T) {
	way := cut(t, postgres)
	s := open(t, options(func(o *store.Options) { o.Postgres, o.Timeout = way.url, 500*time.Millisecond }))
	symbol := market(t)
	place := func(n int) error {
		return s.Place(t.Context(), store.Order{ID: fmt.Sprint(symbol, n)})
	}
	if err := s.Publish(t.Context(), store.Signal{Symbol: symbol, Published: time.Now()}); err != nil {
		t.Fatal(err)
	}
	way.open(false)
	failed := 0
	for n := range 8 {
		if place(n) != nil {
			failed++
		}
	}
	start := time.Now()
	_ = place(8) // the breaker is open: this is refused unasked
	if took := time.Since(start); failed < 7 || took > 600*time.Millisecond {
		t.Errorf("%d of 8 failed; then one took %s", failed, took)
	}
	if of(t, s, symbol) == nil {
		t.Error("the signal is not served")
	}
	way.open(true)
	deadline := time.Now().Add(10 * time.Second)
	for n := 100; ; n++ {
		err := place(n)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

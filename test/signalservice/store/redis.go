package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/signal-delivery/operator/test/signalservice/fault"
)

// newestSignals is the hash with the newest signal of each symbol.
const newestSignals = "signals:newest"

// cache has the newest signals in Redis.
type cache struct {
	*guard
	client *redis.Client
	size   int
}

func newCache(o Options) (*cache, error) {
	redis.SetLogger(silence{})
	options, err := redis.ParseURL(o.Redis)
	if err != nil {
		return nil, errors.New("SIGNAL_REDIS_URL: it is no URL of a Redis, such as redis://host:6379/0") // the error of the parser may have the password in it
	}
	options.PoolSize, options.MaxActiveConns, options.ContextTimeoutEnabled = o.PoolSize, o.PoolSize, true
	options.DialTimeout, options.PoolTimeout, options.MaxRetries, options.DialerRetries = o.Timeout, o.Timeout, -1, 1
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	c := &cache{guard: newGuard(fault.Redis, o), client: redis.NewClient(options), size: o.PoolSize}
	o.Metrics.MustRegister(newPool(fault.Redis, c.stats))
	return c, nil
}

// silence is in place of the library's log: what it would tell is returned as
// well.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func (c *cache) stats() poolStats {
	s := c.client.PoolStats()
	return poolStats{
		used: float64(s.TotalConns) - float64(s.IdleConns), idle: float64(s.IdleConns), max: float64(c.size), pending: float64(s.PendingRequests),
		timeouts: float64(s.Timeouts), waits: uint64(s.WaitCount), waited: float64(s.WaitDurationNs) / 1e9,
	}
}

func (c *cache) put(ctx context.Context, signals ...Signal) error {
	values := make([]any, 0, 2*len(signals))
	for _, s := range signals {
		text, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("write a signal: %w", err)
		}
		values = append(values, s.Symbol, text)
	}
	return c.call(ctx, func(ctx context.Context) error { return c.client.HSet(ctx, newestSignals, values...).Err() })
}

func (c *cache) latest(ctx context.Context) ([]Signal, error) {
	var all []Signal
	err := c.call(ctx, func(ctx context.Context) error {
		texts, err := c.client.HVals(ctx, newestSignals).Result()
		if err != nil {
			return err
		}
		for _, text := range texts {
			var s Signal
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				return fmt.Errorf("read a signal: %w", err)
			}
			all = append(all, s)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Signal) int { return b.Published.Compare(a.Published) })
	return all, err
}

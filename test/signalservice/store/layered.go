package store

import (
	"context"
	"errors"
)

// layered keeps what it is given in PostgreSQL, has the newest signals in
// Redis, and falls back on memory: signals are served while both are down,
// orders need the database.
type layered struct {
	memory *Memory
	db     *postgres // nil: there is none
	cache  *cache    // nil: there is none
}

// Open is a store of what the options name. Nothing needs to answer yet.
func Open(ctx context.Context, o Options) (Store, error) {
	l := &layered{memory: NewMemory(func() bool { return o.Down("postgres") })}
	var err error
	if o.Postgres != "" {
		if l.db, err = newPostgres(ctx, o); err != nil {
			return nil, err
		}
	}
	if o.Redis != "" {
		if l.cache, err = newCache(o); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// Publish keeps a signal everywhere; the error says where not.
func (l *layered) Publish(ctx context.Context, signal Signal) error {
	problems := []error{l.memory.Publish(ctx, signal)}
	if l.db != nil {
		problems = append(problems, l.db.publish(ctx, signal))
	}
	if l.cache != nil {
		problems = append(problems, l.cache.put(ctx, signal))
	}
	return errors.Join(problems...)
}

// Latest asks the cache, then the database, then memory.
func (l *layered) Latest(ctx context.Context) ([]Signal, error) {
	if l.cache != nil {
		if all, err := l.cache.latest(ctx); err == nil && len(all) > 0 {
			return all, nil
		}
	}
	if l.db == nil {
		return l.memory.Latest(ctx)
	}
	all, err := l.db.latest(ctx)
	if err != nil || len(all) == 0 {
		return l.memory.Latest(ctx)
	}
	if l.cache != nil {
		_ = l.cache.put(ctx, all...) // the next one tries again
	}
	return all, nil
}

// Place keeps an order in the database.
func (l *layered) Place(ctx context.Context, order Order) error {
	if l.db == nil {
		return l.memory.Place(ctx, order)
	}
	return l.db.place(ctx, order)
}

// Close gives connections back.
func (l *layered) Close() {
	if l.db != nil {
		l.db.close()
	}
	if l.cache != nil {
		_ = l.cache.client.Close() // it has none that could be of use
	}
}

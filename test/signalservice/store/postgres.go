package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/signal-delivery/operator/test/signalservice/fault"
)

// schema is made by whoever comes first; the lock keeps the others waiting.
const schema = `
SELECT pg_advisory_xact_lock(7446825);
CREATE TABLE IF NOT EXISTS signals (
	symbol text NOT NULL, direction text NOT NULL, strength double precision NOT NULL, published timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS signals_by_symbol ON signals (symbol, published DESC);
CREATE TABLE IF NOT EXISTS orders (
	id text PRIMARY KEY, symbol text NOT NULL, side text NOT NULL, quantity double precision NOT NULL, placed timestamptz NOT NULL DEFAULT now()
);`

// Every so many signals, old ones are deleted.
const (
	trimEvery = 256
	trim      = `DELETE FROM signals WHERE published < now() - interval '1 hour'`
)

// postgres keeps signals and orders in PostgreSQL.
type postgres struct {
	*guard
	pool    *pgxpool.Pool
	leaks   bool
	ready   atomic.Bool  // the schema is there
	pending atomic.Int64 // that wait for a connection
	kept    atomic.Int64 // signals
}

func newPostgres(ctx context.Context, o Options) (*postgres, error) {
	config, err := pgxpool.ParseConfig(o.Postgres)
	if err != nil {
		return nil, errors.New("SIGNAL_POSTGRES_URL: it is no URL of a PostgreSQL, such as postgres://user@host:5432/name") // the error of the parser has the password in it
	}
	config.MaxConns = int32(o.PoolSize)
	connections, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open a pool of connections to PostgreSQL: %w", err)
	}
	p := &postgres{guard: newGuard(fault.Postgres, o), pool: connections, leaks: o.PoolLeak}
	o.Metrics.MustRegister(newPool(fault.Postgres, p.stats))
	return p, nil
}

func (p *postgres) stats() poolStats {
	s := p.pool.Stat()
	return poolStats{
		used: float64(s.AcquiredConns()), idle: float64(s.IdleConns()), max: float64(s.MaxConns()), pending: float64(p.pending.Load()),
		timeouts: float64(s.CanceledAcquireCount()), waits: uint64(max(0, s.EmptyAcquireCount())), waited: s.EmptyAcquireWaitTime().Seconds(),
	}
}

// with lends a connection, of a database that has the schema.
func (p *postgres) with(ctx context.Context, do func(context.Context, *pgxpool.Conn) error) error {
	return p.call(ctx, func(ctx context.Context) error {
		p.pending.Add(1)
		conn, err := p.pool.Acquire(ctx)
		p.pending.Add(-1)
		if err != nil {
			return fmt.Errorf("get a connection: %w", err)
		}
		if !p.leaks {
			defer conn.Release()
		}
		if !p.ready.Load() {
			if _, err := conn.Exec(ctx, schema, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("make the schema: %w", err)
			}
			p.ready.Store(true)
		}
		return do(ctx, conn)
	})
}

func (p *postgres) publish(ctx context.Context, s Signal) error {
	return p.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, `INSERT INTO signals VALUES ($1, $2, $3, $4)`, s.Symbol, s.Direction, s.Strength, s.Published); err != nil {
			return fmt.Errorf("insert a signal: %w", err)
		}
		if p.kept.Add(1)%trimEvery != 0 {
			return nil
		}
		_, err := conn.Exec(ctx, trim)
		return err
	})
}

func (p *postgres) latest(ctx context.Context) ([]Signal, error) {
	var all []Signal
	err := p.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, `SELECT * FROM (SELECT DISTINCT ON (symbol) symbol, direction, strength, published FROM signals ORDER BY symbol, published DESC) newest ORDER BY published DESC`)
		if err != nil {
			return fmt.Errorf("select signals: %w", err)
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Signal])
		return err
	})
	return all, err
}

func (p *postgres) place(ctx context.Context, o Order) error {
	return p.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, `INSERT INTO orders (id, symbol, side, quantity) VALUES ($1, $2, $3, $4)`, o.ID, o.Symbol, o.Side, o.Quantity)
		return err
	})
}

// close does not wait for connections that nobody gives back.
func (p *postgres) close() {
	closed := make(chan struct{})
	go func() { p.pool.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(p.timeout):
	}
}

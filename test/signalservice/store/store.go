// Package store keeps signals and orders.
package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Signal is one trading signal.
type Signal struct {
	Symbol    string    `json:"symbol"`
	Direction string    `json:"direction"`
	Strength  float64   `json:"strength"`
	Published time.Time `json:"published"`
}

// Order is what a client wants done.
type Order struct {
	ID       string  `json:"id"`
	Symbol   string  `json:"symbol"`
	Side     string  `json:"side"`
	Quantity float64 `json:"quantity"`
}

// Store is where they are kept.
type Store interface {
	// Publish keeps a signal.
	Publish(ctx context.Context, signal Signal) error
	// Latest are the newest signals, one of each symbol, the newest first.
	Latest(ctx context.Context) ([]Signal, error)
	// Place keeps an order.
	Place(ctx context.Context, order Order) error
	Close()
}

// ErrUnavailable says that what is needed cannot be reached for now.
var ErrUnavailable = errors.New("the database is not available")

// Memory is a store of the process, which ends with it.
type Memory struct {
	mu      sync.Mutex
	signals []Signal
	orders  map[string]Order
	down    func() bool // whether to do as if there were a database, and it were down
}

// NewMemory is an empty store. While down says so, orders cannot be kept.
func NewMemory(down func() bool) *Memory {
	return &Memory{orders: map[string]Order{}, down: down}
}

// Publish keeps a signal in place of the last of its symbol.
func (m *Memory) Publish(_ context.Context, signal Signal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := []Signal{signal}
	for _, s := range m.signals {
		if s.Symbol != signal.Symbol {
			kept = append(kept, s)
		}
	}
	m.signals = kept
	return nil
}

// Latest are the newest signals.
func (m *Memory) Latest(context.Context) ([]Signal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Signal{}, m.signals...), nil
}

// mostOrders are kept: it is a sample, and memory ends.
const mostOrders = 10_000

// Place keeps an order.
func (m *Memory) Place(_ context.Context, order Order) error {
	if m.down() {
		return ErrUnavailable
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.orders) >= mostOrders {
		clear(m.orders)
	}
	m.orders[order.ID] = order
	return nil
}

// Close does nothing.
func (m *Memory) Close() {}

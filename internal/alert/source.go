package alert

import (
	"context"
	"time"
)

// Source tells which rules a metric server evaluates, and what they say.
type Source interface {
	Rules(ctx context.Context) ([]LiveGroup, error)
	// Name says in evidence what was asked.
	Name() string
}

// LiveGroup is a group that is evaluated.
type LiveGroup struct {
	Name  string
	Rules []LiveRule
}

// LiveRule is an alert rule that is evaluated.
type LiveRule struct {
	Name, Query string
	Healthy     bool   // false when its evaluation fails
	LastError   string // why
	Firing      []Firing
}

// Firing is an alert that fires; pending ones do not.
type Firing struct {
	Labels, Annotations map[string]string
	Value               string
	Since               time.Time // when its expression began to hold
}

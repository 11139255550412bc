package alert

import (
	"context"
	"time"
)

// Source tells which rules a metric server evaluates, and what they say.
type Source interface {
	// Rules are the groups of alert rules, without recording rules. The error
	// says that the server gave no usable answer. Who asks must not change what
	// it is given: others may have been given the same.
	Rules(ctx context.Context) ([]LiveGroup, error)
	// Name says in evidence what was asked.
	Name() string
}

// Within is the source, content with an answer that someone got no longer ago
// than the age, if the source keeps such answers.
func Within(age time.Duration, s Source) Source {
	if shared, ok := s.(interface {
		Within(age time.Duration) Source
	}); ok {
		return shared.Within(age)
	}
	return s
}

// LiveGroup is a group that is evaluated.
type LiveGroup struct {
	Name  string
	Rules []LiveRule
}

// LiveRule is an alert rule that is evaluated.
type LiveRule struct {
	Name, Query string
	Labels      map[string]string // that the rule gives its alerts
	Healthy     bool              // false when its evaluation fails, or has not happened yet
	LastError   string            // why its evaluation fails; empty when it has not happened yet
	Firing      []Firing
	Pending     []Firing // whose expression holds, though not for long enough; nil where the server does not tell
}

// Firing is an alert that fires, or is to.
type Firing struct {
	Labels, Annotations map[string]string
	Value               string
	Since               time.Time // when its expression began to hold
}

// Package analysis judges a release by metrics: it takes samples from a
// metric server, holds each against its limits and says what they amount to.
// It does not decide what becomes of the release.
package analysis

import (
	"context"
	"errors"
	"time"
)

// Source answers PromQL. Its errors wrap ErrRejected, ErrType or an
// UnavailableError where it can tell what is wrong.
type Source interface {
	// Query answers with one point for each series of a vector, or with the
	// one of a scalar.
	Query(ctx context.Context, query string, at time.Time) ([]Point, error)
	// QueryRange answers with the points of each series, oldest first.
	QueryRange(ctx context.Context, query string, from, to time.Time, step time.Duration) ([][]Point, error)
	// Name says in evidence what was asked.
	Name() string
}

// Exactly is the source, answering as of the very moment that is asked for,
// where it may otherwise answer as of a little later: whoever counts from one
// answer to the next would count something twice.
func Exactly(s Source) Source {
	if shared, ok := s.(interface{ Exactly() Source }); ok {
		return shared.Exactly()
	}
	return s
}

// Point is one value.
type Point struct {
	Time  time.Time
	Value float64
	Bound string // of an instant query's series: its label le, if it has one
}

// ErrRejected says that the server understood the query and refused it; the
// error that wraps it has the server's words.
var ErrRejected = errors.New("the server rejects the query")

// ErrType says that the query's answer is not made of numbers.
var ErrType = errors.New("the query does not answer with numbers")

// UnavailableError says that the server gives no answer that can be used.
type UnavailableError struct {
	// How says in which way, in words that are the same from call to call:
	// "does not answer within 5s", "answers with server error: 503".
	How string
	Err error
}

// Error is the way and the cause.
func (e *UnavailableError) Error() string { return e.How + ": " + e.Err.Error() }

// Unwrap is the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Package integration tells stories of releases, with the operator as it is
// built against a real API server, and a world that obeys or misbehaves.
package integration

import (
	"testing"

	"github.com/signal-delivery/operator/test/stage"
)

var on *stage.Stage

func TestMain(m *testing.M) { stage.Main(m, &on) }

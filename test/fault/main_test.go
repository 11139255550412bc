// Package fault disturbs releases at every write that the operator makes: the
// operator dies before it, after it, or after it has been committed but before
// its answer came; or the API server answers with a conflict, too many
// requests, an internal error, or not at all though it committed. The end must
// be that of the undisturbed run.
package fault

import (
	"testing"

	"github.com/signal-delivery/operator/test/stage"
)

var on *stage.Stage

func TestMain(m *testing.M) { stage.Main(m, &on) }

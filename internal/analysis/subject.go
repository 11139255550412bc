package analysis

import (
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Subject is what is judged.
type Subject struct {
	Namespace, Name, Service string
	Release                  string    // hash of the candidate
	Stable                   string    // hash of the stable release; empty for a first release
	Since                    time.Time // since when the candidate has been judged
}

// variables are what a query may contain.
var variables = []string{"namespace", "name", "service", "release", "window"}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// Expand fills in the variables of a query for one release of the subject.
// Their values are names and hashes, which need no escaping in PromQL. The
// window is at least a second.
func Expand(query string, s Subject, release string, window time.Duration) string {
	window = max(window.Truncate(time.Second), time.Second)
	return strings.NewReplacer(
		"${namespace}", s.Namespace, "${name}", s.Name, "${service}", s.Service,
		"${release}", release, "${window}", model.Duration(window).String(),
	).Replace(query)
}

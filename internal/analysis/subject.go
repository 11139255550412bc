package analysis

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Subject is what is judged.
type Subject struct {
	Namespace, Name, Service string
	Release                  string        // hash of the candidate
	Stable                   string        // hash of the release to compare with; empty when there is none under traffic
	Since                    time.Time     // since when the candidate has been judged
	Interval                 time.Duration // between two samples
	Steps                    int           // in which the release is compared
}

// variables are what a query may contain.
var variables = []string{"namespace", "name", "service", "release", "window"}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// Expand fills in the variables of a query for one release of the subject.
// Their values are names and hashes, which need no escaping in PromQL. The
// window is in whole seconds, at least one.
func Expand(query string, s Subject, release string, window time.Duration) string {
	window = max(window.Truncate(time.Second), time.Second)
	return strings.NewReplacer(
		"${namespace}", s.Namespace, "${name}", s.Name, "${service}", s.Service,
		"${release}", release, "${window}", model.Duration(window).String(),
	).Replace(query)
}

// stand is the query with something that parses in place of each variable,
// and as long, so that positions in it are positions in what was written.
func stand(query string) string {
	return variable.ReplaceAllStringFunc(query, func(v string) string {
		if v == "${window}" {
			return fmt.Sprintf("%0*ds", len(v)-1, 60)
		}
		return strings.Repeat("n", len(v))
	})
}

package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Percentiles that are limited and remembered, in tenths of a percent.
var Percentiles = [5]int{500, 900, 950, 990, 999}

// Counts are requests of one part of a load.
type Counts struct {
	Sent   int64
	Errors int64    // no answer, or a status of 400 or above
	Timed  int64    // that were answered, or waited for until the end
	Over   [5]int64 // of these, longer than the limit of each percentile, where there is one
	Late   int64    // that the sender sent too late, for no fault of the service's
}

// Add adds others.
func (c *Counts) Add(o Counts) {
	c.Sent, c.Errors, c.Timed, c.Late = c.Sent+o.Sent, c.Errors+o.Errors, c.Timed+o.Timed, c.Late+o.Late
	for i, n := range o.Over {
		c.Over[i] += n
	}
}

// MarshalJSON is short: the counts without names.
func (c Counts) MarshalJSON() ([]byte, error) {
	return json.Marshal([9]int64{c.Sent, c.Errors, c.Late, c.Timed, c.Over[0], c.Over[1], c.Over[2], c.Over[3], c.Over[4]})
}

// UnmarshalJSON takes what MarshalJSON gives.
func (c *Counts) UnmarshalJSON(text []byte) error {
	var n [9]int64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	*c = Counts{Sent: n[0], Errors: n[1], Late: n[2], Timed: n[3], Over: [5]int64(n[4:])}
	return nil
}

// EdgeCounts are what became of one kind of edge case.
type EdgeCounts struct {
	Sent, Refused, Closed, Accepted, Patient, Broken int64 // answered 4xx; closed; 2xx or 3xx; not at all; 5xx
}

// MarshalJSON is short: the counts without names.
func (c EdgeCounts) MarshalJSON() ([]byte, error) {
	return json.Marshal([6]int64{c.Sent, c.Refused, c.Closed, c.Accepted, c.Patient, c.Broken})
}

// UnmarshalJSON takes what MarshalJSON gives.
func (c *EdgeCounts) UnmarshalJSON(text []byte) error {
	var n [6]int64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	*c = EdgeCounts{n[0], n[1], n[2], n[3], n[4], n[5]}
	return nil
}

// Result is what one worker measured, or all together.
type Result struct {
	Begin   int64                            `json:"b"`           // of the load, in Unix milliseconds
	End     int64                            `json:"e"`           // of the last answer to it
	CPU     int64                            `json:"c,omitempty"` // milliseconds that sending took
	Cut     bool                             `json:"x,omitempty"` // it was stopped before its end
	Windows []Counts                         `json:"w"`
	Steps   []Counts                         `json:"s,omitempty"`
	Classes map[string]int64                 `json:"k,omitempty"` // errors by kind, of what is judged
	Edges   map[v1alpha1.LoadEdge]EdgeCounts `json:"g,omitempty"`
	Faults  []int                            `json:"f,omitempty"` // status of the answer to each
	Text    string                           `json:"h"`           // the histogram

	Workers int           `json:"-"` // that measured it
	Shared  time.Duration `json:"-"` // during which all of them sent
	Latency *Histogram    `json:"-"` // of what is judged
}

// maxClasses is how many kinds of errors one worker tells apart.
const maxClasses = 16

// Other is the kind of errors that there was no room for.
const Other = "other"

// Encode is the result as JSON, of at most 3 KiB.
func (r Result) Encode() json.RawMessage {
	r.Text = r.Latency.Encode()
	if r.Classes = maps.Clone(r.Classes); len(r.Classes) > maxClasses {
		kinds := slices.SortedFunc(maps.Keys(r.Classes), func(a, b string) int {
			return int(r.Classes[b] - r.Classes[a])
		})
		for _, kind := range kinds[maxClasses-1:] {
			r.Classes[Other] += r.Classes[kind]
			if kind != Other {
				delete(r.Classes, kind)
			}
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("loadtest: encode a result: %v", err)) // numbers always encode
	}
	return text
}

// Decode is the result of one worker, if it can be one of such a test.
func Decode(text json.RawMessage, spec v1alpha1.LoadTest) (Result, error) {
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return Result{}, fmt.Errorf("decode the result of a load test: %w", err)
	}
	if len(r.Windows) != len(Windows(spec)) || len(r.Steps) > len(Steps(spec)) || len(r.Classes) > maxClasses+1 || r.End < r.Begin {
		return Result{}, errors.New("the result is not of this load test")
	}
	var err error
	if r.Latency, err = DecodeHistogram(r.Text); err != nil {
		return Result{}, fmt.Errorf("decode the result of a load test: %w", err)
	}
	r.Workers, r.Shared = 1, time.Duration(r.End-r.Begin)*time.Millisecond
	return r, nil
}

// Merge puts together what the workers measured, exactly: what is counted of
// the whole is the sum of what was counted of its parts.
func Merge(results []Result) Result {
	all := Result{Latency: &Histogram{}, Classes: map[string]int64{}, Edges: map[v1alpha1.LoadEdge]EdgeCounts{}, Workers: len(results)}
	var latest, first int64
	for i, r := range results {
		if i == 0 {
			all.Begin, all.End, latest, first = r.Begin, r.End, r.Begin, r.End
		}
		all.Begin, all.End = min(all.Begin, r.Begin), max(all.End, r.End)
		latest, first = max(latest, r.Begin), min(first, r.End)
		all.CPU, all.Cut = all.CPU+r.CPU, all.Cut || r.Cut
		all.Windows, all.Steps = sum(all.Windows, r.Windows), sum(all.Steps, r.Steps)
		for kind, n := range r.Classes {
			all.Classes[kind] += n
		}
		for kind, n := range r.Edges {
			all.Edges[kind] = all.Edges[kind].Plus(n)
		}
		if len(r.Faults) > 0 {
			all.Faults = r.Faults // one of them sends these
		}
		all.Latency.Merge(r.Latency)
	}
	all.Shared = time.Duration(max(0, first-latest)) * time.Millisecond
	return all
}

func sum(a, b []Counts) []Counts {
	out := make([]Counts, max(len(a), len(b)))
	for i := range out {
		if i < len(a) {
			out[i].Add(a[i])
		}
		if i < len(b) {
			out[i].Add(b[i])
		}
	}
	return out
}

// Plus adds others.
func (c EdgeCounts) Plus(o EdgeCounts) EdgeCounts {
	return EdgeCounts{c.Sent + o.Sent, c.Refused + o.Refused, c.Closed + o.Closed, c.Accepted + o.Accepted, c.Patient + o.Patient, c.Broken + o.Broken}
}

// Judged are the counts of all windows that are judged.
func (r Result) Judged(spec v1alpha1.LoadTest) Counts {
	var all Counts
	for i, w := range Windows(spec) {
		if !w.Excused {
			all.Add(r.Windows[i])
		}
	}
	return all
}

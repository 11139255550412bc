package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// answer is a result as text: a line for each series, with its points. It is
// sorted, unless the query sorts.
type answer []string

// question is a query for one time, or for a range if there is a step.
type question struct {
	query    string
	from, to time.Time
	step     time.Duration
}

// sorts reports whether the order of the result is part of the answer.
func (q question) sorts() bool {
	return q.step == 0 && (strings.HasPrefix(q.query, "sort") || strings.HasPrefix(q.query, "topk") || strings.HasPrefix(q.query, "bottomk"))
}

func (q question) answer(lines []string) answer {
	if !q.sorts() {
		slices.Sort(lines)
	}
	return lines
}

// ours asks the operator's store.
func (q question) ours(ctx context.Context) (answer, error) {
	if q.step > 0 {
		m, err := engine.QueryRange(ctx, store, q.query, q.from, q.to, q.step)
		return q.answer(spelled(m)), err
	}
	v, err := engine.Query(ctx, store, q.query, q.from)
	return q.answer(spelled(v)), err
}

func spelled(v parser.Value) []string {
	var lines []string
	switch v := v.(type) {
	case promql.Scalar:
		lines = append(lines, point(v.T, number(v.V)))
	case promql.String:
		lines = append(lines, point(v.T, v.V))
	case promql.Vector:
		for _, s := range v {
			lines = append(lines, s.Metric.String()+points([]promql.FPoint{{T: s.T, F: s.F}}, nil))
			if s.H != nil {
				lines[len(lines)-1] = s.Metric.String() + points(nil, []promql.HPoint{{T: s.T, H: s.H}})
			}
		}
	case promql.Matrix:
		for _, s := range v {
			lines = append(lines, s.Metric.String()+points(s.Floats, s.Histograms))
		}
	}
	return lines
}

func points(floats []promql.FPoint, histograms []promql.HPoint) string {
	var text strings.Builder
	for _, p := range floats {
		text.WriteString(point(p.T, number(p.F)))
	}
	for _, p := range histograms {
		text.WriteString(point(p.T, buckets(p.H)))
	}
	return text.String()
}

func point(at int64, v string) string { return fmt.Sprintf("\n  %v: %s", float64(at)/1000, v) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func buckets(h *histogram.FloatHistogram) string {
	text := fmt.Sprintf("count %s sum %s", number(h.Count), number(h.Sum))
	for it := h.AllBucketIterator(); it.Next(); {
		if b := it.At(); b.Count != 0 {
			text += bucket(b.LowerInclusive, b.UpperInclusive, b.Lower, b.Upper, b.Count)
		}
	}
	return text
}

func bucket(lowerInclusive, upperInclusive bool, lower, upper, count float64) string {
	left, right := "(", ")"
	if lowerInclusive {
		left = "["
	}
	if upperInclusive {
		right = "]"
	}
	return fmt.Sprintf(" %s%s,%s%s:%s", left, number(lower), number(upper), right, number(count))
}

// theirs asks Prometheus. The second value is what it says is wrong.
func (q question) theirs(ctx context.Context) (answer, string, error) { return q.of(ctx, server) }

func (q question) of(ctx context.Context, server *prometheusServer) (answer, string, error) {
	path, parameters := "/api/v1/query", url.Values{"query": {q.query}, "time": {seconds(q.from)}}
	if q.step > 0 {
		path = "/api/v1/query_range"
		parameters = url.Values{"query": {q.query}, "start": {seconds(q.from)}, "end": {seconds(q.to)}, "step": {q.step.String()}}
	}
	r, err := server.get(ctx, path, parameters)
	if err != nil || r.Error != "" {
		return nil, r.Error, err
	}
	var data struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return nil, "", err
	}
	lines, err := read(data.ResultType, data.Result)
	return q.answer(lines), "", err
}

func seconds(at time.Time) string { return fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000) }

// stream is a series in an answer of Prometheus.
type stream struct {
	Metric     map[string]string `json:"metric"`
	Value      *pair             `json:"value"`
	Values     []pair            `json:"values"`
	Histogram  *pair             `json:"histogram"`
	Histograms []pair            `json:"histograms"`
}

func read(kind string, result json.RawMessage) ([]string, error) {
	if kind == "scalar" || kind == "string" {
		var p pair
		err := json.Unmarshal(result, &p)
		return []string{point(p.at, p.text)}, err
	}
	var streams []stream
	if err := json.Unmarshal(result, &streams); err != nil {
		return nil, err
	}
	var lines []string
	for _, s := range streams {
		text := labels.FromMap(s.Metric).String()
		for _, p := range slices.Concat(one(s.Value), s.Values, one(s.Histogram), s.Histograms) {
			text += point(p.at, p.text)
		}
		lines = append(lines, text)
	}
	return lines, nil
}

func one(p *pair) []pair {
	if p == nil {
		return nil
	}
	return []pair{*p}
}

// pair is a time and a value.
type pair struct {
	at   int64 // ms
	text string
}

// UnmarshalJSON reads [seconds, "number"] or [seconds, {histogram}].
func (p *pair) UnmarshalJSON(b []byte) error {
	var raw [2]json.RawMessage
	var at float64
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw[0], &at); err != nil {
		return err
	}
	p.at = int64(math.Round(at * 1000))
	if raw[1][0] == '{' {
		return p.histogram(raw[1])
	}
	if err := json.Unmarshal(raw[1], &p.text); err != nil {
		return err
	}
	if v, err := strconv.ParseFloat(p.text, 64); err == nil {
		p.text = number(v)
	}
	return nil
}

func (p *pair) histogram(b []byte) error {
	var h struct {
		Count   jsonNumber `json:"count"`
		Sum     jsonNumber `json:"sum"`
		Buckets [][4]any   `json:"buckets"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return err
	}
	p.text = fmt.Sprintf("count %s sum %s", number(float64(h.Count)), number(float64(h.Sum)))
	for _, b := range h.Buckets {
		var edges [3]float64
		for i := range edges {
			v, err := strconv.ParseFloat(fmt.Sprint(b[i+1]), 64)
			if err != nil {
				return err
			}
			edges[i] = v
		}
		kind, _ := b[0].(float64)
		p.text += bucket(kind == 1 || kind == 3, kind == 0 || kind == 3, edges[0], edges[1], edges[2])
	}
	return nil
}

// jsonNumber may be "NaN" or "+Inf".
type jsonNumber float64

// UnmarshalJSON reads "number".
func (n *jsonNumber) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*n = jsonNumber(v)
	return err
}

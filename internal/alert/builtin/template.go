package builtin

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"

	"github.com/signal-delivery/operator/internal/verdict"
)

// maxText bounds what a template, and each of its functions, makes, in bytes.
const maxText = 4096

// maxTemplate bounds templates themselves, in bytes.
const maxTemplate = 16 << 10

// The variables that every template of a rule begins with.
const prelude = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

var (
	errQuery  = errors.New("templates cannot query here")
	errRepeat = errors.New("templates cannot repeat or define anything here")
	errLong   = fmt.Errorf("a template has at most %d KiB", maxTemplate>>10)
	errWide   = errors.New("a width or a precision has at most three digits")
)

// wide finds what makes a number of any length of it.
var wide = regexp.MustCompile(`[0-9]{4}|\*`)

// expander expands templates for one series, as Prometheus does. Users write
// them, and the operator runs them: they can neither ask for more data nor
// take more than a little time and memory. What cannot be expanded says so in
// place of the text.
func expander(ctx context.Context, name string, sample promql.Sample, now time.Time) func(string) string {
	data := template.AlertTemplateData(sample.Metric.Map(), nil, "", sample)
	refuse := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, errQuery }
	return func(text string) string {
		if !strings.Contains(text, "{{") {
			return text
		}
		if err := plain(text); err != nil {
			return failure(err)
		}
		e := template.NewTemplateExpander(ctx, prelude+text, "__alert_"+name, data, model.Time(timestamp.FromTime(now)), refuse, &url.URL{}, nil)
		e.Funcs(bounded)
		out, err := e.Expand()
		if err != nil {
			return failure(err)
		}
		return verdict.Clip(out, maxText)
	}
}

func failure(err error) string {
	return verdict.Clip(fmt.Sprintf("<error expanding template: %v>", err), maxText)
}

// plain checks that a template says each thing once. What does not parse is
// left for the expansion to explain.
func plain(text string) error {
	if len(text) > maxTemplate {
		return errLong
	}
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(prelude+text, "", "", trees); err != nil {
		return nil //nolint:nilerr // the expansion says it, and in the field's words
	}
	if len(trees) > 1 || repeats(tree.Root) {
		return errRepeat
	}
	return nil
}

// repeats reports whether a node runs anything again.
func repeats(node parse.Node) bool {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return false
		}
		return slices.ContainsFunc(n.Nodes, repeats)
	case *parse.IfNode:
		return repeats(n.List) || repeats(n.ElseList)
	case *parse.WithNode:
		return repeats(n.List) || repeats(n.ElseList)
	case *parse.RangeNode, *parse.TemplateNode:
		return true
	}
	return false
}

// bounded are the functions that can make long texts of short ones, and do so
// no longer.
var bounded = texttemplate.FuncMap{
	"printf": func(format string, args ...any) (string, error) {
		if wide.MatchString(format) {
			return "", errWide
		}
		return verdict.Clip(fmt.Sprintf(verdict.Clip(format, maxText), args...), maxText), nil
	},
	"print":          func(args ...any) string { return verdict.Clip(fmt.Sprint(args...), maxText) },
	"println":        func(args ...any) string { return verdict.Clip(fmt.Sprintln(args...), maxText) },
	"html":           func(args ...any) string { return verdict.Clip(texttemplate.HTMLEscaper(args...), maxText) },
	"js":             func(args ...any) string { return verdict.Clip(texttemplate.JSEscaper(args...), maxText) },
	"urlquery":       func(args ...any) string { return verdict.Clip(texttemplate.URLQueryEscaper(args...), maxText) },
	"urlQueryEscape": func(text string) string { return verdict.Clip(url.QueryEscape(text), maxText) },
	"safeHtml":       func(text string) htmltemplate.HTML { return htmltemplate.HTML(verdict.Clip(text, maxText)) }, //nolint:gosec // nobody renders it
	"reReplaceAll": func(pattern, replacement, text string) (string, error) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return "", err
		}
		return verdict.Clip(re.ReplaceAllString(verdict.Clip(text, maxText), verdict.Clip(replacement, maxText)), maxText), nil
	},
	"args":      func(...any) (any, error) { return nil, errRepeat }, // only other templates take them
	"graphLink": noLink,
	"tableLink": noLink,
}

// noLink is what a link to a server that there is not amounts to.
func noLink(string) string { return "" }

package builtin

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// Templates say what they say in Prometheus.
func TestTemplates(t *testing.T) {
	sample := promql.Sample{Metric: labels.FromStrings("__name__", "errors", "pod", "a-1", "instance", "10.0.0.1:8080"), F: 0.03125}
	const failed = "<error expanding template: "
	for name, tc := range map[string]struct{ text, want string }{
		"plain text":              {"nothing to see", "nothing to see"},
		"a label":                 {"{{ $labels.pod }} of {{ .Labels.instance }}", "a-1 of 10.0.0.1:8080"},
		"a label there is not":    {"<{{ $labels.zone }}>", "<>"},
		"the metric":              {"{{ $labels.__name__ }}", "errors"},
		"the value":               {"{{ $value }} {{ .Value }}", "0.03125 0.03125"},
		"a formatted value":       {`{{ printf "%.1f" $value }} {{ $value | printf "%5.3g" }}`, "0.0 0.0312"},
		"a share":                 {"{{ $value | humanizePercentage }}", "3.125%"},
		"a duration":              {"{{ 93784 | humanizeDuration }}", "1d 2h 3m 4s"},
		"a moment":                {"{{ now }} {{ 0 | humanizeTimestamp }}", "1.8934992e+09 1970-01-01 00:00:00 +0000 UTC"},
		"a choice":                {`{{ if gt $value 0.03 }}high{{ else }}low{{ end }} {{ with $labels.pod }}{{ . }}{{ end }}`, "high a-1"},
		"a function of text":      {`{{ reReplaceAll "(.)-(.)" "$2$1" $labels.pod | toUpper }}{{ print 1 2 }}`, "1A1 2"},
		"a host":                  {"{{ stripPort $labels.instance }}", "10.0.0.1"},
		"external":                {"<{{ $externalURL }}{{ externalURL }}{{ $externalLabels.x }}>", "<>"},
		"links to nowhere":        {`<{{ graphLink "up" }}{{ tableLink "up" }}>`, "<>"},
		"no template":             {"{{ $value", failed + `error parsing template __alert_A: template: __alert_A:1: unclosed action>`},
		"no function":             {"{{ nope }}", failed + `error parsing template __alert_A: template: __alert_A:1: function "nope" not defined>`},
		"a query":                 {`{{ query "up" }}`, failed + `error executing template __alert_A: template: __alert_A:1:115: executing "__alert_A" at <query "up">: error calling query: templates cannot query here>`},
		"a bad expression":        {`{{ reReplaceAll "(" "" "" }}`, failed + "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at <reReplaceAll \"(\" \"\" \"\">: error calling reReplaceAll: error parsing regexp: missing closing ): `(`>"},
		"a loop":                  {`{{ range 1000000000 }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"a loop, if":              {`{{ if true }}{{ range 9 }}{{ end }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"a loop, if not":          {`{{ if true }}{{ else }}{{ range 9 }}{{ end }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"a loop, with":            {`{{ with 1 }}{{ range 9 }}{{ end }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"a loop, without":         {`{{ with 1 }}{{ else }}{{ range 9 }}{{ end }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"a definition":            {`{{ define "x" }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"another template":        {`{{ template "x" }}`, failed + "templates cannot repeat or define anything here>"},
		"a block":                 {`{{ block "x" . }}{{ end }}`, failed + "templates cannot repeat or define anything here>"},
		"arguments for another":   {`{{ args 1 }}`, failed + `error executing template __alert_A: template: __alert_A:1:115: executing "__alert_A" at <args 1>: error calling args: templates cannot repeat or define anything here>`},
		"a width":                 {`{{ printf "%999d" 1 | len }}`, "999"},
		"too wide":                {`{{ printf "%1000d" 1 | len }}`, failed + `error executing template __alert_A: template: __alert_A:1:115: executing "__alert_A" at <printf "%1000d" 1>: error calling printf: a width or a precision has at most three digits>`},
		"any width":               {`{{ printf "%*d" 99999 1 | len }}`, failed + `error executing template __alert_A: template: __alert_A:1:115: executing "__alert_A" at <printf "%*d" 99999 1>: error calling printf: a width or a precision has at most three digits>`},
		"as long as it may be":    {strings.Repeat("x", maxTemplate-5) + "{{1}}", strings.Repeat("x", maxText-3) + "…"},
		"too long":                {strings.Repeat("x", maxTemplate-4) + "{{1}}", failed + "a template has at most 16 KiB>"},
		"long, and no template":   {strings.Repeat("x", maxTemplate+1), strings.Repeat("x", maxTemplate+1)},
		"doubles by printf":       {doubles(`printf "%s%s" $x $x`), "4096"},
		"doubles by print":        {doubles(`print $x $x`), "4096"},
		"doubles by println":      {doubles(`println $x $x`), "4096"},
		"doubles by html":         {doubles(`html (print "<" $x) $x`), "4096"},
		"doubles by js":           {doubles(`js (print "<" $x) $x`), "4096"},
		"doubles by urlquery":     {doubles(`urlquery $x $x`), "4096"},
		"triples by escaping":     {`{{ $x := "%" }}` + strings.Repeat(`{{ $x = urlQueryEscape (print $x "%%%%%%%%") }}`, 40) + "{{ len $x }}", "4096"},
		"doubles by replacing":    {doubles(`reReplaceAll "^" $x $x`), "4096"},
		"text that is safe":       {`{{ safeHtml "<b>" }}`, "<b>"},
		"what Prometheus escapes": {`{{ html "<" }} {{ urlquery "a b" }} {{ urlQueryEscape "a b" }} {{ js "'" }}`, `&lt; a+b a+b \'`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := expander(t.Context(), "A", sample, noon)(tc.text); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// doubles makes a text longer and longer, and tells its length.
func doubles(how string) string {
	return `{{ $x := "xx" }}` + strings.Repeat("{{ $x = "+how+" }}", 40) + "{{ len $x }}"
}

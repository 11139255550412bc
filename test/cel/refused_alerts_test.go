package cel_test

import (
	"strings"
	"testing"
)

func TestRefusedAlerts(t *testing.T) {
	t.Parallel()
	const (
		library  = "spec.alerts.library."
		override = library + "overrides.0."
		group    = "spec.alerts.groups.0."
		rule     = group + "rules.0."
		duration = `must be a Prometheus duration such as 15s or 1m`
	)
	refused(t, map[string]refusal{
		"alert server empty":        {set("spec.alerts.server", ""), `spec.alerts.server in body should be at least 1 chars long`},
		"alert server too long":     {set("spec.alerts.server", long(64)), `spec.alerts.server: Too long`},
		"17 groups":                 {fill("spec.alerts.groups", 16, named), `spec.alerts.groups: Too many: 17: must have at most 16 items`},
		"group twice":               {twice("spec.alerts.groups"), `spec.alerts.groups[1]: Duplicate value: {"name":"signal-service"}`},
		"group without a name":      {drop(group + "name"), `spec.alerts.groups[0].name: Required value`},
		"group with empty name":     {set(group+"name", ""), `spec.alerts.groups[0].name in body should be at least 1 chars long`},
		"group name too long":       {set(group+"name", long(64)), `spec.alerts.groups[0].name: Too long`},
		"interval without unit":     {set(group+"interval", "15"), `spec.alerts.groups[0].interval: Invalid value: "15": ` + duration},
		"interval of 17 letters":    {set(group+"interval", "1s1s1s1s1s1s1s1ms"), `spec.alerts.groups[0].interval: Too long`},
		"interval empty":            {set(group+"interval", ""), `spec.alerts.groups[0].interval in body should be at least 1 chars long`},
		"no rules":                  {drop(group + "rules"), `spec.alerts.groups[0].rules: Required value`},
		"rules empty":               {set(group+"rules", []any{}), `spec.alerts.groups[0].rules in body should have at least 1 items`},
		"65 rules":                  {fill(group+"rules", 64, same), `spec.alerts.groups[0].rules: Too many: 65: must have at most 64 items`},
		"rule without a name":       {drop(rule + "alert"), `spec.alerts.groups[0].rules[0].alert: Required value`},
		"rule name empty":           {set(rule+"alert", ""), `spec.alerts.groups[0].rules[0].alert in body should be at least 1 chars long`},
		"rule name with a dash":     {set(rule+"alert", "High-Errors"), `spec.alerts.groups[0].rules[0].alert: Invalid value: "High-Errors": must be an alert name: letters, digits and '_', not beginning with a digit`},
		"rule name with a digit":    {set(rule+"alert", "5xx"), `must be an alert name: letters, digits and '_', not beginning with a digit`},
		"rule name too long":        {set(rule+"alert", long(129)), `spec.alerts.groups[0].rules[0].alert: Too long`},
		"recording rule":            {all(drop(rule+"alert"), set(rule+"record", "job:errors")), `unknown field "spec.alerts.groups[0].rules[0].record"`},
		"rule without expression":   {drop(rule + "expr"), `spec.alerts.groups[0].rules[0].expr: Required value`},
		"expression empty":          {set(rule+"expr", ""), `spec.alerts.groups[0].rules[0].expr in body should be at least 1 chars long`},
		"expression too long":       {set(rule+"expr", long(4097)), `spec.alerts.groups[0].rules[0].expr: Too long`},
		"expression as a number":    {set(rule+"expr", int64(1)), `spec.alerts.groups[0].rules[0].expr in body must be of type string: "integer"`},
		"for in words":              {set(rule+"for", "five minutes"), `spec.alerts.groups[0].rules[0].for: Invalid value: "five minutes": ` + duration},
		"for with a fraction":       {set(rule+"for", "1.5m"), duration},
		"for as a number":           {set(rule+"for", int64(60)), `spec.alerts.groups[0].rules[0].for in body must be of type string: "integer"`},
		"for empty":                 {set(rule+"for", ""), `spec.alerts.groups[0].rules[0].for in body should be at least 1 chars long`},
		"for of 17 letters":         {set(rule+"for", "1s1s1s1s1s1s1s1ms"), `spec.alerts.groups[0].rules[0].for: Too long`},
		"33 labels":                 {set(rule+"labels", texts(33)), `spec.alerts.groups[0].rules[0].labels: Too many: 33: must have at most 32 items`},
		"33 annotations":            {set(rule+"annotations", texts(33)), `spec.alerts.groups[0].rules[0].annotations: Too many: 33: must have at most 32 items`},
		"severity as a number":      {set(rule+"labels.severity", int64(1)), `spec.alerts.groups[0].rules[0].labels.severity in body must be of type string: "integer"`},
		"9 files of rules":          {fill("spec.alerts.rulesFrom", 8, named), `spec.alerts.rulesFrom: Too many: 9: must have at most 8 items`},
		"file without a name":       {drop("spec.alerts.rulesFrom.0.name"), `spec.alerts.rulesFrom[0].name: Required value`},
		"file of an empty name":     {set("spec.alerts.rulesFrom.0.name", ""), `spec.alerts.rulesFrom[0].name in body should be at least 1 chars long`},
		"file of too long a name":   {set("spec.alerts.rulesFrom.0.name", long(254)), `spec.alerts.rulesFrom[0].name: Too long`},
		"file of an empty key":      {set("spec.alerts.rulesFrom.0.key", ""), `spec.alerts.rulesFrom[0].key in body should be at least 1 chars long`},
		"file of too long a key":    {set("spec.alerts.rulesFrom.0.key", long(254)), `spec.alerts.rulesFrom[0].key: Too long`},
		"file of another space":     {set("spec.alerts.rulesFrom.0.namespace", "prod"), `unknown field "spec.alerts.rulesFrom[0].namespace"`},
		"library of another mode":   {set(library+"mode", "Off"), `spec.alerts.library.mode: Unsupported value: "Off": supported values: "Enabled", "Disabled"`},
		"default rule off twice":    {set(library+"disable", []any{"A", "A"}), `spec.alerts.library.disable[1]: Duplicate value: "A"`},
		"default rule without name": {set(library+"disable", []any{""}), `spec.alerts.library.disable[0] in body should be at least 1 chars long`},
		"rule overridden twice":     {twice(library + "overrides"), `spec.alerts.library.overrides[1]: Duplicate value: {"alert":"SignalLatencyHigh"}`},
		"override of no rule":       {drop(override + "alert"), `spec.alerts.library.overrides[0].alert: Required value`},
		"override of nothing":       {all(drop(override+"limits"), drop(override+"for"), drop(override+"severity")), `spec.alerts.library.overrides[0]: Invalid value: changes nothing: set limits, for or severity`},
		"override for words":        {set(override+"for", "long"), `spec.alerts.library.overrides[0].for: Invalid value: "long": ` + duration},
		"override severity empty":   {set(override+"severity", ""), `spec.alerts.library.overrides[0].severity in body should be at least 1 chars long`},
		"limit without a name":      {drop(override + "limits.0.name"), `spec.alerts.library.overrides[0].limits[0].name: Required value`},
		"limit in capitals":         {set(override+"limits.0.name", "P95"), `spec.alerts.library.overrides[0].limits[0].name: Invalid value: "P95": must consist of letters and digits, and begin with a lower-case letter`},
		"limit without a value":     {drop(override + "limits.0.value"), `spec.alerts.library.overrides[0].limits[0].value: Required value`},
		"limit with a unit":         {set(override+"limits.0.value", "500ms"), `spec.alerts.library.overrides[0].limits[0].value: Invalid value: "500ms": must be an integer or a decimal number in quotes, such as "0.05"`},
		"limit without quotes":      {set(override+"limits.0.value", 0.05), `spec.alerts.library.overrides[0].limits[0].value in body must be of type integer,string: "number"`},
		"limit of 33 letters":       {set(override+"limits.0.value", strings.Repeat("1", 33)), `spec.alerts.library.overrides[0].limits[0].value: Too long`},
		"severity twice":            {set("spec.alerts.rollbackOn", []any{"page", "page"}), `spec.alerts.rollbackOn[1]: Duplicate value: "page"`},
		"severity empty":            {set("spec.alerts.rollbackOn", []any{""}), `spec.alerts.rollbackOn[0] in body should be at least 1 chars long`},
		"severity too long":         {set("spec.alerts.rollbackOn", []any{long(64)}), `spec.alerts.rollbackOn[0]: Too long`},
		"9 severities":              {set("spec.alerts.rollbackOn", []any{"a", "b", "c", "d", "e", "f", "g", "h", "i"}), `spec.alerts.rollbackOn: Too many: 9: must have at most 8 items`},
		"severity not in a list":    {set("spec.alerts.rollbackOn", "critical"), `spec.alerts.rollbackOn in body must be of type array: "string"`},
	})
}

// texts is a map of n texts.
func texts(n int) map[string]any {
	m := map[string]any{}
	for i := range n {
		m[long(i+1)] = "x"
	}
	return m
}

package dashboard

// Sizes, of a grid that is 24 wide.
const (
	gridWidth   = 24
	panelHeight = 8
)

// row is a headline and what stands below it, side by side.
type row struct {
	title  string
	panels []plan
}

// plan is a panel before it has a place.
type plan struct {
	kind, title, says string
	unit              string
	width             int
	least, most       *float64
	warn, bad         *float64 // from where values are yellow and red
	asks              []ask
	options, custom   map[string]any
	instant           bool
}

// ask is a query and how its series are named.
type ask struct{ expr, legend string }

// grid gives panels their numbers and places, row by row.
type grid struct {
	panels []panel
	y      int
}

func (g *grid) row(r row) {
	g.add(panel{Type: "row", Title: r.title, Collapsed: new(false), Panels: []panel{}}, position{H: 1, W: gridWidth})
	g.y++
	x := 0
	for _, p := range r.panels {
		if x+p.width > gridWidth {
			x, g.y = 0, g.y+panelHeight
		}
		g.add(p.build(), position{H: panelHeight, W: p.width, X: x})
		x += p.width
	}
	g.y += panelHeight
}

func (g *grid) add(p panel, at position) {
	at.Y = g.y
	p.ID, p.GridPos = len(g.panels)+1, at
	g.panels = append(g.panels, p)
}

// build is the panel as Grafana has it.
func (p plan) build() panel {
	if p.bad != nil && p.custom != nil {
		p.custom["thresholdsStyle"] = map[string]any{"mode": "dashed"}
	}
	out := panel{
		Type: p.kind, Title: p.title, Description: p.says, Datasource: &prometheus, Options: p.options,
		FieldConfig: &fieldConfig{Overrides: []any{}, Defaults: defaults{Unit: p.unit, Min: p.least, Max: p.most, Custom: p.custom, Thresholds: p.thresholds()}},
	}
	for i, a := range p.asks {
		out.Targets = append(out.Targets, target{
			RefID: string(rune('A' + i)), Datasource: prometheus, Expr: a.expr, LegendFormat: a.legend, EditorMode: "code", Range: !p.instant, Instant: p.instant,
		})
	}
	return out
}

func (p plan) thresholds() *thresholds {
	t := &thresholds{Mode: "absolute", Steps: []threshold{{Color: "green"}}}
	if p.warn != nil {
		t.Steps = append(t.Steps, threshold{"yellow", p.warn})
	}
	if p.bad != nil {
		t.Steps = append(t.Steps, threshold{"red", p.bad})
	}
	return t
}

// graph is values over time.
func graph(title, unit, says string, asks ...ask) plan {
	return plan{
		kind: "timeseries", title: title, says: says, unit: unit, width: 8, least: new(0.0), asks: asks,
		custom: map[string]any{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false},
		options: map[string]any{
			"legend":  map[string]any{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull", "max"}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		},
	}
}

// steps draws what changes at once as it changes.
func (p plan) steps() plan {
	p.custom = map[string]any{"drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 2, "fillOpacity": 20, "showPoints": "never", "spanNulls": false}
	return p
}

// within bounds a share: it ends at 1, and is odd from warn, bad from bad.
func (p plan) within(warn, bad float64) plan {
	p.most, p.warn, p.bad = new(1.0), &warn, &bad
	return p
}

func (p plan) wide(width int) plan {
	p.width = width
	return p
}

// timeline is which of several states held when.
func timeline(title, says string, asks ...ask) plan {
	return plan{
		kind: "state-timeline", title: title, says: says, width: 8, asks: asks,
		custom: map[string]any{"lineWidth": 0, "fillOpacity": 80},
		options: map[string]any{
			"showValue": "never", "mergeValues": true, "alignValue": "left", "rowHeight": 0.9,
			"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []string{}}, "tooltip": map[string]any{"mode": "single", "sort": "none"},
		},
	}
}

// number is one value for each series, over the time shown.
func number(title, says string, asks ...ask) plan {
	return plan{
		kind: "stat", title: title, says: says, unit: "short", width: 8, asks: asks, instant: true,
		options: map[string]any{
			"colorMode": "none", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "value_and_name",
			"wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
			"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
	}
}

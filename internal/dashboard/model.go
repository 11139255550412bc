package dashboard

// schemaVersion is Grafana 10.4's; later ones migrate it.
const schemaVersion = 39

// model is a dashboard as Grafana has it, as far as it is used here. Fields
// are written in this order, so that equal dashboards have equal bytes.
type model struct {
	UID           string           `json:"uid"`
	Title         string           `json:"title"`
	Description   string           `json:"description"`
	Tags          []string         `json:"tags"`
	Editable      bool             `json:"editable"`
	GraphTooltip  int              `json:"graphTooltip"` // 1 shares the crosshair
	SchemaVersion int              `json:"schemaVersion"`
	Timezone      string           `json:"timezone"`
	Refresh       string           `json:"refresh"`
	Time          span             `json:"time"`
	Links         []any            `json:"links"`
	Annotations   list[annotation] `json:"annotations"`
	Templating    list[variable]   `json:"templating"`
	Panels        []panel          `json:"panels"`
}

type list[T any] struct {
	List []T `json:"list"`
}

type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// prometheus is the data source that whoever looks has chosen.
var prometheus = source{"prometheus", "${datasource}"}

// annotation marks moments in every panel.
type annotation struct {
	Name        string `json:"name"`
	Datasource  source `json:"datasource"`
	Enable      bool   `json:"enable"`
	IconColor   string `json:"iconColor"`
	Expr        string `json:"expr"`
	Step        string `json:"step"`
	TitleFormat string `json:"titleFormat"`
	TextFormat  string `json:"textFormat"`
}

// variable is what whoever looks can choose.
type variable struct {
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Type       string  `json:"type"`
	Query      string  `json:"query"`
	Datasource *source `json:"datasource,omitempty"`
	Definition string  `json:"definition,omitempty"`
	Refresh    int     `json:"refresh,omitempty"` // 2 asks again when the time range changes
	Sort       int     `json:"sort,omitempty"`
	Multi      bool    `json:"multi"`
	IncludeAll bool    `json:"includeAll"`
	AllValue   string  `json:"allValue,omitempty"`
	Current    any     `json:"current,omitempty"`
}

type panel struct {
	ID          int            `json:"id"`
	Type        string         `json:"type"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	GridPos     position       `json:"gridPos"`
	Collapsed   *bool          `json:"collapsed,omitempty"` // of a row
	Panels      []panel        `json:"panels,omitzero"`     // of a row; none, since it is open
	Datasource  *source        `json:"datasource,omitempty"`
	FieldConfig *fieldConfig   `json:"fieldConfig,omitempty"`
	Options     map[string]any `json:"options,omitempty"`
	Targets     []target       `json:"targets,omitempty"`
}

type position struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type fieldConfig struct {
	Defaults  defaults `json:"defaults"`
	Overrides []any    `json:"overrides"`
}

type defaults struct {
	Unit       string         `json:"unit,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	Thresholds *thresholds    `json:"thresholds,omitempty"`
	Custom     map[string]any `json:"custom,omitempty"`
}

type thresholds struct {
	Mode  string      `json:"mode"`
	Steps []threshold `json:"steps"`
}

type threshold struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"` // nil is the colour of what is below all others
}

type target struct {
	RefID        string `json:"refId"`
	Datasource   source `json:"datasource"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	EditorMode   string `json:"editorMode"`
	Range        bool   `json:"range"`
	Instant      bool   `json:"instant"`
}

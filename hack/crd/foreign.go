package main

import apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

// foreign are the fields whose types belong to Kubernetes, and some that are
// told elsewhere. "[]" is an item of a list.
var foreign = [][]string{
	{"spec", "template"},
	{"spec", "artifact", "build", "job", "resources"},
	{"spec", "checks", "load", "background", "resources"},
	{"spec", "checks", "security", "resources"},
	{"spec", "checks", "smoke", "[]", "job", "resources"},
	{"spec", "checks", "load", "test", "requests"}, // told at background, which has the same
	{"spec", "checks", "load", "test", "limits"},   // their names tell; so do docs/load.md
	{"spec", "checks", "load", "test", "peak"},
	{"spec", "checks", "load", "test", "faults"},
	{"status", "loads"},
	{"status", "conditions"},
}

// silenceForeign drops the descriptions beneath each foreign field. The
// field's own description is ours and stays.
func silenceForeign(root *apiextensionsv1.JSONSchemaProps) {
	for _, path := range foreign {
		edit(root, path, func(field *apiextensionsv1.JSONSchemaProps) {
			ours := field.Description
			silence(field)
			field.Description = ours
		})
	}
}

// edit changes the field at a path, and leaves a schema alone that has none.
func edit(schema *apiextensionsv1.JSONSchemaProps, path []string, change func(*apiextensionsv1.JSONSchemaProps)) {
	switch {
	case schema == nil:
	case len(path) == 0:
		change(schema)
	case path[0] == "[]":
		if schema.Items != nil {
			edit(schema.Items.Schema, path[1:], change)
		}
	default:
		if field, known := schema.Properties[path[0]]; known {
			edit(&field, path[1:], change)
			schema.Properties[path[0]] = field
		}
	}
}

// silence drops the descriptions of a schema and of everything beneath it.
func silence(schema *apiextensionsv1.JSONSchemaProps) {
	schema.Description = ""
	for name, field := range schema.Properties {
		silence(&field)
		schema.Properties[name] = field
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		silence(schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		silence(schema.AdditionalProperties.Schema)
	}
}

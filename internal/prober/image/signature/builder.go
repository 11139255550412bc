package signature

// builder is who built the image, as a verified provenance of SLSA says.
func builder(p proof) string {
	predicate := p.statement.GetPredicate().AsMap()
	switch p.statement.GetPredicateType() {
	case "https://slsa.dev/provenance/v1":
		return text(predicate, "runDetails", "builder", "id")
	case "https://slsa.dev/provenance/v0.2":
		return text(predicate, "builder", "id")
	}
	return ""
}

// text is the text at a path of an object, or none.
func text(object map[string]any, path ...string) string {
	var at any = object
	for _, key := range path {
		inside, _ := at.(map[string]any)
		at = inside[key]
	}
	said, _ := at.(string)
	return said
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

const generated = "{{- /* Generated from config/ by make manifests; do not edit. */ -}}\n"

const keep = `    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
`

const labels = `  labels:
    {{- include "signal-operator.labels" . | nindent 4 }}
`

// fromCRD is the template of a CRD that is installed, and kept, by choice. It
// relies on the CRD having annotations, written before its name.
func fromCRD(crd []byte) ([]byte, error) {
	body := strings.TrimPrefix(string(crd), "---\n")
	body = strings.ReplaceAll(body, "{{", `{{ "{{" }}`)
	head, rest, ok := strings.Cut(body, "  annotations:\n")
	if !ok {
		return nil, errors.New("the CRD has no annotations to add to")
	}
	annotations, rest, ok := strings.Cut(rest, "  name: ")
	if !ok {
		return nil, errors.New("the CRD has no name after its annotations")
	}
	return []byte(generated + "{{- if .Values.crds.install }}\n" +
		head + "  annotations:\n" + keep + annotations + labels + "  name: " + rest +
		"{{- end }}\n"), nil
}

// fromRoles is a template of rules for each role, named as the role is.
func fromRoles(roles [][]byte) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(generated)
	for _, text := range roles {
		role := &rbacv1.ClusterRole{} // a Role's fields are a ClusterRole's too
		if err := yaml.UnmarshalStrict(text, role); err != nil {
			return nil, fmt.Errorf("decode the role: %w", err)
		}
		rules, err := yaml.Marshal(role.Rules)
		if err != nil {
			return nil, fmt.Errorf("encode the rules of %s: %w", role.Name, err)
		}
		fmt.Fprintf(&out, "\n{{- define \"rules.%s\" -}}\n%s{{- end }}\n", role.Name, rules)
	}
	return out.Bytes(), nil
}

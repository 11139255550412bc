package main

import (
	"fmt"
	"strings"
)

// guarded opens what is there only with the guard: always or never by choice,
// else where the API is. Without a cluster, Helm knows its version alone. The
// namespaced mode has nothing cluster-scoped unless it is asked for.
const guarded = `{{- $enabled := toString .Values.admissionPolicy.enabled }}
{{- $api := .Capabilities.APIVersions }}
{{- $served := $api.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" }}
{{- if not ($api.Has "apps/v1/Deployment") }}
{{- $served = semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
{{- end }}
{{- $namespaces := include "signal-operator.namespaces" . }}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") $served (not $namespaces)) }}
`

// switchedOff is the last of a binding's demands on a namespace.
const switchedOff = `      - {key: delivery.signal.dev/guard, operator: NotIn, values: ["off"]}
`

// inNamespaces narrows it to the namespaces of the namespaced mode: releases
// elsewhere are another operator's.
const inNamespaces = `      {{- with $namespaces }}
      - {key: kubernetes.io/metadata.name, operator: In, values: {{ splitList "," . | toJson }}}
      {{- end }}
`

// replacements are what of the policies is the release's own. Each must be
// there: one that no longer is would leave the chart's guard with a user or a
// name that it does not have.
var replacements = []struct{ from, to string }{
	{"system:serviceaccount:signal-operator-system:signal-operator", `system:serviceaccount:{{ .Release.Namespace }}:{{ include "signal-operator.serviceAccountName" . }}`},
	{"  name: signal-operator-", `  name: {{ include "signal-operator.fullname" . }}-`},
	{"  policyName: signal-operator-", `  policyName: {{ include "signal-operator.fullname" . }}-`},
	{"  labels: {app.kubernetes.io/name: signal-operator}\n", labels},
	{switchedOff, switchedOff + inNamespaces},
}

// fromPolicies is the template of the policies and their bindings.
func fromPolicies(policies [][]byte) ([]byte, error) {
	var parts []string
	for _, text := range policies {
		parts = append(parts, string(text))
	}
	body := strings.ReplaceAll(strings.Join(parts, "---\n"), "{{", `{{ "{{" }}`)
	for _, r := range replacements {
		if !strings.Contains(body, r.from) {
			return nil, fmt.Errorf("the policies do not say %q", strings.TrimSpace(r.from))
		}
		body = strings.ReplaceAll(body, r.from, r.to)
	}
	return []byte(generated + guarded + body + "{{- end }}\n"), nil
}

{{- define "signal-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "signal-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- $name := include "signal-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "signal-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "signal-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "signal-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "signal-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "signal-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "signal-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "signal-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* The namespaces of the namespaced mode, separated by commas, or nothing. */ -}}
{{- define "signal-operator.namespaces" -}}
{{- if .Values.watchNamespaces }}
{{- join "," .Values.watchNamespaces }}
{{- else if .Values.rbac.namespaced }}
{{- .Release.Namespace }}
{{- end }}
{{- end }}

{{- define "signal-operator.metricsAccess" -}}
{{- $namespaced := ne (include "signal-operator.namespaces" .) "" }}
{{- if and $namespaced (eq .Values.metrics.access "Authenticated") }}
{{- fail "metrics.access: Authenticated takes a ClusterRole, which the namespaced mode rules out: choose Localhost, Open or Off" }}
{{- end }}
{{- default (ternary "Localhost" "Authenticated" $namespaced) .Values.metrics.access }}
{{- end }}

{{- /* Whether metrics are served to other pods: "true" or nothing. */ -}}
{{- define "signal-operator.metricsServed" -}}
{{- if has (include "signal-operator.metricsAccess" .) (list "Authenticated" "Open") }}true{{ end }}
{{- end }}

{{- define "signal-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "signal-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* Generated from config/ by make manifests; do not edit. */ -}}

{{- define "rules.signal-operator-leader-election" -}}
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resourceNames:
  - signal-operator.delivery.signal.dev
  resources:
  - leases
  verbs:
  - get
  - update
- apiGroups:
  - ""
  resources:
  - events
  verbs:
  - create
  - patch
{{- end }}

{{- define "rules.signal-operator-metrics-auth" -}}
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - authorization.k8s.io
  resources:
  - subjectaccessreviews
  verbs:
  - create
{{- end }}

{{- define "rules.signal-operator-metrics-reader" -}}
- nonResourceURLs:
  - /metrics
  verbs:
  - get
{{- end }}

{{- define "rules.signal-operator-nodes" -}}
- apiGroups:
  - ""
  resources:
  - nodes
  verbs:
  - list
  - watch
{{- end }}

{{- define "rules.signal-operator" -}}
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - watch
- apiGroups:
  - ""
  resources:
  - pods
  - resourcequotas
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - create
  - get
  - list
  - patch
  - watch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - watch
- apiGroups:
  - batch
  resources:
  - jobs
  verbs:
  - create
  - get
  - list
  - watch
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments
  verbs:
  - get
  - list
  - patch
  - watch
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments/finalizers
  verbs:
  - update
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments/status
  verbs:
  - patch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - events.k8s.io
  resources:
  - events
  verbs:
  - create
  - patch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - httproutes
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - watch
- apiGroups:
  - grafana.integreatly.org
  resources:
  - grafanadashboards
  verbs:
  - create
  - get
  - list
  - patch
  - watch
- apiGroups:
  - monitoring.coreos.com
  resources:
  - prometheuses
  verbs:
  - list
- apiGroups:
  - monitoring.coreos.com
  resources:
  - prometheusrules
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - watch
- apiGroups:
  - policy
  resources:
  - poddisruptionbudgets
  verbs:
  - create
  - get
  - list
  - patch
  - watch
{{- end }}

{{- define "rules.signal-operator-approver" -}}
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments
  verbs:
  - get
  - list
  - watch
  - patch
{{- end }}

{{- define "rules.signal-operator-editor" -}}
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments
  verbs:
  - create
  - update
  - patch
  - delete
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments/scale
  verbs:
  - update
  - patch
{{- end }}

{{- define "rules.signal-operator-viewer" -}}
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - delivery.signal.dev
  resources:
  - signaldeployments/status
  - signaldeployments/scale
  verbs:
  - get
{{- end }}

package cel_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// everything is a SignalDeployment that uses every field. The cases change it
// in one place.
const everything = `
apiVersion: delivery.signal.dev/v1alpha1
kind: SignalDeployment
metadata:
  name: signal-service
  namespace: default
spec:
  version: v1.0.0
  environment: prod
  replicas: 4
  paused: false
  template:
    metadata:
      labels: {tier: backend}
      annotations: {prometheus.io/scrape: "true"}
    spec:
      containers:
      - name: signal
        ports: [{name: http, containerPort: 8080}]
        envFrom: [{configMapRef: {name: signal-service}}]
        resources: {requests: {cpu: 100m}}
  artifact:
    image: registry.example/acme/signal-service:v1.0.0
    container: signal
  service:
    ports:
    - {name: http, port: 80, targetPort: http, protocol: TCP, appProtocol: http}
    - {name: grpc, port: 9090, targetPort: 9090}
  traffic:
    httpRoutes: [{name: signal-service}]
  gates:
  - {name: office-hours, window: {timeZone: Europe/Vienna, openings: [{schedule: 0 9 * * 1-4, durationSeconds: 25200}]}}
  - {name: calendar, freezes: [{name: year-end, startTime: "2030-12-15T00:00:00+01:00", endTime: "2031-01-07T00:00:00+01:00"}]}
  - {name: catalog, signalDeployment: {name: catalog, version: v2.1.0}}
  - {name: database, service: {name: postgres, minEndpoints: 2}}
  - {name: flags, configMap: {name: flags, key: flags.yaml}}
  - {name: one-at-a-time, group: {name: shop, scope: Cluster}}
  - {name: quiet, alerts: {severities: [critical, page]}}
  - {name: change-board, approval: {}}
  - {name: ticket, expression: {rule: has(object.metadata.annotations), message: name a ticket}}
  - {name: template, template: {}}
  - {name: room, quota: {}}
  - {name: certificate, secret: {name: web-tls, keys: [tls.crt, tls.key]}}
  - {name: issuer, crd: {name: certificates.cert-manager.io, version: v1}}
  - {name: budget, errorBudget: {slo: publish, minRemainingPercent: 25}}
  - {name: cluster, nodes: {minReady: 90%, room: Ignored}}
  - {name: pre-flight, job: {image: "registry.example/acme/gates:v1", command: [ask], args: [it], env: [{name: LEVEL, value: full}], timeoutSeconds: 600, retries: 1}}
  checks:
    smoke:
    - name: api
      timeoutSeconds: 30
      retries: 2
      http:
        port: http
        requests:
        - path: /v1/signals?limit=1
          method: POST
          headers: [{name: Accept, value: application/json}]
          body: '{}'
          expect:
            status: [200, 201]
            headers: [{name: Content-Type, value: application/json}]
            json: size(body.signals) > 0
            jsonSchema: '{"type":"object","required":["signals"]}'
            maxLatencyMilliseconds: 500
          capture: [{name: first, value: "body.signals[0].id"}]
          retry: {attempts: 5, backoffMilliseconds: 200}
        - path: /v1/signals/${first}
          stream: {protocol: ServerSentEvents, minMessages: 3, withinSeconds: 30}
    - name: contract
      job:
        image: registry.example/acme/contract:v1
        command: [contract]
        args: ["--all"]
        env: [{name: LEVEL, value: full}]
        resources: {limits: {memory: 64Mi}}
    - name: trades
      grpc: {port: grpc, service: acme.Trades}
      tls: {serverName: app.example, caConfigMapName: authority}
    criticalPaths:
    - {name: signals, path: "/v1/signals/{id}"}
    security:
      paths: [/, /v1/signals]
      port: http
      allowedOrigins: ["https://app.example", "http://localhost:3000"]
      protectedPaths: [/v1/account]
      writePaths: [/v1/orders]
      publicPaths: [/openapi.json]
      browserPaths: [/]
      users: {secretName: probe-users, ownedPath: /v1/accounts/a, adminPath: /v1/admin, loginPath: /login}
      tls: {port: grpc, serverName: app.example, caConfigMapName: authority, minDays: 30}
      disable: [16, 53]
      compare: Absolute
      requestBudget: 1000
      ratePerSecond: 50
      timeoutSeconds: 600
      resources: {limits: {cpu: "1"}}
    leaks:
      paths: [/v1/signals]
      writePaths: [/v1/orders]
      serviceAccountName: leaks
      echo: Allowed
      requestBudget: 500
      ratePerSecond: 50
      timeoutSeconds: 600
    watermark: {secretName: watermark, path: "/v1/signals?limit=1", port: http, requests: 20, splitRequests: 1000}
    load:
      background:
        port: http
        ratePerSecond: 50
        timeoutSeconds: 2
        resources: {limits: {cpu: "1"}}
        requests:
        - path: /v1/signals?limit=1
          method: GET
          headers: [{name: Accept, value: application/json}]
          body: '{}'
          weight: 3
        - path: /healthz
  analysis:
    interval: 1s
    metrics:
    - name: errors
      server: default
      query: sum(rate(http_requests_total{release="${release}",code=~"5.."}[${window}]))
      range: {windowSeconds: 60, stepSeconds: 1, reduce: Avg}
      min: 0
      max: "0.01"
      compare: {maxRatio: "1.5", minRatio: "0.5", maxIncrease: "0.005", maxDecrease: 3}
      consecutiveFailures: 3
      failureBudget: 10
      minSamples: 5
      noData: Fail
    slos:
    - name: publish
      server: default
      operation: {route: /v1/signals, matchers: 'method="POST"'}
      objective: "99.9"
      availability: {counter: http_requests_total, failed: 'code=~"5.."'}
      windowDays: 30
      maxBudgetBurn: "0.05"
    - name: list
      operation: {grpcMethod: signals.v1.Signals/List}
      objective: 99
      latency: {histogram: grpc_server_handling_seconds, thresholdSeconds: "0.3"}
  alerts:
    server: default
    groups:
    - name: signal-service
      interval: 15s
      rules:
      - alert: HighErrorRate
        expr: job:errors:ratio > 0.05
        for: 1m
        labels: {severity: critical}
        annotations: {summary: Too many errors}
    rulesFrom: [{name: signal-rules, key: rules.yaml}]
    library:
      mode: Enabled
      disable: [SignalVolumeLow]
      overrides:
      - alert: SignalLatencyHigh
        limits: [{name: p95, value: "1.2"}]
        for: 30s
        severity: warning
    rollbackOn: [critical, page]
  strategy:
    steps:
    - {name: first, weight: 5, holdSeconds: 60}
    - {name: half, weight: 50, holdSeconds: 60, approval: Required}
    verifySeconds: 300
    progressDeadlineSeconds: 600
    drainSeconds: 30
  rollback: {automatic: true, windowSeconds: 3600}
  report: {historyLimit: 10}
`

// minimal is the least that a user has to write.
const minimal = `
apiVersion: delivery.signal.dev/v1alpha1
kind: SignalDeployment
metadata:
  name: signal-service
  namespace: default
spec:
  template:
    spec:
      containers: [{name: signal}]
  artifact: {image: registry.example/acme/signal-service:v1.0.0}
  service: {ports: [{name: http, port: 80}]}
`

// object reads an object from YAML.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	compact, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(compact); err != nil {
		t.Fatal(err)
	}
	return u
}

// another is a minimal object of a name of its own, for tests that keep it.
func another(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	u := object(t, minimal)
	u.SetName(name)
	return u
}

// create puts an object into the cluster.
func create(t *testing.T, u *unstructured.Unstructured) {
	t.Helper()
	if err := apiserver.Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// wantError requires an error that says the sentence.
func wantError(t *testing.T, err error, sentence string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it was let in; want it refused with: %s", sentence)
	}
	if !strings.Contains(err.Error(), sentence) {
		t.Errorf("got:  %s\nwant: %s", err, sentence)
	}
}

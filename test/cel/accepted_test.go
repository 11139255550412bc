package cel_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestAccepted offers what is just within every bound.
func TestAccepted(t *testing.T) {
	t.Parallel()
	const (
		check   = "spec.checks.smoke.0."
		request = check + "http.requests.0."
		job     = "spec.checks.smoke.1.job."
		metric  = "spec.analysis.metrics.0."
		rule    = "spec.alerts.groups.0.rules.0."
		step    = "spec.strategy.steps.0."
		port    = "spec.service.ports.0."
	)
	for name, change := range map[string]change{
		"as it is":                              all(),
		"name of 40 characters":                 set("metadata.name", long(40)),
		"name of one letter":                    set("metadata.name", "a"),
		"version of 63 characters":              set("spec.version", long(63)),
		"version with every character":          set("spec.version", "V1.0_rc-1"),
		"environment of 63 characters":          set("spec.environment", long(63)),
		"replicas 0":                            set("spec.replicas", int64(0)),
		"replicas 10000":                        set("spec.replicas", int64(10000)),
		"paused":                                set("spec.paused", true),
		"image by digest":                       set("spec.artifact.image", "registry.example:5000/acme/app@sha256:"+long(64)),
		"image by tag and digest":               set("spec.artifact.image", "acme/app:v1@sha256:"+long(64)),
		"image without a registry":              set("spec.artifact.image", "app"),
		"image of 512 characters":               set("spec.artifact.image", long(512)),
		"template without an image":             drop("spec.artifact.container"),
		"signed by a key":                       signed(m{"publicKeys": []any{m{"pem": publicKey}, m{"configMap": m{"name": "keys", "key": "cosign.pub"}}}}),
		"signed by an identity":                 signed(keyless("subject", "ci@acme.example")),
		"with an SBOM":                          attested("rules", []any{m{"expression": "predicate.name == 'app'", "message": "must be ours"}}),
		"built by appending":                    built("user", "65532:65532"),
		"built of a volume":                     tarball("path", "a..b/files.tar"),
		"built by a Job":                        set("spec.artifact", m{"repository": "registry.example:5000/acme/my_app", "build": m{"job": m{"image": "builder", "privilege": "Rootless", "cacheClaim": "cache"}, "timeoutSeconds": int64(7200)}}),
		"port 1":                                set(port+"port", int64(1)),
		"port 65535":                            set(port+"port", int64(65535)),
		"targetPort 1":                          set(port+"targetPort", int64(1)),
		"targetPort 65535":                      set(port+"targetPort", int64(65535)),
		"targetPort of 15 characters":           set(port+"targetPort", long(15)),
		"same port for two protocols":           all(set("spec.service.ports.1.port", int64(80)), set("spec.service.ports.1.protocol", "UDP")),
		"16 ports":                              fill("spec.service.ports", 14, numbered),
		"16 routes":                             fill("spec.traffic.httpRoutes", 15, named),
		"no routes and no steps":                all(drop("spec.traffic"), drop("spec.strategy.steps")),
		"no routes and empty steps":             all(drop("spec.traffic"), set("spec.strategy.steps", []any{})),
		"an entry by name":                      set("spec.traffic.entry", m{"url": "https://signals.example:8443"}),
		"an entry by address":                   set("spec.traffic.entry", m{"url": "http://signals.example", "address": "traefik.gateway-system.svc:80"}),
		"a check at every stage":                set(check+"stages", []any{"AfterCutover", "Candidate", "Gateway"}),
		"24 gates":                              fill("spec.gates", 8, named),
		"gate name of 40 characters":            set("spec.gates.0.name", long(40)),
		"32 freezes":                            fill("spec.gates.1.freezes", 31, named),
		"freeze of a second":                    all(set("spec.gates.1.freezes.0.startTime", "2031-01-06T22:59:59Z")),
		"dependency at any version":             drop("spec.gates.2.signalDeployment.version"),
		"1000 endpoints":                        set("spec.gates.3.service.minEndpoints", int64(1000)),
		"group in the namespace":                set("spec.gates.5.group.scope", "Namespace"),
		"8 severities":                          set("spec.gates.6.alerts.severities", []any{"a", "b", "c", "d", "e", "f", "g", long(63)}),
		"severity by default":                   set("spec.gates.6.alerts", m{}),
		"any key of a Secret":                   drop("spec.gates.11.secret.keys"),
		"16 keys of a Secret":                   fill("spec.gates.11.secret.keys", 14, func(_ any, i int) any { return long(250) + string(rune('a'+i)) }),
		"any version of a CRD":                  drop("spec.gates.12.crd.version"),
		"CRD of a long group":                   set("spec.gates.12.crd.name", "x.a.b-c.d"),
		"every objective":                       set("spec.gates.13.errorBudget", m{}),
		"all of a budget":                       set("spec.gates.13.errorBudget.minRemainingPercent", int64(100)),
		"nodes by default":                      set("spec.gates.14.nodes", m{}),
		"one percent of the nodes":              set("spec.gates.14.nodes.minReady", "1%"),
		"a hundred percent of the nodes":        set("spec.gates.14.nodes.minReady", "100%"),
		"one node":                              set("spec.gates.14.nodes.minReady", int64(1)),
		"the least Job":                         set("spec.gates.15.job", m{"image": "x"}),
		"a Job of a day":                        set("spec.gates.15.job.timeoutSeconds", int64(86400)),
		"rule of 1024 characters":               set("spec.gates.8.expression.rule", long(1024)),
		"rule without advice":                   drop("spec.gates.8.expression.message"),
		"16 openings":                           fill("spec.gates.0.window.openings", 15, same),
		"opening of a minute":                   set("spec.gates.0.window.openings.0.durationSeconds", int64(60)),
		"opening of a week":                     set("spec.gates.0.window.openings.0.durationSeconds", int64(604800)),
		"schedule with names":                   set("spec.gates.0.window.openings.0.schedule", "*/15 9-17 1,15 JAN-MAR MON-FRI"),
		"time zone of three parts":              set("spec.gates.0.window.timeZone", "America/Argentina/Buenos_Aires"),
		"time zone with a sign":                 set("spec.gates.0.window.timeZone", "Etc/GMT+5"),
		"16 checks":                             fill("spec.checks.smoke", 13, named),
		"health of the server":                  set("spec.checks.smoke.2.grpc", m{}),
		"health without TLS":                    drop("spec.checks.smoke.2.tls"),
		"8 captures":                            fill(request+"capture", 7, func(first any, i int) any { c := named(first, i).(m); c["name"] = "c" + string(rune('a'+i)); return c }),
		"capture of every character":            set(request+"capture.0.name", "aZ_9"),
		"10 attempts":                           set(request+"retry.attempts", int64(10)),
		"1000 messages of a WebSocket":          set(request+"stream", m{"protocol": "WebSocket", "minMessages": int64(1000), "withinSeconds": int64(600)}),
		"schema of 8192 characters":             set(request+"expect.jsonSchema", long(8192)),
		"32 critical paths":                     fill("spec.checks.criticalPaths", 31, named),
		"the root as a critical path":           set("spec.checks.criticalPaths.0.path", "/"),
		"check name of 40 characters":           set(check+"name", long(40)),
		"timeout of an hour":                    set(check+"timeoutSeconds", int64(3600)),
		"10 retries":                            set(check+"retries", int64(10)),
		"32 requests":                           fill(check+"http.requests", 30, same),
		"path of one slash":                     set(request+"path", "/"),
		"path of 2048 characters":               set(request+"path", "/"+long(2047)),
		"header of every character":             set(request+"headers.0.name", "X!#$%&'*+.^_|~-9"),
		"header name of 128 characters":         set(request+"headers.0.name", long(128)),
		"body of 4096 characters":               set(request+"body", long(4096)),
		"first and last status":                 set(request+"expect.status", []any{int64(100), int64(599)}),
		"16 statuses":                           set(request+"expect.status", codes(16)),
		"nothing expected":                      drop(request + "expect"),
		"latency of a millisecond":              set(request+"expect.maxLatencyMilliseconds", int64(1)),
		"latency of ten minutes":                set(request+"expect.maxLatencyMilliseconds", int64(600000)),
		"empty argument":                        set(job+"args.0", ""),
		"variable that begins with _":           set(job+"env.0.name", "_SIGNAL_X9"),
		"variable of an empty value":            set(job+"env.0.value", ""),
		"interval of 250ms":                     set("spec.analysis.interval", "250ms"),
		"interval of a minute":                  set("spec.analysis.interval", "1m"),
		"interval as Go writes it":              set("spec.analysis.interval", "1m0s"),
		"interval with a fraction":              set("spec.analysis.interval", "1.5s"),
		"32 metrics":                            fill("spec.analysis.metrics", 31, named),
		"only min":                              all(drop(metric+"max"), drop(metric+"compare")),
		"only max":                              all(drop(metric+"min"), drop(metric+"compare")),
		"only compare":                          all(drop(metric+"min"), drop(metric+"max")),
		"only a ratio at least":                 set(metric+"compare", map[string]any{"minRatio": "0.9"}),
		"only a decrease":                       set(metric+"compare", map[string]any{"maxDecrease": int64(0)}),
		"limit below zero":                      set(metric+"min", int64(-5)),
		"limit with a sign":                     set(metric+"max", "-0.5"),
		"limit with an exponent":                set(metric+"max", "1.5e-3"),
		"limit of 32 digits":                    set(metric+"max", strings.Repeat("1", 32)),
		"query of 4096 characters":              set(metric+"query", long(4096)),
		"1000 consecutive failures":             set(metric+"consecutiveFailures", int64(1000)),
		"failure budget 0":                      set(metric+"failureBudget", int64(0)),
		"10000 samples":                         set(metric+"minSamples", int64(10000)),
		"window of a second":                    set(metric+"range.windowSeconds", int64(1)),
		"window of a day":                       set(metric+"range.windowSeconds", int64(86400)),
		"rule for nothing":                      set(rule+"for", "0s"),
		"rule for a compound time":              set(rule+"for", "1h30m"),
		"rule name of 128 characters":           set(rule+"alert", long(128)),
		"32 labels":                             set(rule+"labels", texts(32)),
		"64 rules":                              fill("spec.alerts.groups.0.rules", 63, same),
		"16 groups":                             fill("spec.alerts.groups", 15, named),
		"8 files of rules":                      fill("spec.alerts.rulesFrom", 7, named),
		"library off":                           set("spec.alerts.library", map[string]any{"mode": "Disabled"}),
		"limit of a default rule as an integer": set("spec.alerts.library.overrides.0.limits.0.value", int64(2)),
		"no severity rolls back":                set("spec.alerts.rollbackOn", []any{}),
		"weight 1 and 100":                      all(set(step+"weight", int64(1)), set("spec.strategy.steps.1.weight", int64(100))),
		"20 steps":                              fill("spec.strategy.steps", 18, heavier),
		"hold 0":                                set(step+"holdSeconds", int64(0)),
		"hold of a week":                        set(step+"holdSeconds", int64(604800)),
		"verify 0":                              set("spec.strategy.verifySeconds", int64(0)),
		"verify of a day":                       set("spec.strategy.verifySeconds", int64(86400)),
		"deadline of a second":                  set("spec.strategy.progressDeadlineSeconds", int64(1)),
		"drain 0":                               set("spec.strategy.drainSeconds", int64(0)),
		"drain of an hour":                      set("spec.strategy.drainSeconds", int64(3600)),
		"rollback by hand":                      set("spec.rollback.automatic", false),
		"no way back without steps":             set("spec.rollback.windowSeconds", int64(0)),
		"report of one release":                 set("spec.report.historyLimit", int64(1)),
		"report of 20 releases":                 set("spec.report.historyLimit", int64(20)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := object(t, everything)
			change(u.Object)
			if err := apiserver.Create(t.Context(), u.DeepCopy(), client.DryRunAll); err != nil {
				t.Errorf("create: %v", err)
			}
			if err := serverSideApply(t, u); err != nil {
				t.Errorf("server-side apply: %v", err)
			}
		})
	}
}

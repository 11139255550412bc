package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
)

func from(env map[string]string) (Settings, error) {
	return From(func(name string) string { return env[name] })
}

func TestNothingSaid(t *testing.T) {
	got, err := from(nil)
	if diff := cmp.Diff(Default(), got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestSettings(t *testing.T) {
	got, err := from(map[string]string{
		"PORT": "1", "VERSION": "v2", "DRAIN_DELAY": "1s", "FAULT_ERROR_RATE": "0.5", "FAULT_LATENCY": "2s", "FAULT_AFTER_TRAFFIC": "3s",
		"FAULT_CRASH_AFTER": "0", "FAULT_NEVER_READY": "true", "SIGNAL_METRICS_PORT": "2", "SIGNAL_TLS_PORT": "3", "SIGNAL_TLS_CERT_FILE": "c", "SIGNAL_TLS_KEY_FILE": "k",
		"SIGNAL_ALLOWED_ORIGINS": "https://a.example, https://b.example", "SIGNAL_USER_A": "Bearer a", "SIGNAL_USER_B": "Bearer b", "SIGNAL_MAX_BODY_BYTES": "9",
		"SIGNAL_PUBLISH_INTERVAL": "4s", "SIGNAL_FAULT_SWITCHES": "on", "SIGNAL_FLAWS": "trace,debug", "SIGNAL_CRASH_RATE": "5", "SIGNAL_LEAK_BYTES": "6",
		"SIGNAL_LATENCY": "7s", "SIGNAL_POSTGRES_URL": "postgres://p", "SIGNAL_REDIS_URL": "redis://r", "SIGNAL_POOL_SIZE": "10", "SIGNAL_CALL_TIMEOUT": "11s", "SIGNAL_START_DELAY": "8s",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Port: "1", Version: "v2", DrainDelay: time.Second, MetricsPort: "2", TLSPort: "3", CertFile: "c", KeyFile: "k",
		AllowedOrigins: []string{"https://a.example", "https://b.example"}, UserA: "Bearer a", UserB: "Bearer b", MaxBodyBytes: 9, PublishInterval: 4 * time.Second,
		PostgresURL: "postgres://p", RedisURL: "redis://r", PoolSize: 10, CallTimeout: 11 * time.Second,
		NeverReady: true, Faults: fault.Switches{LatencyMilliseconds: 2000, ErrorRate: 0.5}, AfterTraffic: 3 * time.Second, FaultSwitches: true,
		Flaws: flaw.Set{flaw.Trace: true, flaw.Debug: true}, Limits: flaw.Limits{CrashRate: 5, LeakBytes: 6, Latency: 7 * time.Second}, StartDelay: 8 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ key, value, says string }{
		"a share above 1":      {"FAULT_ERROR_RATE", "1.5", `FAULT_ERROR_RATE: "1.5" is not a number from 0 to 1`},
		"no number":            {"FAULT_ERROR_RATE", "NaN", `FAULT_ERROR_RATE: "NaN" is not a number`},
		"no duration":          {"FAULT_LATENCY", "fast", "FAULT_LATENCY: "},
		"no interval":          {"SIGNAL_PUBLISH_INTERVAL", "0", "SIGNAL_PUBLISH_INTERVAL: 0s is not more than 0"},
		"no timeout":           {"SIGNAL_CALL_TIMEOUT", "0", "SIGNAL_CALL_TIMEOUT: 0s is not more than 0"},
		"no bytes":             {"SIGNAL_MAX_BODY_BYTES", "many", `SIGNAL_MAX_BODY_BYTES: "many" is not a number`},
		"no rate":              {"SIGNAL_CRASH_RATE", "0", `SIGNAL_CRASH_RATE: "0" is not a number from 1`},
		"an unknown flaw":      {"SIGNAL_FLAWS", "trace,hubris", `SIGNAL_FLAWS: there is no flaw "hubris": there are bad-json, `},
		"flaw of wrong-config": {"SIGNAL_FLAWS", "wrong-config", `SIGNAL_MAX_BODY_BYTES: "many" is not a number from 1 to`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := from(map[string]string{tc.key: tc.value})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

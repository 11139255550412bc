// Package settings is what the environment says to the sample service.
package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
)

// Settings are what the environment says.
type Settings struct {
	Port, Version string        // PORT, VERSION
	MetricsPort   string        // SIGNAL_METRICS_PORT: where metrics are, in place of PORT
	TLSPort       string        // SIGNAL_TLS_PORT: HTTPS as well, with SIGNAL_TLS_CERT_FILE and SIGNAL_TLS_KEY_FILE
	CertFile      string        // SIGNAL_TLS_CERT_FILE
	KeyFile       string        // SIGNAL_TLS_KEY_FILE
	DrainDelay    time.Duration // DRAIN_DELAY: serving goes on this long after SIGTERM

	AllowedOrigins  []string      // SIGNAL_ALLOWED_ORIGINS: who may call from a browser, with commas between them
	UserA, UserB    string        // SIGNAL_USER_A, SIGNAL_USER_B: what the Authorization header of two users is
	MaxBodyBytes    int64         // SIGNAL_MAX_BODY_BYTES
	PublishInterval time.Duration // SIGNAL_PUBLISH_INTERVAL: between two signals

	PostgresURL, RedisURL string        // SIGNAL_POSTGRES_URL, SIGNAL_REDIS_URL: where signals and orders are kept, else in memory
	PoolSize              int           // SIGNAL_POOL_SIZE: connections to each of them
	CallTimeout           time.Duration // SIGNAL_CALL_TIMEOUT: of one call to them

	CrashAfter    time.Duration // FAULT_CRASH_AFTER: exit 1 this long after the start; negative: never
	NeverReady    bool          // FAULT_NEVER_READY
	Faults        fault.Switches
	AfterTraffic  time.Duration // FAULT_AFTER_TRAFFIC: Faults begin this long after the first request
	FaultSwitches bool          // SIGNAL_FAULT_SWITCHES=on: POST /faults sets Faults

	Flaws      flaw.Set // SIGNAL_FLAWS
	Limits     flaw.Limits
	StartDelay time.Duration // SIGNAL_START_DELAY: with the flaw slow-start, not ready for this long
}

// Default is what holds where the environment says nothing.
func Default() Settings {
	return Settings{
		Port: "8080", Version: "dev", DrainDelay: 5 * time.Second, CrashAfter: -1,
		MaxBodyBytes: 64 << 10, PublishInterval: time.Second, StartDelay: 5 * time.Minute, PoolSize: 8, CallTimeout: 500 * time.Millisecond, Flaws: flaw.Set{},
		Limits: flaw.Limits{CrashRate: 50, LeakBytes: 1 << 20, Latency: 800 * time.Millisecond},
	}
}

// From reads the environment; what is absent has its default.
func From(getenv func(string) string) (Settings, error) {
	s := Default()
	flaws, err := flaw.Parse(getenv("SIGNAL_FLAWS"))
	if err != nil {
		return s, fmt.Errorf("SIGNAL_FLAWS: %w", err)
	}
	s.Flaws = flaws
	if flaws[flaw.WrongConfig] {
		getenv = misled(getenv)
	}
	s.NeverReady, s.FaultSwitches = getenv("FAULT_NEVER_READY") == "true", getenv("SIGNAL_FAULT_SWITCHES") == "on"
	for name, into := range map[string]*string{
		"PORT": &s.Port, "VERSION": &s.Version, "SIGNAL_METRICS_PORT": &s.MetricsPort, "SIGNAL_USER_A": &s.UserA, "SIGNAL_USER_B": &s.UserB,
		"SIGNAL_POSTGRES_URL": &s.PostgresURL, "SIGNAL_REDIS_URL": &s.RedisURL, "SIGNAL_TLS_PORT": &s.TLSPort, "SIGNAL_TLS_CERT_FILE": &s.CertFile, "SIGNAL_TLS_KEY_FILE": &s.KeyFile,
	} {
		if v := getenv(name); v != "" {
			*into = v
		}
	}
	for origin := range strings.SplitSeq(getenv("SIGNAL_ALLOWED_ORIGINS"), ",") {
		if origin = strings.TrimSpace(origin); origin != "" {
			s.AllowedOrigins = append(s.AllowedOrigins, origin)
		}
	}
	return s, s.numbers(getenv)
}

// misled is an environment with a value that is wrong.
func misled(getenv func(string) string) func(string) string {
	return func(name string) string {
		if name == "SIGNAL_MAX_BODY_BYTES" {
			return "many"
		}
		return getenv(name)
	}
}

// numbers reads everything that is one.
func (s *Settings) numbers(getenv func(string) string) error {
	var latency time.Duration
	for name, into := range map[string]*time.Duration{
		"DRAIN_DELAY": &s.DrainDelay, "FAULT_LATENCY": &latency, "FAULT_AFTER_TRAFFIC": &s.AfterTraffic, "FAULT_CRASH_AFTER": &s.CrashAfter,
		"SIGNAL_PUBLISH_INTERVAL": &s.PublishInterval, "SIGNAL_START_DELAY": &s.StartDelay, "SIGNAL_LATENCY": &s.Limits.Latency,
		"SIGNAL_CALL_TIMEOUT": &s.CallTimeout,
	} {
		if err := duration(getenv(name), into); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	s.Faults.LatencyMilliseconds = latency.Milliseconds()
	if s.CallTimeout <= 0 {
		return fmt.Errorf("SIGNAL_CALL_TIMEOUT: %s is not more than 0", s.CallTimeout)
	}
	if s.PublishInterval <= 0 {
		return fmt.Errorf("SIGNAL_PUBLISH_INTERVAL: %s is not more than 0", s.PublishInterval)
	}
	rate, crash, leak := 0.0, float64(s.Limits.CrashRate), float64(s.Limits.LeakBytes)
	most, pool := float64(s.MaxBodyBytes), float64(s.PoolSize)
	for _, n := range []struct {
		name       string
		into       *float64
		from, upTo float64
	}{
		{"FAULT_ERROR_RATE", &rate, 0, 1},
		{"SIGNAL_CRASH_RATE", &crash, 1, 1e6},
		{"SIGNAL_LEAK_BYTES", &leak, 1, 1 << 30},
		{"SIGNAL_POOL_SIZE", &pool, 1, 1000},
		{"SIGNAL_MAX_BODY_BYTES", &most, 1, 1 << 30},
	} {
		if err := number(getenv(n.name), n.into, n.from, n.upTo); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	s.Faults.ErrorRate, s.Limits.CrashRate, s.Limits.LeakBytes, s.MaxBodyBytes, s.PoolSize = rate, int(crash), int(leak), int64(most), int(pool)
	return nil
}

func number(text string, into *float64, from, upTo float64) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= from && n <= upTo) {
		return fmt.Errorf("%q is not a number from %g to %g", text, from, upTo)
	}
	*into = n
	return nil
}

func duration(text string, into *time.Duration) error {
	if text == "" {
		return nil
	}
	if text == "0" {
		*into = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	*into = d
	return nil
}

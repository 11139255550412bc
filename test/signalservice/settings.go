package main

import (
	"fmt"
	"strconv"
	"time"
)

// settings are what the environment says.
type settings struct {
	port, version string
	drainDelay    time.Duration // DRAIN_DELAY: serving goes on this long after SIGTERM

	errorRate    float64       // FAULT_ERROR_RATE: share of /v1/signals answered with 500
	latency      time.Duration // FAULT_LATENCY: added to /v1/signals
	afterTraffic time.Duration // FAULT_AFTER_TRAFFIC: the two above begin this long after the first request
	crashAfter   time.Duration // FAULT_CRASH_AFTER: exit 1 this long after the start; negative: never
	neverReady   bool          // FAULT_NEVER_READY
}

// settingsFrom reads the environment; what is absent has its default.
func settingsFrom(getenv func(string) string) (settings, error) {
	s := settings{port: "8080", version: "dev", drainDelay: 5 * time.Second, crashAfter: -1}
	if v := getenv("PORT"); v != "" {
		s.port = v
	}
	if v := getenv("VERSION"); v != "" {
		s.version = v
	}
	s.neverReady = getenv("FAULT_NEVER_READY") == "true"
	for name, into := range map[string]*time.Duration{
		"DRAIN_DELAY": &s.drainDelay, "FAULT_LATENCY": &s.latency, "FAULT_AFTER_TRAFFIC": &s.afterTraffic, "FAULT_CRASH_AFTER": &s.crashAfter,
	} {
		if err := duration(getenv(name), into); err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
	if v := getenv("FAULT_ERROR_RATE"); v != "" {
		rate, err := strconv.ParseFloat(v, 64)
		if err != nil || !(rate >= 0 && rate <= 1) {
			return s, fmt.Errorf("FAULT_ERROR_RATE: %q is not a number from 0 to 1", v)
		}
		s.errorRate = rate
	}
	return s, nil
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

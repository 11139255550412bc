// Package flaw is what can be wrong with a release of the sample service. The
// service itself is sound; each flaw is laid around it or into it by its name.
package flaw

import (
	"fmt"
	"slices"
	"strings"
)

// Name is a flaw's, as SIGNAL_FLAWS has it.
type Name string

// Flaws.
const (
	BadJSON         Name = "bad-json"
	BreakerStuck    Name = "breaker-stuck"
	CORSReflect     Name = "cors-reflect"
	CrashUnderLoad  Name = "crash-under-load"
	Debug           Name = "debug"
	DropsConnection Name = "drops-connections"
	DropWatermark   Name = "drop-watermark"
	ErrorEcho       Name = "error-echo"
	FDLeak          Name = "fd-leak"
	GoroutineLeak   Name = "goroutine-leak"
	IgnoresSIGTERM  Name = "ignores-sigterm"
	Latency         Name = "latency"
	LogSecrets      Name = "log-secrets"
	MemoryLeak      Name = "memory-leak"
	MetricsSecrets  Name = "metrics-secrets"
	MissingMetric   Name = "missing-metric"
	MissingPath     Name = "missing-path"
	NoHeaders       Name = "no-headers"
	NoSSE           Name = "no-sse"
	OpenRedirect    Name = "open-redirect"
	PoolLeak        Name = "pool-leak"
	SlowStart       Name = "slow-start"
	StaleWatermark  Name = "stale-watermark"
	TLSOld          Name = "tls-old"
	Trace           Name = "trace"
	VerboseErrors   Name = "verbose-errors"
	WrongConfig     Name = "wrong-config"
)

// All are the flaws there are.
func All() []Name {
	return []Name{
		BadJSON, BreakerStuck, CORSReflect, CrashUnderLoad, Debug, DropsConnection, DropWatermark, ErrorEcho, FDLeak, GoroutineLeak, IgnoresSIGTERM,
		Latency, LogSecrets, MemoryLeak, MetricsSecrets, MissingMetric, MissingPath, NoHeaders, NoSSE, OpenRedirect, PoolLeak, SlowStart, StaleWatermark,
		TLSOld, Trace, VerboseErrors, WrongConfig,
	}
}

// Set is the flaws that a release has.
type Set map[Name]bool

// Parse reads a list of names with commas between them.
func Parse(list string) (Set, error) {
	set := Set{}
	for text := range strings.SplitSeq(list, ",") {
		name := Name(strings.TrimSpace(text))
		if name == "" {
			continue
		}
		if !slices.Contains(All(), name) {
			return nil, fmt.Errorf("there is no flaw %q: there are %s", name, joined(All()))
		}
		set[name] = true
	}
	return set, nil
}

func joined(names []Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

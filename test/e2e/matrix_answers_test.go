package e2e

import "github.com/signal-delivery/operator/api/v1alpha1"

// badAnswers are releases that answer wrongly to those who check them.
func badAnswers() []bad {
	all := []bad{
		{name: "missing-path", reason: []string{"CheckFailed"}, cause: []string{"/v1/signals/latest was answered with status 404"}},
		{name: "bad-json", reason: []string{"CheckFailed"}, cause: []string{"not JSON"}},
		{name: "no-sse", reason: []string{"CheckFailed"}, cause: []string{"/v1/signals/stream"}},
		{name: "drops-connections", reason: []string{"CheckFailed", "LoadLimitsBroken"}, cause: []string{"reset|EOF|hung up|broke off|closed"}},
		{name: "latency", reason: []string{"CheckFailed"}, cause: []string{"maxLatencyMilliseconds"}},
		{name: "cors-reflect", reason: []string{"SecurityFindings"}, cause: []string{"Origin"}},
		{name: "no-headers", reason: []string{"SecurityFindings"}, cause: []string{"nosniff"}},
		{name: "trace", reason: []string{"SecurityFindings"}, cause: []string{"TRACE"}},
		{name: "debug", reason: []string{"SecurityFindings"}, cause: []string{"/debug/pprof"}},
		{name: "verbose-errors", reason: []string{"SecurityFindings"}, cause: []string{"a trace of its code"}},
		{name: "open-redirect", reason: []string{"SecurityFindings"}, cause: []string{"redirect"}},
		{name: "log-secrets", reason: []string{"SecretsLeaked"}, cause: []string{"appear unchanged in the log of container signal"}},
		{name: "error-echo", reason: []string{"SecretsLeaked"}, cause: []string{"answer"}},
		{name: "metrics-secrets", reason: []string{"SecretsLeaked"}, cause: []string{"metrics"}},
		{name: "drop-watermark", reason: []string{"WatermarkMissing"}, cause: []string{"watermark"}},
		{name: "stale-watermark", reason: []string{"WatermarkReplayed", "WatermarkForged"}, cause: []string{"watermark"}},
		{name: "crash-under-load", reason: []string{"Crashed", "AlertFiring"}, cause: []string{"exit code|SignalUnavailable"}},
	}
	for i := range all {
		all[i].ends, all[i].change = v1alpha1.PhaseFailed, flawed(all[i].name)
	}
	all[len(all)-1].change = func(sd *v1alpha1.SignalDeployment) {
		flawed("crash-under-load")(sd)
		env(sd, "SIGNAL_CRASH_RATE", "30")
	}
	return append(all,
		bad{
			name: "memory-leak", ends: v1alpha1.PhaseFailed, reason: []string{"Crashed", "AlertFiring"}, cause: []string{"OOMKilled|SignalUnavailable"},
			change: func(sd *v1alpha1.SignalDeployment) {
				flawed("memory-leak")(sd)
				env(sd, "SIGNAL_LEAK_BYTES", "8388608")
			},
		},
		bad{
			name: "wrong-key", ends: v1alpha1.PhaseFailed, reason: []string{"WatermarkForged"}, cause: []string{"watermark"},
			change: with("WATERMARK_KEY", "another-key-0123456789abcdef0123456789"),
		},
		bad{
			name: "own-check", ends: v1alpha1.PhaseFailed, reason: []string{"CheckFailed"}, cause: []string{"exit code"},
			change: func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Checks.Smoke = append(sd.Spec.Checks.Smoke, v1alpha1.SmokeCheck{
					Name: "own", TimeoutSeconds: 30, Job: &v1alpha1.JobCheck{Image: image("v1.0.0"), Env: []v1alpha1.CheckEnv{{Name: "FAULT_ERROR_RATE", Value: "many"}}},
				})
			},
		},
	)
}

// flawed is a change of what the service does wrong.
func flawed(flaw string) func(*v1alpha1.SignalDeployment) { return with("SIGNAL_FLAWS", flaw) }

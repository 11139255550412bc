package controllers

import (
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

func TestWatermarkProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SignalDeployment)
		want   string
	}{
		"not asked for": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Watermark = nil }, ""},
		"of the candidate alone": {func(sd *v1alpha1.SignalDeployment) {
			sd.Spec.Checks.Watermark.SplitRequests, sd.Spec.Traffic.Entry = 0, nil
		}, ""},
		"with a split":             {func(*v1alpha1.SignalDeployment) {}, ""},
		"by the name of a port":    {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Watermark.Port = "http" }, ""},
		"a split without an entry": {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Traffic.Entry = nil }, "spec.checks.watermark.splitRequests: needs spec.traffic.entry, which says where they are to be sent"},
		"a port of nobody's":       {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Watermark.Port = "admin" }, `spec.checks.watermark.port: spec.service.ports has no port named "admin"`},
		"a path that is none":      {func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Watermark.Path = "//evil.example" }, "spec.checks.watermark.path: must be a path that begins with a single '/', such as /v1/signals?limit=1"},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "http://signals.example"}
				sd.Spec.Checks.Watermark = &v1alpha1.WatermarkSpec{SecretName: "watermark", Path: "/v1/signals", Requests: 50, SplitRequests: 500}
			}, tc.change)
			got := ""
			if err := watermarkProblem(sd); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// What speaks TLS finds the authorities where they are mounted; nobody else
// reads them.
func TestTheJobsOfHealthAndOfTLS(t *testing.T) {
	http := &v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{{Path: "/"}}}
	asked := corev1.EnvVar{Name: "SIGNAL_HTTP_CHECK", Value: `{"requests":[{"path":"/"}]}`}
	mounted := corev1.Volume{Name: "authority", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "ca"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
	}}}
	for name, tc := range map[string]struct {
		check   v1alpha1.SmokeCheck
		args    []string
		url     string
		last    []corev1.EnvVar
		volumes []corev1.Volume
	}{
		"http": {v1alpha1.SmokeCheck{HTTP: http}, []string{"http"}, "http://198.19.0.7:80", []corev1.EnvVar{asked}, nil},
		"https": {
			v1alpha1.SmokeCheck{HTTP: http, TLS: &v1alpha1.CheckTLS{ServerName: "app.example"}},
			[]string{"http"},
			"https://198.19.0.7:80",
			[]corev1.EnvVar{asked, {Name: "SIGNAL_TLS", Value: `{"serverName":"app.example"}`}},
			nil,
		},
		"https of an own authority": {
			v1alpha1.SmokeCheck{HTTP: http, TLS: &v1alpha1.CheckTLS{ServerName: "app.example", CAConfigMapName: "ca"}},
			[]string{"http"},
			"https://198.19.0.7:80",
			[]corev1.EnvVar{asked, {Name: "SIGNAL_TLS", Value: `{"serverName":"app.example","caConfigMapName":"ca"}`}},
			[]corev1.Volume{mounted},
		},
		"gRPC": {
			v1alpha1.SmokeCheck{GRPC: &v1alpha1.GRPCCheck{Port: "grpc", Service: "trades"}},
			[]string{"grpc"},
			"http://198.19.0.7:9090",
			[]corev1.EnvVar{{Name: "SIGNAL_GRPC_CHECK", Value: `{"port":"grpc","service":"trades"}`}},
			nil,
		},
		"gRPC over TLS": {
			v1alpha1.SmokeCheck{GRPC: &v1alpha1.GRPCCheck{}, TLS: &v1alpha1.CheckTLS{ServerName: "app.example", CAConfigMapName: "ca"}},
			[]string{"grpc"},
			"https://198.19.0.7:80",
			[]corev1.EnvVar{{Name: "SIGNAL_GRPC_CHECK", Value: `{}`}, {Name: "SIGNAL_TLS", Value: `{"serverName":"app.example","caConfigMapName":"ca"}`}},
			[]corev1.Volume{mounted},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.check.Name = "alive"
			sd := deployment(tc.check)
			sd.Spec.Service.Ports = append(sd.Spec.Service.Ports, v1alpha1.ServicePort{Name: "grpc", Port: 9090})
			pod := Build(sd, rel, tc.check, target, prober).Spec.Template.Spec
			c := pod.Containers[0]
			if diff := cmp.Diff(tc.args, c.Args) + cmp.Diff(tc.url, c.Env[0].Value) + cmp.Diff(tc.last, c.Env[5:]) + cmp.Diff(tc.volumes, pod.Volumes); diff != "" {
				t.Error(diff)
			}
			var mounts []corev1.VolumeMount
			if len(tc.volumes) > 0 {
				mounts = []corev1.VolumeMount{{Name: "authority", MountPath: "/signal/authority", ReadOnly: true}}
			}
			if diff := cmp.Diff(mounts, c.VolumeMounts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What had to be sent again is kept with the check.
func TestWhatWasSentAgainIsKept(t *testing.T) {
	said := verdict.With(verdict.Pass(v1alpha1.SignalSmoke, "AnsweredAsExpected", "GET / was answered as expected, with status 200, at attempt 2 of 3"),
		verdict.Evidence{Value: "status 200, at attempt 2 of 3; before it: status 503 (UnexpectedStatus)", Samples: 2, Failures: 1})
	message := string(verdict.Answer{Verdicts: []verdict.Verdict{said}}.Encode())
	got := judge(alive, jobOf(alive, condition(batchv1.JobComplete, "")), []corev1.Pod{podOf(alive, 0, ended(0, message))})
	if got.Outcome != verdict.Passed || got.Evidence.Value != said.Evidence.Value || got.Evidence.Samples != 2 || got.Evidence.Failures != 1 {
		t.Errorf("got %+v, evidence %+v", got, got.Evidence)
	}
}

package check

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

func TestTheJobOfABuiltInCheck(t *testing.T) {
	sd := deployment(alive)
	sd.Spec.Template.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "pull"}}
	want := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app-v2-3-alive", Labels: map[string]string{
			"app.kubernetes.io/managed-by": "signal-operator",
			"delivery.signal.dev/name":     "app",
			"delivery.signal.dev/release":  "v2",
			"delivery.signal.dev/attempt":  "3",
			"delivery.signal.dev/check":    "alive",
		}},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)), ActiveDeadlineSeconds: new(int64(60)), TTLSecondsAfterFinished: new(int32(86400)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
					"delivery.signal.dev/checks":          "app",
					"delivery.signal.dev/checked-release": "v2",
					"delivery.signal.dev/attempt":         "3",
					"delivery.signal.dev/check":           "alive",
				}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false),
					ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}},
					SecurityContext:  &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"}},
					Containers: []corev1.Container{{
						Name: "check", Image: prober, Command: []string{"/prober"}, Args: []string{"http"},
						TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
						SecurityContext: &corev1.SecurityContext{
							RunAsUser: new(int64(65532)), AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
							Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
						Env: []corev1.EnvVar{
							{Name: "SIGNAL_TARGET", Value: "http://198.19.0.7:80"},
							{Name: "SIGNAL_HOST", Value: "app-canary.prod.svc"},
							{Name: "SIGNAL_RELEASE", Value: "v2"},
							{Name: "SIGNAL_VERSION", Value: "v2"},
							{Name: "SIGNAL_TIMEOUT", Value: "54s"},
							{Name: "SIGNAL_HTTP_CHECK", Value: `{"requests":[{"path":"/"}]}`},
						},
						Resources: corev1.ResourceRequirements{
							Requests: corev1.ResourceList{"cpu": resource.MustParse("10m"), "memory": resource.MustParse("32Mi")},
							Limits:   corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("128Mi")},
						},
					}},
				},
			},
		},
	}
	if diff := cmp.Diff(want, Build(sd, rel, alive, target, prober)); diff != "" {
		t.Error(diff)
	}
}

func TestTheJobOfAnImageOfTheUsers(t *testing.T) {
	check := own
	check.Job = &v1alpha1.JobCheck{
		Image: "registry.example/checks:v3", Command: []string{"/run"}, Args: []string{"--fast", "$(SIGNAL_TARGET)"},
		Env:       []v1alpha1.CheckEnv{{Name: "URL", Value: "$(SIGNAL_TARGET)/v1"}},
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("1Gi")}},
	}
	job := Build(deployment(check), rel, check, target, "")
	if *job.Spec.BackoffLimit != 2 || *job.Spec.ActiveDeadlineSeconds != 30 {
		t.Errorf("retries %d, deadline %d", *job.Spec.BackoffLimit, *job.Spec.ActiveDeadlineSeconds)
	}
	want := Build(deployment(alive), rel, alive, target, prober).Spec.Template.Spec // confined as the built-in one
	c := &want.Containers[0]
	c.SecurityContext.RunAsUser = nil // the image says
	c.Image, c.Command, c.Args, c.Resources = check.Job.Image, check.Job.Command, check.Job.Args, check.Job.Resources
	c.Env = append(c.Env[:4:4], corev1.EnvVar{Name: "URL", Value: "$(SIGNAL_TARGET)/v1"})
	if diff := cmp.Diff(want, job.Spec.Template.Spec); diff != "" {
		t.Error(diff)
	}
}

// Traffic of users and counts of replicas go by these selectors.
func TestNothingTakesACheckForAPodOfTheRelease(t *testing.T) {
	for name, check := range map[string]v1alpha1.SmokeCheck{"built in": alive, "own": own} {
		t.Run(name, func(t *testing.T) {
			pod := labels.Set(Build(deployment(check), rel, check, target, prober).Spec.Template.Labels)
			for key, value := range release.Selector("app", rel.Hash) {
				if labels.SelectorFromSet(labels.Set{key: value}).Matches(pod) {
					t.Errorf("%v has %s=%s", pod, key, value)
				}
			}
		})
	}
}

// Failure mode 37: a Job of another release or attempt is not asked again.
func TestNamesAreOfTheReleaseTheAttemptAndTheCheck(t *testing.T) {
	names := map[string]bool{}
	for _, hash := range []string{"v1", "v2"} {
		for _, attempt := range []int32{1, 2} {
			for _, check := range []v1alpha1.SmokeCheck{alive, own} {
				r := rel
				r.Hash, r.Attempt = hash, attempt
				job := Build(deployment(check), r, check, target, prober)
				names[job.Name] = true
				if again := Build(deployment(check), r, check, target, prober); again.Name != job.Name {
					t.Errorf("%s is %s the next time", job.Name, again.Name)
				}
				if got := labels.Set(job.Spec.Template.Labels).String(); !strings.Contains(got, "checked-release="+hash) {
					t.Errorf("labels %s", got)
				}
			}
		}
	}
	if len(names) != 8 {
		t.Errorf("not all of %v differ", slices.Sorted(maps.Keys(names)))
	}
}

func TestTheAddressOfTheCandidate(t *testing.T) {
	for name, tc := range map[string]struct {
		address, port string
		want          string
	}{
		"the first port": {"198.19.0.7", "", "http://198.19.0.7:80"},
		"a named port":   {"198.19.0.7", "admin", "http://198.19.0.7:9000"},
		"IPv6":           {"fd00::7", "admin", "http://[fd00::7]:9000"},
	} {
		t.Run(name, func(t *testing.T) {
			check := v1alpha1.SmokeCheck{Name: "alive", HTTP: &v1alpha1.HTTPCheck{Port: tc.port}}
			sd := deployment(check)
			sd.Spec.Service.Ports = append(sd.Spec.Service.Ports, v1alpha1.ServicePort{Name: "admin", Port: 9000})
			got := Build(sd, rel, check, Target{Stage: v1alpha1.StageCandidate, Address: tc.address}, prober).Spec.Template.Spec.Containers[0].Env[0]
			if got.Name != "SIGNAL_TARGET" || got.Value != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Kubelet would take $(SIGNAL_HOST) for a variable.
func TestRequestsReachTheProberAsWritten(t *testing.T) {
	want := v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{{Path: "/$(SIGNAL_HOST)/$$", Body: `{"a":"<$>"}`}}}
	env := Build(deployment(), rel, v1alpha1.SmokeCheck{Name: "alive", HTTP: &want}, target, prober).Spec.Template.Spec.Containers[0].Env
	text := env[len(env)-1].Value
	var got v1alpha1.HTTPCheck
	if err := json.Unmarshal([]byte(text), &got); err != nil || strings.Contains(text, "$") {
		t.Fatalf("%v: %s", err, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

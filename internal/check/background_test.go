package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/testkit"
)

var (
	both = Sides{Canary: "198.19.0.7", Stable: "198.19.0.6", Host: "app.prod.svc"}
	plan = v1alpha1.Plan{
		Steps:         []v1alpha1.Step{{Name: "first", Weight: 5, HoldSeconds: new(int32(60))}, {Name: "half", Weight: 50, HoldSeconds: new(int32(120))}},
		VerifySeconds: 300, ProgressDeadlineSeconds: 100,
	}
)

// loaded asks for background load.
func loaded(change ...func(*v1alpha1.BackgroundLoad)) *v1alpha1.SignalDeployment {
	b := &v1alpha1.BackgroundLoad{RatePerSecond: 20, TimeoutSeconds: 5, Requests: []v1alpha1.LoadRequest{{Path: "/$(SIGNAL_HOST)", Method: "GET", Weight: 1}}}
	for _, c := range change {
		c(b)
	}
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Load.Background = b })
}

func TestTheJobOfBackgroundLoad(t *testing.T) {
	sd := loaded()
	sd.Spec.Template.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "pull"}}
	want := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app-v2-background-3", Labels: map[string]string{
			"app.kubernetes.io/managed-by": "signal-operator",
			"delivery.signal.dev/name":     "app",
			"delivery.signal.dev/release":  "v2",
			"delivery.signal.dev/attempt":  "3",
			"delivery.signal.dev/check":    "load.background",
		}},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(3)), ActiveDeadlineSeconds: new(int64(1200)), TTLSecondsAfterFinished: new(int32(86400)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
					"delivery.signal.dev/checks":          "app",
					"delivery.signal.dev/checked-release": "v2",
					"delivery.signal.dev/attempt":         "3",
					"delivery.signal.dev/check":           "load.background",
				}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false),
					ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}},
					SecurityContext:  &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"}},
					Containers: []corev1.Container{{
						Name: "check", Image: prober, Command: []string{"/prober"}, Args: []string{"load"},
						TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
						SecurityContext: &corev1.SecurityContext{
							RunAsUser: new(int64(65532)), AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
							Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
						Env: []corev1.EnvVar{
							{Name: "SIGNAL_TARGET", Value: "http://198.19.0.7:80"},
							{Name: "SIGNAL_STABLE", Value: "http://198.19.0.6:80"},
							{Name: "SIGNAL_HOST", Value: "app.prod.svc"},
							{Name: "SIGNAL_RELEASE_ID", Value: "v2-prod-20300101_120000"},
							{Name: "SIGNAL_LASTS", Value: "18m0s"},
							{Name: "SIGNAL_TIMEOUT", Value: "19m0s"},
							{Name: "SIGNAL_LOAD", Value: `{"requests":[{"path":"/\u0024(SIGNAL_HOST)","method":"GET","weight":1}],"ratePerSecond":20,"timeoutSeconds":5}`},
						},
						Resources: corev1.ResourceRequirements{
							Requests: corev1.ResourceList{"cpu": resource.MustParse("10m"), "memory": resource.MustParse("32Mi")},
							Limits:   corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("128Mi")},
						},
						VolumeMounts: []corev1.VolumeMount{{Name: "ended", MountPath: "/signal/ended", ReadOnly: true}},
					}},
					Volumes: []corev1.Volume{{Name: "ended", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
						LocalObjectReference: corev1.LocalObjectReference{Name: "app-report-v2-3"}, Optional: new(true),
						Items: []corev1.KeyToPath{{Key: "report.json", Path: "report.json"}},
					}}}},
				},
			},
		},
	}
	if diff := cmp.Diff(want, Background(sd, rel, plan, both, prober)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatBackgroundLoadIsGiven(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.BackgroundLoad)
		sides  Sides
		want   map[string]string // in the environment
		cpu    string            // limit
	}{
		"beside a first release": {func(*v1alpha1.BackgroundLoad) {}, Sides{Canary: "198.19.0.7"}, map[string]string{"SIGNAL_TARGET": "http://198.19.0.7:80", "SIGNAL_STABLE": ""}, "500m"},
		"a named port":           {func(b *v1alpha1.BackgroundLoad) { b.Port = "admin" }, both, map[string]string{"SIGNAL_TARGET": "http://198.19.0.7:9000", "SIGNAL_STABLE": "http://198.19.0.6:9000"}, "500m"},
		"IPv6":                   {func(*v1alpha1.BackgroundLoad) {}, Sides{Canary: "fd00::7", Stable: "fd00::6"}, map[string]string{"SIGNAL_TARGET": "http://[fd00::7]:80", "SIGNAL_STABLE": "http://[fd00::6]:80"}, "500m"},
		"resources": {func(b *v1alpha1.BackgroundLoad) {
			b.Resources.Limits = corev1.ResourceList{"cpu": resource.MustParse("2")}
		}, both, nil, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			sd := loaded(tc.change)
			sd.Spec.Service.Ports = append(sd.Spec.Service.Ports, v1alpha1.ServicePort{Name: "admin", Port: 9000})
			c := Background(sd, rel, plan, tc.sides, prober).Spec.Template.Spec.Containers[0]
			env := map[string]string{}
			for _, e := range c.Env {
				env[e.Name] = e.Value
			}
			for key, value := range tc.want {
				if got, there := env[key]; !there || got != value {
					t.Errorf("%s is %q, want %q", key, got, value)
				}
			}
			if got := c.Resources.Limits.Cpu().String(); got != tc.cpu {
				t.Errorf("limit of CPU %s, want %s", got, tc.cpu)
			}
		})
	}
}

func TestBackgroundLoadReachesTheProberAsWritten(t *testing.T) {
	sd := loaded(func(b *v1alpha1.BackgroundLoad) { b.Requests[0].Body = `{"a":"$(SIGNAL_TARGET)$$"}` })
	env := Background(sd, rel, plan, both, prober).Spec.Template.Spec.Containers[0].Env
	var got v1alpha1.BackgroundLoad
	if err := json.Unmarshal([]byte(env[len(env)-1].Value), &got); err != nil || strings.Contains(env[len(env)-1].Value, "$") {
		t.Fatalf("%v: %s", err, env[len(env)-1].Value)
	}
	if diff := cmp.Diff(*sd.Spec.Checks.Load.Background, got); diff != "" {
		t.Error(diff)
	}
}

// As long as the plan may take, and no longer than an hour: nobody deletes it.
func TestBackgroundLoadLasts(t *testing.T) {
	step := func(hold int32) v1alpha1.Step { return v1alpha1.Step{HoldSeconds: &hold} }
	for name, tc := range map[string]struct {
		plan v1alpha1.Plan
		want string
	}{
		"no steps":                        {v1alpha1.Plan{VerifySeconds: 60, ProgressDeadlineSeconds: 30}, "3m0s"},
		"a step":                          {v1alpha1.Plan{VerifySeconds: 60, ProgressDeadlineSeconds: 30, Steps: []v1alpha1.Step{step(90)}}, "5m0s"},
		"a step of the default":           {v1alpha1.Plan{ProgressDeadlineSeconds: 1, Steps: []v1alpha1.Step{{}}}, "1m5s"},
		"the default deadlines":           {v1alpha1.Plan{VerifySeconds: 300, ProgressDeadlineSeconds: 600, Steps: []v1alpha1.Step{step(60)}}, "56m0s"},
		"more than an hour":               {v1alpha1.Plan{VerifySeconds: 300, ProgressDeadlineSeconds: 600, Steps: []v1alpha1.Step{step(60), step(60)}}, "1h0m0s"},
		"all that the schema allows":      {v1alpha1.Plan{VerifySeconds: 86400, ProgressDeadlineSeconds: 86400, Steps: []v1alpha1.Step{step(604800)}}, "1h0m0s"},
		"nothing, as of a lost memory":    {v1alpha1.Plan{}, "0s"},
		"a verification and no deadlines": {v1alpha1.Plan{VerifySeconds: 10}, "10s"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := backgroundLasts(tc.plan).String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// A check may be called background, too.
func TestBackgroundLoadIsNoCheckAndNoPodOfTheRelease(t *testing.T) {
	check := alive
	check.Name = "background"
	mine, theirs := Background(loaded(), rel, plan, both, prober), Build(deployment(check), rel, check, target, prober)
	if mine.Name == theirs.Name || labels.SelectorFromSet(theirs.Spec.Template.Labels).Matches(labels.Set(mine.Spec.Template.Labels)) {
		t.Errorf("%s %v is taken for %s %v", mine.Name, mine.Spec.Template.Labels, theirs.Name, theirs.Spec.Template.Labels)
	}
	for key, value := range release.Selector("app", rel.Hash) {
		if labels.SelectorFromSet(labels.Set{key: value}).Matches(labels.Set(mine.Spec.Template.Labels)) {
			t.Errorf("%v has %s=%s", mine.Spec.Template.Labels, key, value)
		}
	}
}

func TestBackgroundLoadStartsOnce(t *testing.T) {
	sd, c := loaded(), cluster(t)
	was := ""
	for i := range 2 {
		if err := EnsureBackground(t.Context(), c, sd, rel, plan, both, prober); err != nil {
			t.Fatal(err)
		}
		all := jobsIn(t, c)
		job := all["app-v2-background-3"]
		if len(all) != 1 || !owned.Owns(sd, &job) || i > 0 && job.ResourceVersion != was {
			t.Fatalf("got %v", all)
		}
		was = job.ResourceVersion
	}
	if err := EnsureBackground(t.Context(), c, sd, rel, plan, both, ""); err == nil || !strings.Contains(err.Error(), "--prober-image") {
		t.Errorf("without a prober: %v", err)
	}
}

package release

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const digest1, digest2 = "sha256:1111111111111111", "sha256:2222222222222222"

func spec(change ...func(*v1alpha1.SignalDeploymentSpec)) *v1alpha1.SignalDeploymentSpec {
	s := &v1alpha1.SignalDeploymentSpec{
		Artifact: v1alpha1.ArtifactSpec{Image: "registry.example:5000/acme/app:v1"},
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}, {Name: "proxy", Image: "proxy:1"}}}},
	}
	for _, c := range change {
		c(s)
	}
	return s
}

func config(value string) Configs {
	return Configs{"settings": {Data: map[string]string{"level": value}}}
}

// What makes a new release, and what does not.
func TestIdentity(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*v1alpha1.SignalDeploymentSpec)
		configs Configs
		rules   map[v1alpha1.ConfigMapKey]string
		digest  string
		asked   bool // asks for something else
		hash    bool // is something else
	}{
		"nothing":                  {digest: digest1, configs: config("a")},
		"another digest":           {digest: digest2, configs: config("a"), hash: true},
		"another tag of one image": {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Artifact.Image = "registry.example:5000/acme/app:v2" }, digest: digest1, configs: config("a"), asked: true},
		"another configuration":    {digest: digest1, configs: config("b"), asked: true, hash: true},
		"another template":         {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Template.Spec.Containers[1].Image = "proxy:2" }, digest: digest1, configs: config("a"), asked: true, hash: true},
		"the image in the template, which the digest replaces": {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Template.Spec.Containers[0].Image = "anything" }, digest: digest1, configs: config("a")},
		"another check": {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Checks.Smoke = []v1alpha1.SmokeCheck{{Name: "alive"}} }, digest: digest1, configs: config("a"), asked: true, hash: true},
		"another background load": {change: func(s *v1alpha1.SignalDeploymentSpec) {
			s.Checks.Load.Background = &v1alpha1.BackgroundLoad{RatePerSecond: 5}
		}, digest: digest1, configs: config("a")},
		"another alert rule": {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Alerts.RollbackOn = []string{"page"} }, digest: digest1, configs: config("a"), asked: true, hash: true},
		"a file of rules": {
			change: func(s *v1alpha1.SignalDeploymentSpec) { s.Alerts.RulesFrom = []v1alpha1.ConfigMapKey{{Name: "rules"}} },
			rules:  map[v1alpha1.ConfigMapKey]string{{Name: "rules"}: "groups: []"}, digest: digest1, configs: config("a"), asked: true, hash: true,
		},
		"a file of rules that is not asked for": {rules: map[v1alpha1.ConfigMapKey]string{{Name: "rules"}: "groups: []"}, digest: digest1, configs: config("a")},
		"a dashboard":                           {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Dashboard = &v1alpha1.DashboardSpec{} }, digest: digest1, configs: config("a"), asked: true, hash: true},
		"another signer": {change: func(s *v1alpha1.SignalDeploymentSpec) {
			s.Artifact.Signatures = []v1alpha1.SignaturePolicy{{Name: "us"}}
		}, digest: digest1, configs: config("a"), asked: true},
		"more replicas":    {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Replicas = new(int32(9)) }, digest: digest1, configs: config("a")},
		"another version":  {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Version = "v9" }, digest: digest1, configs: config("a")},
		"another strategy": {change: func(s *v1alpha1.SignalDeploymentSpec) { s.Strategy.DrainSeconds = new(int32(9)) }, digest: digest1, configs: config("a")},
	} {
		t.Run(name, func(t *testing.T) {
			changed := spec()
			if tc.change != nil {
				tc.change(changed)
			}
			if got := Asked(changed, Inputs{Configs: tc.configs, Rules: tc.rules}) != Asked(spec(), Inputs{Configs: config("a")}); got != tc.asked {
				t.Errorf("asks for something else: %t, want %t", got, tc.asked)
			}
			if got := Hash(changed, Inputs{Configs: tc.configs, Rules: tc.rules}, tc.digest) != Hash(spec(), Inputs{Configs: config("a")}, digest1); got != tc.hash {
				t.Errorf("is something else: %t, want %t", got, tc.hash)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for name, tc := range map[string]struct{ version, image, digest, want string }{
		"given":                   {"v9", "app:v1", digest1, "v9"},
		"the tag":                 {"", "app:v1", digest1, "v1"},
		"a port is no tag":        {"", "registry.example:5000/app", "sha256:0123456789abcdef", "0123456789ab"},
		"the digest of the image": {"", "app@sha256:fedcba9876543210", digest1, "fedcba987654"},
		"tag and digest":          {"", "app:v1@sha256:fedcba9876543210", digest1, "v1"},
		"no digest yet":           {"", "app", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(func(s *v1alpha1.SignalDeploymentSpec) { s.Version, s.Artifact.Image = tc.version, tc.image })
			if got := Version(s, tc.digest); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestID(t *testing.T) {
	start := time.Date(2026, 1, 18, 9, 31, 35, 0, time.FixedZone("CET", 3600))
	if got, want := ID("v1.0.0", "prod", start), "v1.0.0-prod-20260118_083135"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnvironment(t *testing.T) {
	sd := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "trading"}}
	if got := Environment(sd); got != "trading" {
		t.Errorf("absent: got %q", got)
	}
	sd.Spec.Environment = "prod"
	if got := Environment(sd); got != "prod" {
		t.Errorf("given: got %q", got)
	}
}

func TestContainer(t *testing.T) {
	for name, tc := range map[string]struct {
		container string
		want      int
	}{
		"the first when absent": {"", 0},
		"by name":               {"proxy", 1},
		"none of that name":     {"other", -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(func(s *v1alpha1.SignalDeploymentSpec) { s.Artifact.Container = tc.container })
			if got := Container(s); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestNamesFitAndStayApart(t *testing.T) {
	long := strings.Repeat("n", 40)
	seen := map[string]bool{}
	for _, check := range []string{"smoke", strings.Repeat("c", 40), strings.Repeat("c", 39) + "d"} {
		for _, attempt := range []int32{1, 2, 100} {
			for _, hash := range []string{"0123456789", "abcdefabcd"} {
				name := JobName(long, hash, attempt, check)
				if len(name) > 63 || seen[name] {
					t.Errorf("%q has %d characters, seen before: %t", name, len(name), seen[name])
				}
				seen[name] = true
				for _, stage := range []v1alpha1.CheckStage{v1alpha1.StageGateway, v1alpha1.StageAfterCutover} {
					at := StageName(long, hash, attempt, check, stage)
					if len(at) > 63 || seen[at] {
						t.Errorf("%q has %d characters, seen before: %t", at, len(at), seen[at])
					}
					seen[at] = true
				}
				if load := LoadName(long, hash, attempt, check); len(load) > 63 || seen[load] {
					t.Errorf("%q has %d characters, seen before: %t", load, len(load), seen[load])
				} else {
					seen[load] = true
				}
			}
		}
	}
	if check, load := JobName("app", "0123456789", 2, "background"), LoadName("app", "0123456789", 2, "background"); check == load || load != "app-0123456789-background-2" {
		t.Errorf("a check of the name has %q, load %q", check, load)
	}
	for got, want := range map[string]string{
		JobName("app", "0123456789", 2, "smoke"):                            "app-0123456789-2-smoke",
		StageName("app", "0123456789", 2, "smoke", v1alpha1.StageCandidate): "app-0123456789-2-smoke",
		StageName("app", "0123456789", 2, "smoke", v1alpha1.StageGateway):   "app-0123456789-gateway-2-smoke",
		JobName("app", "0123456789", 2, "gateway-2-smoke"):                  "app-0123456789-2-gateway-2-smoke",
		PreviewName("app", 0):  "app-preview",
		PreviewName("app", 15): "app-preview-16",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestStages(t *testing.T) {
	const candidate, gateway, after = v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover
	for name, tc := range map[string]struct{ asked, want []v1alpha1.CheckStage }{
		"none are the candidate": {nil, []v1alpha1.CheckStage{candidate}},
		"in their own order":     {[]v1alpha1.CheckStage{after, gateway, candidate}, []v1alpha1.CheckStage{candidate, gateway, after}},
		"only what is asked for": {[]v1alpha1.CheckStage{after}, []v1alpha1.CheckStage{after}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Stages(v1alpha1.SmokeCheck{Stages: tc.asked})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The way through the Gateway is made only where something asks for it, and
// where it leads is known.
func TestPreviewed(t *testing.T) {
	asks := v1alpha1.ChecksSpec{Smoke: []v1alpha1.SmokeCheck{{Name: "a"}, {Name: "b", Stages: []v1alpha1.CheckStage{v1alpha1.StageGateway}}}}
	entry := v1alpha1.TrafficSpec{Entry: &v1alpha1.TrafficEntry{URL: "http://signals.example"}}
	for name, tc := range map[string]struct {
		spec v1alpha1.SignalDeploymentSpec
		want bool
	}{
		"nothing is asked for": {v1alpha1.SignalDeploymentSpec{}, false},
		"an entry alone":       {v1alpha1.SignalDeploymentSpec{Traffic: entry}, false},
		"a check alone":        {v1alpha1.SignalDeploymentSpec{Checks: asks}, false},
		"both":                 {v1alpha1.SignalDeploymentSpec{Traffic: entry, Checks: asks}, true},
		"other stages":         {v1alpha1.SignalDeploymentSpec{Traffic: entry, Checks: v1alpha1.ChecksSpec{Smoke: []v1alpha1.SmokeCheck{{Stages: []v1alpha1.CheckStage{v1alpha1.StageAfterCutover}}}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Previewed(&tc.spec); got != tc.want {
				t.Errorf("Previewed = %t", got)
			}
		})
	}
}

func TestArchiveName(t *testing.T) {
	for name, tc := range map[string]struct {
		release v1alpha1.Release
		want    string
	}{
		"first attempt":    {v1alpha1.Release{Hash: "h", Asked: "a", Attempt: 1}, "app-report-h"},
		"later attempt":    {v1alpha1.Release{Hash: "h", Asked: "a", Attempt: 3}, "app-report-h-3"},
		"never got a hash": {v1alpha1.Release{Asked: "a", Attempt: 1}, "app-report-a"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ArchiveName("app", tc.release); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestConfigNames(t *testing.T) {
	yes, no := true, false
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("volume")}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("projected"), Optional: &yes}}, {},
			}}}},
			{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
		InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: named("init"), Optional: &no}}}}},
		Containers: []corev1.Container{{Env: []corev1.EnvVar{
			{Name: "PLAIN", Value: "x"},
			{Name: "A", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named("env"), Optional: &yes}}},
			{Name: "B", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named("env")}}},
		}}},
	}}
	names, optional := ConfigNames(template)
	if diff := cmp.Diff([]string{"env", "init", "projected", "volume"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]bool{"env": false, "init": false, "projected": true, "volume": false}, optional); diff != "" {
		t.Error("needed anywhere is needed:", diff)
	}
	Rename(template, func(name string) string { return name + "-copy" })
	renamed, _ := ConfigNames(template)
	if diff := cmp.Diff([]string{"env-copy", "init-copy", "projected-copy", "volume-copy"}, renamed); diff != "" {
		t.Error(diff)
	}
}

func TestRepository(t *testing.T) {
	for image, want := range map[string]string{
		"app":                               "app",
		"app:v1":                            "app",
		"registry:5000/team/app":            "registry:5000/team/app",
		"registry:5000/team/app:v1":         "registry:5000/team/app",
		"registry/app@sha256:abc":           "registry/app",
		"registry:5000/app:v1@sha256:abc":   "registry:5000/app",
		"registry:5000/a.b/c_d/e-f:v1.2.3-": "registry:5000/a.b/c_d/e-f",
	} {
		t.Run(image, func(t *testing.T) {
			if got := Repository(image); got != want {
				t.Errorf("repository = %s, want %s", got, want)
			}
		})
	}
}

package builtin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var (
	noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	app  = types.NamespacedName{Namespace: "prod", Name: "app"}
)

// pod is one of a release's, as a ReplicaSet makes them, that serves on 8080.
func pod(name, hash, ip string, change ...func(*corev1.Pod)) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: app.Namespace, Name: name, UID: types.UID("uid-" + name),
			Labels: map[string]string{v1alpha1.LabelName: app.Name, v1alpha1.LabelRelease: hash, appsv1.DefaultDeploymentUniqueLabelKey: "t1"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "app-" + hash + "-t1", UID: "set", Controller: new(true),
			}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "signal", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func subjectWith(pods ...corev1.Pod) Subject {
	return Subject{
		Key: app, Candidate: "new", Stable: "old", Interval: time.Second, Pods: pods, Since: noon,
		Scrape: v1alpha1.ScrapeSpec{Port: new(intstr.FromString("http"))},
	}
}

func TestWhichPodsAreScraped(t *testing.T) {
	for name, tc := range map[string]struct {
		hash, ip string
		change   func(*corev1.Pod)
		want     string // track, place
	}{
		"the candidate's":             {hash: "new", ip: "10.0.0.1", want: "candidate http://10.0.0.1:8080/metrics"},
		"the stable release's":        {hash: "old", ip: "10.0.0.1", want: "stable http://10.0.0.1:8080/metrics"},
		"over IPv6":                   {hash: "new", ip: "fd00::1", want: "candidate http://[fd00::1]:8080/metrics"},
		"another release's":           {hash: "older", ip: "10.0.0.1"},
		"without a hash":              {hash: "", ip: "10.0.0.1"},
		"without an address yet":      {hash: "new", want: "candidate"},
		"the loopback address":        {hash: "new", ip: "127.0.0.1", want: "candidate"},
		"a metadata server's":         {hash: "new", ip: "169.254.169.254", want: "candidate"},
		"on the node's network":       {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.Spec.HostNetwork = true }, want: "candidate"},
		"has ended well":              {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, want: "candidate"},
		"has ended badly":             {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, want: "candidate"},
		"has no such port":            {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.Spec.Containers[0].Ports[0].Name = "web" }, want: "candidate"},
		"of another namespace":        {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.Namespace = "other" }},
		"of another SignalDeployment": {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.Labels[v1alpha1.LabelName] = "other" }},
		"without an owner":            {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.OwnerReferences = nil }},
		"of a Job":                    {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.OwnerReferences[0].Kind = "Job" }},
		"of another API's ReplicaSet": {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.OwnerReferences[0].APIVersion = "example.com/v1" }},
		"of another's ReplicaSet":     {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.OwnerReferences[0].Name = "app-old-t1" }},
		"not owned as a controller":   {hash: "new", ip: "10.0.0.1", change: func(p *corev1.Pod) { p.OwnerReferences[0].Controller = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("a", tc.hash, tc.ip)
			if tc.change != nil {
				tc.change(&p)
			}
			got := ""
			for _, m := range subjectWith(p).members() {
				got = m.target.track
				if m.scraped {
					got += " " + m.target.place()
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhereMetricsAre(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	two := func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "other", Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 9090}}})
	}
	for name, tc := range map[string]struct {
		scrape v1alpha1.ScrapeSpec
		change func(*corev1.Pod)
		want   string // container, place
	}{
		"a port by name":               {v1alpha1.ScrapeSpec{Port: new(intstr.FromString("http"))}, two, "signal http://10.0.0.1:8080/metrics"},
		"of another container":         {v1alpha1.ScrapeSpec{Port: new(intstr.FromString("admin"))}, two, "other http://10.0.0.1:9090/metrics"},
		"a port by number":             {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(9090))}, two, "other http://10.0.0.1:9090/metrics"},
		"a port that is not declared":  {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(7000))}, two, " http://10.0.0.1:7000/metrics"},
		"of the only container":        {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(7000))}, func(*corev1.Pod) {}, "signal http://10.0.0.1:7000/metrics"},
		"a number that a name is":      {v1alpha1.ScrapeSpec{Port: new(intstr.FromString("8080"))}, two, "nowhere"},
		"no port":                      {v1alpha1.ScrapeSpec{}, two, "nowhere"},
		"another path and scheme":      {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(8080)), Path: "/a/b?c=d", Scheme: "https"}, two, "signal https://10.0.0.1:8080/a/b?c=d"},
		"a path that looks like hosts": {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(8080)), Path: "//evil/x"}, two, "signal http://10.0.0.1:8080//evil/x"},
		"a whole address for a path":   {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(8080)), Path: "http://evil/"}, two, "nowhere"},
		"a path that is none":          {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(8080)), Path: "/%zz"}, two, "nowhere"},
		"a star":                       {v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(8080)), Path: "*"}, two, "nowhere"},
		"a sidecar's": {v1alpha1.ScrapeSpec{Port: new(intstr.FromString("mesh"))}, func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "proxy", RestartPolicy: &always, Ports: []corev1.ContainerPort{{Name: "mesh", ContainerPort: 15020}}}}
		}, "proxy http://10.0.0.1:15020/metrics"},
		"an init container's": {v1alpha1.ScrapeSpec{Port: new(intstr.FromString("mesh"))}, func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "init", Ports: []corev1.ContainerPort{{Name: "mesh", ContainerPort: 15020}}}}
		}, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			s := subjectWith(pod("a", "new", "10.0.0.1", tc.change))
			s.Scrape = tc.scrape
			m, got := s.members()[0], "nowhere"
			if m.scraped {
				got = m.target.container + " " + m.target.place()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLabelsOfATarget(t *testing.T) {
	want := `{container="signal", delivery_signal_dev_name="app", delivery_signal_dev_release="new", instance="10.0.0.1:8080", ` +
		`job="prod/app", namespace="prod", pod="a", release="new", service="app", track="candidate"}`
	if got := subjectWith(pod("a", "new", "10.0.0.1")).members()[0].target.labels().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s := subjectWith(pod("a", "new", "10.0.0.1"))
	s.Pods[0].Spec.Containers = nil
	s.Scrape.Port = new(intstr.FromInt32(80))
	if got := s.members()[0].target.labels(); got.Has("container") || labels.Equal(got, labels.EmptyLabels()) {
		t.Errorf("a container that is not known is a label: %s", got)
	}
}

func TestSubjectOf(t *testing.T) {
	sd := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app"}}
	sd.Spec.Analysis.Interval.Duration = 2 * time.Second
	sd.Spec.Service.Ports = []v1alpha1.ServicePort{{Port: 80}, {Port: 81}}
	pods := []corev1.Pod{pod("a", "new", "10.0.0.1")}
	want := Subject{Key: app, Interval: 2 * time.Second, Pods: pods, Scrape: v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(80))}}
	if diff := cmp.Diff(want, SubjectOf(sd, v1alpha1.ScrapeSpec{}, pods)); diff != "" {
		t.Errorf("without a targetPort: %s", diff)
	}
	sd.Spec.Service.Ports[0].TargetPort = new(intstr.FromString("http"))
	sd.Status.Candidate, sd.Status.Stable = &v1alpha1.Release{Hash: "new"}, &v1alpha1.Release{Hash: "old"}
	sd.Status.Rollout.SinceTime = metav1.NewTime(noon)
	want.Scrape.Port, want.Candidate, want.Stable, want.Since = new(intstr.FromString("http")), "new", "old", noon
	if diff := cmp.Diff(want, SubjectOf(sd, v1alpha1.ScrapeSpec{}, pods)); diff != "" {
		t.Errorf("with a targetPort: %s", diff)
	}
	want.Scrape.Port = new(intstr.FromInt32(9090))
	if diff := cmp.Diff(want, SubjectOf(sd, v1alpha1.ScrapeSpec{Port: new(intstr.FromInt32(9090))}, pods)); diff != "" {
		t.Errorf("with a port of its own: %s", diff)
	}
}

package builtin

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Tracks of pods.
const (
	TrackCandidate = "candidate"
	TrackStable    = "stable"
)

// Subject is a release under way, and the pods whose metrics tell of it.
type Subject struct {
	Key               types.NamespacedName
	Candidate, Stable string        // hashes; pods of other releases are left out
	Since             time.Time     // since when the candidate has been judged
	Interval          time.Duration // between two scrapes, within 250 ms and 1 min; zero is 1 s
	Scrape            v1alpha1.ScrapeSpec
	Pods              []corev1.Pod
}

// SubjectOf is what is to be watched of a SignalDeployment. The pods are those
// that its Deployments made.
func SubjectOf(sd *v1alpha1.SignalDeployment, scrape v1alpha1.ScrapeSpec, pods []corev1.Pod) Subject {
	s := Subject{
		Key:   types.NamespacedName{Namespace: sd.Namespace, Name: sd.Name},
		Since: sd.Status.Rollout.SinceTime.Time, Interval: sd.Spec.Analysis.Interval.Duration,
		Scrape: scrape, Pods: pods,
	}
	if sd.Status.Candidate != nil {
		s.Candidate = sd.Status.Candidate.Hash
	}
	if sd.Status.Stable != nil {
		s.Stable = sd.Status.Stable.Hash
	}
	if s.Scrape.Port == nil && len(sd.Spec.Service.Ports) > 0 {
		first := sd.Spec.Service.Ports[0]
		s.Scrape.Port = first.TargetPort
		if first.TargetPort == nil {
			s.Scrape.Port = new(intstr.FromInt32(first.Port))
		}
	}
	return s
}

// target is one endpoint that serves metrics. Two that are equal are the same.
type target struct {
	key                        types.NamespacedName
	pod, uid, container        string
	release, track             string
	instance, scheme, resource string // host:port; how; path and query
}

// place is where the target is, for people.
func (t target) place() string { return t.scheme + "://" + t.instance + t.resource }

// labels that the target's samples carry.
func (t target) labels() labels.Labels {
	return labels.FromMap(t.identity(map[string]string{"container": t.container, "instance": t.instance}))
}

// identity adds the labels by which samples are told apart.
func (t target) identity(to map[string]string) map[string]string {
	maps.Copy(to, map[string]string{
		"namespace": t.key.Namespace, "pod": t.pod, "job": t.key.String(), "service": release.StableName(t.key.Name),
		"delivery_signal_dev_name": t.key.Name, "release": t.release, "delivery_signal_dev_release": t.release, "track": t.track,
	})
	maps.DeleteFunc(to, func(_, value string) bool { return value == "" })
	return to
}

// member is one of the subject's pods, with what can be scraped of it.
type member struct {
	pod     *corev1.Pod
	target  target
	scraped bool      // whether the target can be
	started time.Time // when its container did; zero when that is not known
}

// members are the subject's pods that are the operator's own, by name. One
// with an address is scraped, but never on the node's network, where the port
// is anything's, nor where an address is none of a pod.
func (s Subject) members() []member {
	var all []member
	for i := range s.Pods {
		pod := &s.Pods[i]
		track := s.track(pod)
		if track == "" {
			continue
		}
		m := member{pod: pod, target: target{
			key: s.Key, pod: pod.Name, uid: string(pod.UID), release: pod.Labels[v1alpha1.LabelRelease], track: track,
		}}
		m.aim(s.Scrape)
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.target.pod, b.target.pod), cmp.Compare(a.target.uid, b.target.uid))
	})
	return all
}

// track is empty for a pod that is not the operator's own: its labels and its
// owner must both be those of a Deployment of a release that is under way.
func (s Subject) track(pod *corev1.Pod) string {
	hash, owner := pod.Labels[v1alpha1.LabelRelease], metav1.GetControllerOf(pod)
	own := pod.Namespace == s.Key.Namespace && pod.Labels[v1alpha1.LabelName] == s.Key.Name && hash != "" &&
		owner != nil && owner.Kind == "ReplicaSet" && owner.APIVersion == appsv1.SchemeGroupVersion.String() &&
		owner.Name == release.DeploymentName(s.Key.Name, hash)+"-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	switch {
	case own && hash == s.Candidate:
		return TrackCandidate
	case own && hash == s.Stable:
		return TrackStable
	}
	return ""
}

// aim finds where the pod serves metrics.
func (m *member) aim(scrape v1alpha1.ScrapeSpec) {
	port, container := portOf(m.pod, scrape.Port)
	m.target.container = container
	address, err := netip.ParseAddr(m.pod.Status.PodIP)
	ended := m.pod.Status.Phase == corev1.PodFailed || m.pod.Status.Phase == corev1.PodSucceeded
	foreign := m.pod.Spec.HostNetwork || !address.IsGlobalUnicast()
	resource, ok := resourceOf(scrape.Path)
	if err != nil || port == 0 || ended || foreign || !ok {
		return
	}
	m.scraped = true
	m.target.instance = net.JoinHostPort(address.Unmap().String(), strconv.Itoa(port))
	m.target.scheme, m.target.resource = string(cmp.Or(scrape.Scheme, v1alpha1.ScrapeHTTP)), resource
	for _, status := range m.pod.Status.ContainerStatuses {
		if status.Name == container && status.State.Running != nil {
			m.started = status.State.Running.StartedAt.Time
		}
	}
}

// resourceOf is the path and the query that are asked for.
func resourceOf(path string) (string, bool) {
	u, err := url.ParseRequestURI(cmp.Or(path, "/metrics"))
	if err != nil || u.IsAbs() || !strings.HasPrefix(u.RequestURI(), "/") {
		return "", false
	}
	return u.RequestURI(), true
}

// portOf is the number of the port, zero when the pod has none of that name,
// and the container that has it, where one can be told.
func portOf(pod *corev1.Pod, port *intstr.IntOrString) (number int, container string) {
	if port == nil {
		return 0, ""
	}
	containers := serving(pod)
	for _, c := range containers {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return int(p.ContainerPort), c.Name
			}
		}
	}
	switch {
	case port.Type == intstr.String:
		return 0, ""
	case len(containers) == 1:
		return port.IntValue(), containers[0].Name
	}
	return port.IntValue(), ""
}

// serving are the containers that run as long as the pod does.
func serving(pod *corev1.Pod) []corev1.Container {
	all := slices.Clone(pod.Spec.Containers)
	for _, init := range pod.Spec.InitContainers {
		if init.RestartPolicy != nil && *init.RestartPolicy == corev1.ContainerRestartPolicyAlways { // a sidecar
			all = append(all, init)
		}
	}
	return all
}

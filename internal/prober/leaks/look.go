package leaks

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/internal/prober/leaks/sink"
)

const (
	maxLog     = 32 << 20 // bytes that are searched of one log
	maxMetrics = 16 << 20 // and of one pod's metrics
	margin     = time.Minute
	// Container is the one container of the Job.
	Container = "check"
)

// Metrics is where each of the candidate's pods serves metrics.
type Metrics struct {
	Scheme, Path string
	Port         string // number, or name of a container's port
}

// look searches wherever something may be written.
func (r *hunt) look(ctx context.Context) {
	pods, raw, err := r.API.Pods(ctx, r.Selector)
	if err != nil {
		r.miss(ctx, "the candidate's pods", err)
	}
	for _, name := range r.pods {
		if !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.Name == name }) && err == nil {
			r.miss(ctx, "the log of pod "+name, errors.New("the pod is gone"))
		}
	}
	for i := range pods {
		r.whole(place{"the object of the candidate's pod", pods[i].Name}, raw[i])
		r.logs(ctx, &pods[i])
		r.metrics(ctx, &pods[i])
	}
	r.events(ctx)
	r.object(ctx, "the SignalDeployment", r.Name, r.API.SignalDeployment)
	r.object(ctx, "the report", r.Name+"-report", r.API.ConfigMap)
	r.tell(ctx) // before the Job's own log is read
	r.log(ctx, place{"the log of the Job", "pod " + r.Pod}, r.Pod, Container, false)
}

// whole searches a text.
func (r *hunt) whole(at place, text []byte) { r.take(at, r.index.Search(text), int64(len(text))) }

// logs searches what every container of a pod wrote, sidecars and those that
// ran before, and what it wrote before it was restarted.
func (r *hunt) logs(ctx context.Context, pod *corev1.Pod) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		at := place{"the log of container " + status.Name, "pod " + pod.Name}
		if status.State.Waiting == nil || status.RestartCount > 0 { // one that waits has no log yet
			r.log(ctx, at, pod.Name, status.Name, false)
		}
		if status.RestartCount > 0 {
			r.log(ctx, at, pod.Name, status.Name, true)
		}
	}
	if len(pod.Status.ContainerStatuses) == 0 {
		r.miss(ctx, "the log of pod "+pod.Name, errors.New("it has no container yet"))
	}
}

func (r *hunt) log(ctx context.Context, at place, pod, container string, previous bool) {
	named := at.what + " of " + at.whose
	body, err := r.API.Log(ctx, pod, container, previous, r.Clock.Since(r.start)+margin, maxLog+1)
	if err != nil {
		r.miss(ctx, named, err)
		return
	}
	defer body.Close() //nolint:errcheck // it has been read
	finds, read, all, err := r.index.Stream(body, maxLog)
	r.take(at, finds, read)
	switch {
	case err != nil:
		r.miss(ctx, named, err)
	case !all:
		r.miss(ctx, named, fmt.Errorf("it is longer than the %d MiB that are searched", maxLog>>20))
	}
}

// metrics searches what a pod serves as metrics, asked by its address, without
// credentials.
func (r *hunt) metrics(ctx context.Context, pod *corev1.Pod) {
	at := place{"the metrics", "pod " + pod.Name}
	port := portOf(pod, r.Metrics.Port)
	switch {
	case pod.Status.PodIP == "" || pod.Spec.HostNetwork:
		r.miss(ctx, "the metrics of "+at.whose, errors.New("it has no address of its own"))
		return
	case port == 0:
		r.miss(ctx, "the metrics of "+at.whose, fmt.Errorf("it has no port named %q", r.Metrics.Port))
		return
	}
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // no certificate names a pod's address, and nothing is sent
		},
	}
	address := r.Metrics.Scheme + "://" + net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port)) + r.Metrics.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		r.miss(ctx, "the metrics of "+at.whose, err)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		r.miss(ctx, "the metrics of "+at.whose, errors.New("no answer from "+r.Metrics.Path))
		return
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	if response.StatusCode == http.StatusNotFound {
		r.lacks("nothing is served at " + r.Metrics.Path)
		return
	}
	finds, read, all, err := r.index.Stream(response.Body, maxMetrics)
	r.take(at, finds, read)
	if err != nil || !all {
		r.miss(ctx, "the metrics of "+at.whose, errors.New("they could not be read to their end"))
	}
}

// lacks says, once, what is not there to be searched.
func (r *hunt) lacks(what string) {
	if !slices.Contains(r.absent, what) {
		r.absent = append(r.absent, what)
	}
}

// events searches the namespace's.
func (r *hunt) events(ctx context.Context) {
	all, err := r.API.Events(ctx)
	if err != nil {
		r.miss(ctx, "events", err)
		return
	}
	for _, text := range all {
		var about struct {
			InvolvedObject struct{ Kind, Name string } `json:"involvedObject"`
		}
		if json.Unmarshal(text, &about) != nil {
			about.InvolvedObject.Kind = "something"
		}
		r.whole(place{"an event", about.InvolvedObject.Kind + " " + about.InvolvedObject.Name}, text)
	}
	if len(all) == 0 {
		r.take(place{what: "an event"}, nil, 0)
	}
}

// object searches an object of the operator's; there may be none yet.
func (r *hunt) object(ctx context.Context, what, name string, get func(context.Context, string) ([]byte, error)) {
	text, err := get(ctx, name)
	switch {
	case errors.Is(err, sink.ErrAbsent):
		r.lacks(what + " is not written yet")
	case err != nil:
		r.miss(ctx, what, err)
	default:
		r.whole(place{what, name}, text)
	}
}

// tell writes what was searched and found into the Job's log.
func (r *hunt) tell(ctx context.Context) {
	log := logr.FromContextOrDiscard(ctx)
	for _, what := range slices.Sorted(maps.Keys(r.searched)) {
		log.Info("Searched", "place", what, "texts", r.searched[what].texts, "bytes", r.searched[what].bytes)
	}
	for _, g := range r.groups() {
		log.Info("Leaked", "classes", strings.Join(g.classes, " "), "channel", g.channels[0], "encoding", g.encoding.String(), "place", g.what, "whose", strings.Join(g.whose, " "), "lines", g.lines)
	}
}

// portOf is the number of a container's port, or zero.
func portOf(pod *corev1.Pod, port string) int {
	if number, err := strconv.Atoi(port); err == nil {
		return number
	}
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, p := range c.Ports {
			if p.Name == port {
				return int(p.ContainerPort)
			}
		}
	}
	return 0
}

package leaky

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/internal/prober/leaks/sink"
)

// Token is what the API takes.
const Token = "token-of-the-tests"

// API is what of Kubernetes' API the check reads, with what the service wrote.
type API struct {
	Service *Service
	Has     func(Sink) []byte // in place of what the service wrote
	Refuse  string            // a path of which this is a part is refused
	Change  func(*corev1.Pod) // of the candidate
	Gone    bool              // the pod, once it was seen
	seen    int
}

// Pod is the name of the candidate's pod, JobPod of the Job's.
const (
	PodName = "app-v2-x"
	JobPod  = "app-v2-leaks-1-x"
)

// Serve runs the API for a service at an address.
func (a *API) Serve(t testing.TB, address string) sink.API {
	t.Helper()
	const core, own = "/api/v1/namespaces/prod/", "/apis/delivery.signal.dev/v1alpha1/namespaces/prod/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+core+"pods", func(w http.ResponseWriter, r *http.Request) { a.pods(w, r, address) })
	mux.HandleFunc("GET "+core+"pods/{pod}/log", a.log)
	mux.HandleFunc("GET "+core+"events", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"items": []any{
			map[string]any{"involvedObject": map[string]string{"kind": "Pod", "name": PodName}, "message": string(a.has(Event))},
		}})
	})
	mux.HandleFunc("GET "+own+"signaldeployments/app", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"status": map[string]string{"message": string(a.has(Status))}})
	})
	mux.HandleFunc("GET "+core+"configmaps/app-report", func(w http.ResponseWriter, _ *http.Request) {
		if len(a.has(Report)) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		write(w, map[string]any{"data": map[string]string{"report.md": string(a.has(Report))}})
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Token || a.Refuse != "" && strings.Contains(r.URL.Path, a.Refuse) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return sink.API{Client: server.Client(), URL: server.URL, Namespace: "prod", Token: func() (string, error) { return Token, nil }}
}

func (a *API) has(from Sink) []byte {
	if a.Has != nil {
		return a.Has(from)
	}
	return a.Service.Has(from)
}

func write(w http.ResponseWriter, value any) {
	json.NewEncoder(w).Encode(value) //nolint:errcheck,errchkjson // the tests see what is missing
}

// pods has the candidate's pod: with a sidecar, and with a container that was
// restarted.
func (a *API) pods(w http.ResponseWriter, r *http.Request, address string) {
	host, _, _ := net.SplitHostPort(address)
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: PodName, Annotations: map[string]string{"note": string(a.has(Pod))}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "signal"}, {Name: "proxy"}}},
		Status: corev1.PodStatus{PodIP: host, ContainerStatuses: []corev1.ContainerStatus{
			{Name: "signal", State: running, RestartCount: 1}, {Name: "proxy", State: running},
		}},
	}
	if a.Change != nil {
		a.Change(&pod)
	}
	items := []corev1.Pod{pod}
	if a.seen++; r.URL.Query().Get("labelSelector") != "app=v2" || a.Gone && a.seen > 1 {
		items = nil
	}
	write(w, corev1.PodList{Items: items})
}

func (a *API) log(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from := map[string]Sink{PodName + "/signal": Log, PodName + "/proxy": Sidecar, JobPod + "/check": Job}[r.PathValue("pod")+"/"+query.Get("container")]
	if query.Get("previous") == "true" {
		from = Previous
	}
	if from == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Write(a.has(from)) //nolint:errcheck // the tests see what is missing
}

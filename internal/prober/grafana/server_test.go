package grafana

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const token = "glsa_hunter2hunter2"

type m = map[string]any

// server answers as Grafana's HTTP API is documented to: dashboards by uid,
// folders by title, {"message": …} where something is wrong.
type server struct {
	*httptest.Server
	mu         sync.Mutex
	dashboards map[string]m // by uid
	meta       map[string]m
	folders    []m
	writes     []string
	before     func(w http.ResponseWriter, r *http.Request) bool // answers instead
	keeps      func(m)                                           // what becomes of a dashboard that is saved
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{dashboards: map[string]m{}, meta: map[string]m{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/dashboards/uid/{uid}", s.get)
	mux.HandleFunc("POST /api/dashboards/db", s.save)
	mux.HandleFunc("GET /api/folders", s.list)
	mux.HandleFunc("POST /api/folders", s.make)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, m{"message": "Not found"})
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.before != nil && s.before(w, r) {
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+token {
			answer(w, http.StatusUnauthorized, m{"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401})
			return
		}
		if r.Method != http.MethodGet {
			s.writes = append(s.writes, r.Method+" "+r.URL.Path)
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	uid := r.PathValue("uid")
	if s.dashboards[uid] == nil {
		answer(w, http.StatusNotFound, m{"message": "Dashboard not found"})
		return
	}
	answer(w, http.StatusOK, m{"dashboard": s.dashboards[uid], "meta": s.meta[uid]})
}

func (s *server) save(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Dashboard m
		FolderUID string
		Overwrite bool
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Dashboard["title"] == nil {
		answer(w, http.StatusBadRequest, m{"message": "bad request data"})
		return
	}
	uid := fmt.Sprint(body.Dashboard["uid"])
	if was := s.dashboards[uid]; was != nil && !body.Overwrite {
		answer(w, http.StatusPreconditionFailed, m{"message": "The dashboard has been changed by someone else", "status": "version-mismatch"})
		return
	}
	version := 1
	if was := s.dashboards[uid]; was != nil {
		version = 1 + was["version"].(int)
	}
	if s.keeps != nil {
		s.keeps(body.Dashboard)
	}
	s.dashboards[uid], s.meta[uid] = body.Dashboard, m{"folderUid": body.FolderUID, "provisioned": false, "url": "/d/" + uid}
	s.dashboards[uid]["id"], s.dashboards[uid]["version"] = 7, version
	answer(w, http.StatusOK, m{"id": 7, "uid": uid, "status": "success", "version": version, "url": "/d/" + uid})
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min((page-1)*limit, len(s.folders))
	answer(w, http.StatusOK, append([]m{}, s.folders[from:min(from+limit, len(s.folders))]...))
}

func (s *server) make(w http.ResponseWriter, r *http.Request) {
	var body struct{ Title string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	made := m{"id": len(s.folders) + 1, "uid": fmt.Sprintf("folder-%d", len(s.folders)+1), "title": body.Title}
	s.folders = append(s.folders, made)
	answer(w, http.StatusOK, made)
}

// model is a dashboard of a content.
func model(content string) []byte {
	text, _ := json.Marshal(m{"uid": "signal-1", "title": "app in prod", "tags": []string{"signal", Tag}, "description": "Generated. Content " + content + "."})
	return text
}

// put is a dashboard that Grafana has already.
func (s *server) put(text []byte, meta m) {
	var d m
	_ = json.Unmarshal(text, &d)
	d["id"], d["version"] = 7, 3
	s.dashboards["signal-1"], s.meta["signal-1"] = d, meta
}

// impatient is a clock on which waiting takes no time: it steps forward.
type impatient struct {
	*testingclock.FakeClock
	waits *[]time.Duration
}

func (c impatient) After(d time.Duration) <-chan time.Time {
	*c.waits = append(*c.waits, d)
	c.Step(d)
	passed := make(chan time.Time, 1)
	passed <- c.Now()
	return passed
}

func hurried() (impatient, *[]time.Duration) {
	waits := &[]time.Duration{}
	return impatient{testingclock.NewFakeClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)), waits}, waits
}

var _ Clock = clock.RealClock{}

// task is to bring content "new" into a Grafana.
func task(url string, change ...func(*Task)) Task {
	hurry, _ := hurried()
	t := Task{
		Client: NewClient(), Clock: hurry, Token: token, UID: "signal-1", Content: "new", JSON: model("new"), Namespace: "prod",
		Spec: v1alpha1.DashboardSpec{SlowSeconds: 30, API: &v1alpha1.GrafanaAPI{URL: url, TokenSecret: v1alpha1.SecretKey{Name: "grafana", Key: "token"}}},
	}
	for _, c := range change {
		c(&t)
	}
	return t
}

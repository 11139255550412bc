package grafana

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func into(folder string) func(*Task) { return func(t *Task) { t.Spec.Folder = folder } }

func TestADashboardIsImportedAndReadBack(t *testing.T) {
	for name, tc := range map[string]struct {
		grafana func(*server)
		change  func(*Task)
		writes  []string
		folder  any
		says    string
	}{
		"a new one": {nil, into(""), []string{"POST /api/dashboards/db"}, "", "Grafana has imported the dashboard"},
		"an older content": {
			func(s *server) { s.put(model("old"), m{"folderUid": ""}) },
			into(""),
			[]string{"POST /api/dashboards/db"},
			"", "Grafana has imported the dashboard",
		},
		"the same is there": {func(s *server) { s.put(model("new"), m{"folderUid": ""}) }, into(""), nil, "", "Grafana has the dashboard"},
		"into a folder that is there": {
			func(s *server) { s.folders = []m{{"uid": "a", "title": "Others"}, {"uid": "b", "title": "Signals"}} },
			into("Signals"),
			[]string{"POST /api/dashboards/db"},
			"b", "Grafana has imported the dashboard",
		},
		"into a folder beyond the first thousand": {func(s *server) {
			for i := range 1500 {
				s.folders = append(s.folders, m{"uid": fmt.Sprint(i), "title": fmt.Sprint("T", i)})
			}
		}, into("T1400"), []string{"POST /api/dashboards/db"}, "1400", "Grafana has imported the dashboard"},
		"into a folder that is not there": {nil, into("Signals"), []string{"POST /api/folders", "POST /api/dashboards/db"}, "folder-1", "Grafana has imported the dashboard"},
		"the same, in another folder": {func(s *server) {
			s.put(model("new"), m{"folderUid": ""})
			s.folders = []m{{"uid": "b", "title": "Signals"}}
		}, into("Signals"), []string{"POST /api/dashboards/db"}, "b", "Grafana has imported the dashboard"},
		"an address with a slash at its end": {nil, func(t *Task) { t.Spec.API.URL += "/" }, []string{"POST /api/dashboards/db"}, "", "Grafana has imported the dashboard"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if tc.grafana != nil {
				tc.grafana(s)
			}
			v := task(s.URL, tc.change).Import(t.Context())
			if v.Outcome != verdict.Passed || v.Reason != ReasonImported || !strings.HasPrefix(v.Message, tc.says) || v.Evidence == nil || v.Evidence.Window == "" {
				t.Fatalf("%+v", v)
			}
			if diff := cmp.Diff(tc.writes, s.writes); diff != "" {
				t.Error(diff)
			}
			if got := s.dashboards["signal-1"]; !strings.HasSuffix(got["description"].(string), "Content new.") || s.meta["signal-1"]["folderUid"] != tc.folder {
				t.Errorf("Grafana has %v in %v", got, s.meta["signal-1"])
			}
			if again := task(s.URL, tc.change).Import(t.Context()); again.Outcome != verdict.Passed || len(s.writes) != len(tc.writes) {
				t.Errorf("twice is not once: %s, %v", again.Message, s.writes)
			}
		})
	}
}

// always answers every request alike.
func always(status int, body string, header ...string) func(*server) {
	return func(s *server) {
		s.before = func(w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
			return true
		}
	}
}

// on answers one method, below a path.
func on(method, path string, status int, body string) func(*server) {
	return func(s *server) {
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.HasPrefix(r.URL.Path, path) {
				return false
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
			return true
		}
	}
}

// What goes wrong, what it is called and what to do.
func TestWhatGoesWrong(t *testing.T) {
	const save = "/api/dashboards/db"
	for name, tc := range map[string]struct {
		grafana func(*server)
		change  func(*Task)
		outcome v1alpha1.Outcome
		reason  string
		says    []string
	}{
		"no Secret":              {nil, func(t *Task) { t.Token = "" }, verdict.Failed, ReasonNoToken, []string{`Secret "grafana" in namespace "prod" has no key "token"`, "put the token"}},
		"a token of lines":       {nil, func(t *Task) { t.Token = "a\nb" }, verdict.Failed, ReasonNoToken, []string{`is no token`}},
		"a wrong token":          {nil, func(t *Task) { t.Token = "glsa_other" }, verdict.Failed, ReasonUnauthorized, []string{"401", `into Secret "grafana"`}},
		"no right to write":      {on("POST", save, 403, `{"message":"You'll need additional permissions to perform this action. Permissions needed: dashboards:create"}`), nil, verdict.Failed, ReasonForbidden, []string{"403 to POST /api/dashboards/db", "role Editor", "dashboards:create"}},
		"no right to read":       {on("GET", "/api/dashboards", 403, `{}`), nil, verdict.Failed, ReasonForbidden, []string{"403 to GET /api/dashboards/uid/signal-1"}},
		"no right to folder":     {on("POST", "/api/folders", 403, `{}`), into("Signals"), verdict.Failed, ReasonForbidden, []string{"403 to POST /api/folders"}},
		"no such folder":         {on("POST", save, 404, `{"message":"folder not found"}`), nil, verdict.Failed, ReasonNotFound, []string{"404 to POST /api/dashboards/db", "folder not found"}},
		"not its path":           {always(404, "404 page not found"), nil, verdict.Failed, ReasonNotFound, []string{"404, and not by Grafana", "dashboard.api.url"}},
		"a conflict":             {on("POST", save, 412, `{"status":"name-exists","message":"A dashboard with the same name in the folder already exists"}`), nil, verdict.Failed, ReasonConflict, []string{"412", "same name", "rename or remove"}},
		"refused":                {on("POST", save, 400, `{"message":"Dashboard title cannot be empty"}`), nil, verdict.Failed, ReasonRefused, []string{"400 to POST", "title cannot be empty"}},
		"too many requests":      {always(429, ""), nil, verdict.Unknown, ReasonSilent, []string{"429", "for "}},
		"broken":                 {always(500, `{"message":"database is locked"}`), nil, verdict.Unknown, ReasonSilent, []string{"500", "database is locked", "for "}},
		"bad gateway":            {always(502, "<html>nginx"), nil, verdict.Unknown, ReasonSilent, []string{"502"}},
		"a login page":           {always(200, "<html>Sign in"), nil, verdict.Failed, ReasonNotGrafana, []string{"not Grafana's JSON", "dashboard.api.url"}},
		"other JSON":             {always(200, "{}"), nil, verdict.Failed, ReasonNotGrafana, []string{"not that dashboard"}},
		"nothing":                {always(204, ""), nil, verdict.Failed, ReasonNotGrafana, []string{"204"}},
		"wrong JSON when saving": {on("POST", save, 200, "saved"), nil, verdict.Failed, ReasonNotGrafana, []string{"POST /api/dashboards/db"}},
		"a redirect to login":    {always(302, "", "Location", "/login"), nil, verdict.Failed, ReasonRedirected, []string{"redirect (302)", "not followed with the token"}},
		"a folder of no uid":     {on("POST", "/api/folders", 200, "{}"), into("Signals"), verdict.Failed, ReasonNotGrafana, []string{"without a folder"}},
		"someone else's":         {func(s *server) { s.put([]byte(`{"uid":"signal-1","title":"theirs","tags":["x"]}`), m{}) }, nil, verdict.Failed, ReasonForeign, []string{"not generated by the signal operator"}},
		"from a file":            {func(s *server) { s.put(model("old"), m{"provisioned": true, "folderUid": ""}) }, nil, verdict.Failed, ReasonProvisioned, []string{"from a file", "set dashboard.delivery to ConfigMap"}},
		"kept otherwise":         {func(s *server) { s.keeps = func(d m) { d["description"] = "mine" } }, nil, verdict.Failed, ReasonChanged, []string{"not what was sent"}},
		"an old ConfigMap":       {nil, func(t *Task) { t.JSON = model("old") }, verdict.Unknown, ReasonStale, []string{"not the dashboard that is to be sent yet"}},
		"no ConfigMap":           {nil, func(t *Task) { t.JSON = nil }, verdict.Unknown, ReasonStale, []string{"not the dashboard that is to be sent yet"}},
		"nobody there":           {nil, func(t *Task) { t.Spec.API.URL = "http://127.0.0.1:1" }, verdict.Unknown, ReasonSilent, []string{"the connection was refused"}},
		"no such host":           {nil, func(t *Task) { t.Spec.API.URL = "http://grafana.invalid" }, verdict.Unknown, ReasonSilent, []string{"Grafana does not answer GET /api/dashboards/uid/signal-1: "}},
		"cut short":              {always(200, "{", "Content-Length", "500"), nil, verdict.Unknown, ReasonSilent, []string{"broke off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			if tc.grafana != nil {
				tc.grafana(s)
			}
			change := tc.change
			if change == nil {
				change = func(*Task) {}
			}
			v := task(s.URL, change).Import(t.Context())
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Kind != v1alpha1.SignalDashboard {
				t.Errorf("%s %s: %s", v.Outcome, v.Reason, v.Message)
			}
			for _, words := range tc.says {
				if !strings.Contains(v.Message, words) {
					t.Errorf("%q does not say %q", v.Message, words)
				}
			}
			if d := s.dashboards["signal-1"]; tc.reason == ReasonForeign && d["title"] != "theirs" {
				t.Errorf("it was overwritten: %v", d)
			}
		})
	}
}

func TestTheTokenIsNotTold(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308, 400, 401, 403, 404, 412, 429, 500, 503} {
		elsewhere := ""
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere += r.Header.Get("Authorization") + "!" }))
		s := newServer(t)
		always(status, `{"message":"no such token: `+token+`"}`, "Location", other.URL+"/?t="+token)(s)
		v := task(s.URL).Import(t.Context())
		other.Close()
		if strings.Contains(fmt.Sprintf("%+v %+v", v, *v.Evidence), token) || elsewhere != "" {
			t.Errorf("%d: told %s; elsewhere %q", status, v.Message, elsewhere)
		}
	}
}

func TestAGrafanaThatComesBackIsWaitedFor(t *testing.T) {
	s := newServer(t)
	down := 3
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		down--
		if down >= 0 {
			answer(w, http.StatusServiceUnavailable, m{})
		}
		return down >= 0
	}
	clock, waits := hurried()
	v := task(s.URL, func(t *Task) { t.Clock = clock }).Import(t.Context())
	if v.Outcome != verdict.Passed || v.Evidence.Window != "7s" || !strings.HasSuffix(v.Message, ", after 7s") {
		t.Errorf("%+v", v)
	}
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, *waits); diff != "" {
		t.Error(diff)
	}
}

// An import that takes longer than slowSeconds is there, and an anomaly.
func TestASlowImport(t *testing.T) {
	s := newServer(t)
	down := 9
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		down--
		if down >= 0 {
			answer(w, http.StatusServiceUnavailable, m{})
		}
		return down >= 0
	}
	v := task(s.URL).Import(t.Context())
	if v.Outcome != verdict.Failed || v.Reason != ReasonSlow || !strings.Contains(v.Message, "but only after 37s: more than the slowSeconds of 30s") || s.dashboards["signal-1"] == nil {
		t.Errorf("%+v", v)
	}
	never := newServer(t)
	always(503, "")(never)
	if v := task(never.URL).Import(t.Context()); v.Outcome != verdict.Unknown || v.Evidence.Window == "" || v.Evidence.Threshold != "at most 30s" {
		t.Errorf("%+v", v)
	}
}

func TestASidecarIsWaitedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(*server)
		after  int // requests
		there  []byte
		want   v1alpha1.Outcome
		reason string
		says   string
	}{
		"it is there":          {nil, 1, model("new"), verdict.Passed, ReasonImported, "The sidecar has brought the dashboard into Grafana"},
		"it comes":             {nil, 4, model("new"), verdict.Passed, ReasonImported, "after 7s"},
		"it comes late":        {nil, 10, model("new"), verdict.Failed, ReasonSlow, "but only after 37s"},
		"it never comes":       {nil, 1000, nil, verdict.Failed, ReasonMissing, `does its sidecar watch namespace "prod"`},
		"an older one stays":   {func(s *server) { s.put(model("old"), m{}) }, 1000, nil, verdict.Failed, ReasonMissing, "as it was before"},
		"someone else's uid":   {nil, 1, []byte(`{"uid":"signal-1","tags":[]}`), verdict.Failed, ReasonForeign, "not generated"},
		"Grafana is not there": {always(503, ""), 1000, nil, verdict.Unknown, ReasonSilent, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if tc.before != nil {
				tc.before(s)
			}
			if before, n := s.before, 0; before == nil {
				s.before = func(http.ResponseWriter, *http.Request) bool {
					if n++; n == tc.after {
						s.put(tc.there, m{"provisioned": true})
					}
					return false
				}
			}
			v := task(s.URL, func(t *Task) { t.JSON = nil }).Find(t.Context())
			if v.Outcome != tc.want || v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) || len(s.writes) > 0 {
				t.Errorf("%s %s: %s; wrote %v", v.Outcome, v.Reason, v.Message, s.writes)
			}
		})
	}
}

// What speaks TLS with a certificate of nobody's gets no token.
func TestACertificateIsVerified(t *testing.T) {
	asked := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer s.Close()
	v := task(s.URL).Import(t.Context())
	if v.Outcome != verdict.Unknown || !strings.Contains(v.Message, "its certificate is not trusted") || asked {
		t.Errorf("%+v, asked %t", v, asked)
	}
}

// Package grafana is what the Job of a dashboard runs: it sends the dashboard
// to Grafana and reads it back, or looks whether a sidecar has. It overwrites
// no dashboard that the operator did not generate, follows no redirect, and
// repeats the token to nobody.
package grafana

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts.
const (
	ReasonImported     = "DashboardImported"    // Grafana has it: it was read back
	ReasonSlow         = "DashboardSlow"        // it took longer than slowSeconds
	ReasonMissing      = "DashboardMissing"     // nobody has imported it
	ReasonForeign      = "DashboardForeign"     // the uid is that of a dashboard of someone else's
	ReasonProvisioned  = "DashboardProvisioned" // Grafana has it from a file, and lets nobody change it
	ReasonChanged      = "DashboardChanged"     // what was read back is not what was sent
	ReasonStale        = "DashboardStale"       // the ConfigMap at hand is not the one that is to be sent
	ReasonUnauthorized = "GrafanaUnauthorized"  // 401
	ReasonForbidden    = "GrafanaForbidden"     // 403
	ReasonNotFound     = "GrafanaNotFound"      // 404 where there must be something
	ReasonConflict     = "GrafanaConflict"      // 412
	ReasonRefused      = "GrafanaRefused"       // another answer that will not change
	ReasonRedirected   = "GrafanaRedirected"    // 3xx
	ReasonNotGrafana   = "NotGrafana"           // an answer that is not Grafana's
	ReasonSilent       = "GrafanaSilent"        // no answer, or 429 or 5xx: it may get better
	ReasonNoToken      = "NoToken"              // the Secret does not have it
)

// Tag marks dashboards that the operator generated.
const Tag = "signal-operator"

const (
	maxBody  = 8 << 20          // bytes that are read of an answer
	patience = 15 * time.Second // for one answer
	maxQuote = 256              // bytes that are repeated of one
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Task is what is to be in Grafana.
type Task struct {
	Client  *http.Client
	Clock   Clock
	Spec    v1alpha1.DashboardSpec
	Token   string
	UID     string
	Content string // mark of the content, which the dashboard carries in its description
	JSON    []byte // the dashboard; not needed to look for it

	Namespace string // of the SignalDeployment
}

// NewClient is a client that uses no proxy and follows no redirect: the token
// goes where the user says, and nowhere else.
func NewClient() *http.Client {
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: patience / 3}).DialContext, MaxResponseHeaderBytes: maxBody, TLSHandshakeTimeout: patience / 3},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// trouble is a verdict on an answer that is of no use.
type trouble struct{ verdict.Verdict }

func (t *trouble) Error() string { return t.Message }

// no is trouble that will not get better.
func no(reason, format string, args ...any) error {
	return &trouble{verdict.Fail(v1alpha1.SignalDashboard, reason, format, args...)}
}

// later is trouble that may.
func later(reason, format string, args ...any) error {
	return &trouble{verdict.Wait(v1alpha1.SignalDashboard, reason, format, args...)}
}

// say is the verdict that an error amounts to.
func say(err error) verdict.Verdict {
	if t, is := errors.AsType[*trouble](err); is {
		return t.Verdict
	}
	return verdict.Fail(v1alpha1.SignalDashboard, ReasonRefused, "Grafana cannot be asked: %v", err)
}

// call asks Grafana and decodes its answer; where nothing is there, there is
// false.
func (t Task) call(ctx context.Context, method, path string, send, into any) (there bool, err error) {
	var body []byte
	if send != nil {
		if body, err = json.Marshal(send); err != nil {
			return false, fmt.Errorf("encode %s %s: %w", method, path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(t.Spec.API.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return false, no(ReasonRefused, "dashboard.api.url is no address that can be asked")
	}
	request.Header.Set("Authorization", "Bearer "+t.Token)
	request.Header.Set("Accept", "application/json")
	if send != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := t.Client.Do(request)
	if err != nil {
		return false, later(ReasonSilent, "Grafana does not answer %s %s: %s", method, route(path), cause(err))
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return false, later(ReasonSilent, "Grafana's answer to %s %s broke off: %s", method, route(path), cause(err))
	}
	if response.StatusCode == http.StatusNotFound && method == http.MethodGet {
		return false, t.nothing(path, text)
	}
	if response.StatusCode != http.StatusOK {
		return false, t.refused(method, path, response.StatusCode, text)
	}
	if json.Unmarshal(text, into) != nil {
		return false, no(ReasonNotGrafana, "%s %s was answered with something that is not Grafana's JSON: is dashboard.api.url the address of Grafana, with the path that it is served under?", method, route(path))
	}
	return true, nil
}

// nothing is no trouble where Grafana itself says so; what else answers with
// 404 has no Grafana behind that path.
func (t Task) nothing(path string, text []byte) error {
	var said struct{ Message string }
	if json.Unmarshal(text, &said) == nil && said.Message != "" {
		return nil
	}
	return no(ReasonNotFound, "GET %s was answered with 404, and not by Grafana: is dashboard.api.url the address of Grafana, with the path that it is served under?", route(path))
}

// route is a path without its query.
func route(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

package security

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/weak"
)

// worst has as many weaknesses as can be had at once, and tells secrets.
func worst() weak.Flaw {
	const secret = "hunter2-secret"
	return weak.Flaw{Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Allow-Methods", "PUT, DELETE")
			h.Set("Access-Control-Allow-Private-Network", "true")
			h.Set("Server", "nginx/1.2 "+secret)
			h.Set("Set-Cookie", "sid="+secret)
			h.Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<html>%s token=%s root:x:0:0:%s goroutine 1 [running]: %s https://%s", secret, secret, secret, r.URL.Query(), r.Host) //nolint:errcheck // the tests see what is missing
		})
	}}
}

// The answer fits a termination message whatever was found; the verdict that
// decides names every check, and no word of the service's is repeated.
func TestAllThatWasFoundFitsAndTellsNoSecret(t *testing.T) {
	paths := func(s *v1alpha1.SecuritySpec) {
		quick(s)
		for i := range 8 {
			s.Paths = append(s.Paths, v1alpha1.ProbedPath(fmt.Sprintf("/v1/%s/%d", strings.Repeat("long", 55), i)))
		}
	}
	all := security(weak.Serve(t, worst()), "").Run(t.Context(), weak.Spec(paths))
	text := verdict.Answer{Verdicts: all}.Encode()
	read, ok := verdict.Read(string(text))
	if !ok || len(text) > 4096 {
		t.Fatalf("%d bytes: %s", len(text), text)
	}
	if diff := cmp.Diff(all, read.Verdicts); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(text), "hunter2") {
		t.Errorf("a secret is told: %s", text)
	}
	v, names := last(all)
	if !strings.Contains(v.Message, "In all 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27") || len(names) == 0 || names[0] != "security-1" {
		t.Errorf("%v %s", names, v.Message)
	}
	if len(v.Message) > maxSummary+100 {
		t.Errorf("%d bytes", len(v.Message))
	}
}

// The same service gets the same words: what is told does not churn.
func TestTheSameIsSaidEachTime(t *testing.T) {
	run := func() string {
		all := security(weak.Serve(t, worst()), weak.Serve(t, weak.Flaw{})).Run(t.Context(), weak.Spec(quick))
		for i := range all {
			all[i].Evidence.Window = ""
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}

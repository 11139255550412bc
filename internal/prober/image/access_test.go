package imageprobe

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/internal/verdict"
)

// basic lets users in by name and password.
func basic(next http.Handler, users ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !knows(r, users) {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func knows(r *http.Request, users []string) bool {
	user, password, ok := r.BasicAuth()
	for _, u := range users {
		if ok && u == user+":"+password {
			return true
		}
	}
	return false
}

// bearer gives tokens to users by name and password, and lets in who has one.
// A refusal of a token is said as strictly as some registries do, or not at
// all: then the token does not let in, as with others.
func bearer(next http.Handler, strict bool, users ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := knows(r, users)
		switch {
		case r.URL.Path == "/token" && !known && strict:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/token":
			_, _ = fmt.Fprintf(w, `{"token":"known-%t"}`, known)
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="registry"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Authorization") != "Bearer known-true":
			w.WriteHeader(http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func TestPullSecrets(t *testing.T) {
	for situation, tc := range map[string]struct {
		secrets func(host string) secrets
		says    string // "" means that it is let in
	}{
		"right":          {func(h string) secrets { return secrets{"pull": auths(h, "bot", "right")} }, ""},
		"right, by path": {func(h string) secrets { return secrets{"pull": auths("https://"+h+"/v2/acme", "bot", "right")} }, ""},
		"right, by glob": {func(h string) secrets {
			return secrets{"pull": auths(strings.Replace(h, "127.0", "*.*", 1), "bot", "right")}
		}, ""},
		"right, after a wrong one":     {func(h string) secrets { return secrets{"a": auths(h, "bot", "wrong"), "b": auths(h, "bot", "right")} }, ""},
		"right, beside a broken one":   {func(h string) secrets { return secrets{"a": nil, "b": auths(h, "bot", "right")} }, ""},
		"wrong":                        {func(h string) secrets { return secrets{"pull": auths(h, "bot", "wrong")} }, `it was asked with pull secret "pull"; put a secret that may read it into spec.template.spec.imagePullSecrets`},
		"wrong, twice":                 {func(h string) secrets { return secrets{"a": auths(h, "bot", "wrong"), "b": auths(h, "eve", "right")} }, `it was asked with pull secret "a", then "b"; put`},
		"for another registry":         {func(string) secrets { return secrets{"pull": auths("registry.example", "bot", "right")} }, `pull secret "pull" is not for it; put`},
		"for another path":             {func(h string) secrets { return secrets{"pull": auths(h+"/evil", "bot", "right")} }, `pull secret "pull" is not for it; put`},
		"none":                         {func(string) secrets { return nil }, "the Job has no pull secret; put"},
		"one that does not exist":      {func(string) secrets { return secrets{"pull": nil} }, `pull secret "pull" does not exist, or is empty; put`},
		"one that holds no credential": {func(h string) secrets { return secrets{"pull": {".dockerconfigjson": `{"auths":{"` + h + `":{}}}`}} }, `names it without credentials`},
	} {
		for kind, registry := range map[string]func(http.Handler) http.Handler{
			"basic":         func(next http.Handler) http.Handler { return basic(next, "bot:right") },
			"strict bearer": func(next http.Handler) http.Handler { return bearer(next, true, "bot:right") },
			"mild bearer":   func(next http.Handler) http.Handler { return bearer(next, false, "bot:right") },
		} {
			t.Run(situation+", "+kind, func(t *testing.T) {
				h := host(t, registry(good(t)))
				r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, tc.secrets(h)))}
				v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]
				if tc.says == "" && v.Outcome == verdict.Passed {
					return
				}
				if v.Outcome != verdict.Failed || v.Reason != ReasonDenied || tc.says == "" || !strings.Contains(v.Message, tc.says) || !strings.Contains(v.Message, h+"/acme/app:v1 (status 40") {
					t.Errorf("got %+v", v)
				}
				if strings.Contains(fmt.Sprintf("%+v %+v", v, v.Evidence), "wrong") {
					t.Errorf("it repeats a password: %+v", v)
				}
			})
		}
	}
}

// What is not needed need not work.
func TestAPublicImageNeedsNoSecret(t *testing.T) {
	h := host(t, good(t))
	for situation, all := range map[string]secrets{
		"not there":   {"pull": nil},
		"no JSON":     {"pull": {".dockerconfigjson": "hunter2"}},
		"for another": {"pull": auths("registry.example", "bot", "right")},
		"no address":  {"pull": auths("https://%zz", "bot", "right")},
	} {
		t.Run(situation, func(t *testing.T) {
			r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, all))}
			if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Outcome != verdict.Passed {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// Some registries deny what they hide, and others say that it is not there.
func TestWhatIsHiddenIsAskedForWithTheNextSecret(t *testing.T) {
	s := good(t)
	for situation, tc := range map[string]struct {
		answers map[string]int // by user
		reason  string
		asked   int32
	}{
		"hidden, then shown":         {map[string]int{"a": 404, "b": 200}, ReasonResolved, 2},
		"denied, then shown":         {map[string]int{"a": 403, "b": 200}, ReasonResolved, 2},
		"shown at once":              {map[string]int{"a": 200, "b": 500}, ReasonResolved, 1},
		"hidden, then denied":        {map[string]int{"a": 404, "b": 401}, ReasonNotFound, 2},
		"denied, then not there":     {map[string]int{"a": 401, "b": 404}, ReasonNotFound, 2},
		"denied twice":               {map[string]int{"a": 401, "b": 403}, ReasonDenied, 2},
		"no answer is asked again":   {map[string]int{"a": 503, "b": 200}, ReasonUnavailable, 1},
		"a limit is asked again":     {map[string]int{"a": 429, "b": 200}, ReasonRateLimited, 1},
		"denied, and then no answer": {map[string]int{"a": 401, "b": 503}, ReasonUnavailable, 2},
	} {
		t.Run(situation, func(t *testing.T) {
			var asked atomic.Int32
			h := host(t, basicOf(func(user string, w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/manifests/v1") {
					asked.Add(1)
					if code := tc.answers[user]; code != 200 {
						w.WriteHeader(code)
						return
					}
				}
				s.ServeHTTP(w, r)
			}))
			r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, secrets{"a": auths(h, "a", "p"), "b": auths(h, "b", "p")}))}
			if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Reason != tc.reason || asked.Load() != tc.asked {
				t.Errorf("asked %d times: %+v", asked.Load(), v)
			}
		})
	}
}

// basicOf tells users by name, and lets all in.
func basicOf(next func(user string, w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(user, w, r)
	})
}

// Others have one try.
func TestOthersUseTheSecretThatWasLetIn(t *testing.T) {
	h := host(t, basic(good(t), "bot:right"))
	r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, secrets{"a": auths(h, "bot", "wrong"), "b": auths(h, "bot", "right")}))}
	ref, err := name.ParseReference(h+"/acme/app:v1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Get(ref, r.Options(t.Context())...); !denied(err) {
		t.Errorf("before: %v", err)
	}
	if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Outcome != verdict.Passed {
		t.Fatalf("got %+v", v)
	}
	if _, err := remote.Get(ref, r.Options(t.Context())...); err != nil {
		t.Errorf("after: %v", err)
	}
}

func TestCredentialsStayWithTheirRegistry(t *testing.T) {
	s := good(t)
	var leaked atomic.Bool
	mirror := host(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Store(true)
		}
		s.ServeHTTP(w, r)
	}))
	h := host(t, basic(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+mirror+r.URL.Path, http.StatusTemporaryRedirect)
	}), "bot:right"))
	r := Registry{Insecure: []string{h, mirror}, Keychain: Keychain(mounted(t, secrets{"pull": auths(h, "bot", "right")}))}
	if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Outcome != verdict.Passed || leaked.Load() {
		t.Errorf("leaked %t: %+v", leaked.Load(), v)
	}
}

type keychain func(authn.Resource) (authn.Authenticator, error)

func (k keychain) Resolve(of authn.Resource) (authn.Authenticator, error) { return k(of) }

func TestAnyKeychainWillDo(t *testing.T) {
	h := host(t, basic(good(t), "bot:right"))
	for situation, tc := range map[string]struct {
		auth   authn.Authenticator
		err    error
		reason string
	}{
		"right": {&authn.Basic{Username: "bot", Password: "right"}, nil, ReasonResolved},
		"wrong": {&authn.Basic{Username: "bot", Password: "wrong"}, nil, ReasonDenied},
		"none":  {nil, http.ErrNoCookie, ReasonUnavailable},
	} {
		t.Run(situation, func(t *testing.T) {
			r := Registry{Insecure: []string{h}, Keychain: keychain(func(authn.Resource) (authn.Authenticator, error) { return tc.auth, tc.err })}
			if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Reason != tc.reason {
				t.Errorf("got %+v", v)
			}
		})
	}
}

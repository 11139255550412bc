package signature

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// ill is a registry that has everything, and answers otherwise where the path
// has a part.
func ill(part string, answer http.HandlerFunc) http.Handler {
	well := modern(true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, part) {
			answer(w, r)
			return
		}
		well.ServeHTTP(w, r)
	})
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	w.Header().Set("Content-Length", "999")
	_, _ = io.WriteString(w, "{")
}

func garbage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_, _ = io.WriteString(w, "hunter2")
}

func TestRegistriesThatGiveNoAnswer(t *testing.T) {
	bundled, old, attested := "a statement by key", "an old one by key", "an old attestation"
	for situation, tc := range map[string]struct {
		of      string
		part    string
		answer  http.HandlerFunc
		outcome v1alpha1.Outcome
		reason  string
		says    string
	}{
		"referrers 500":            {bundled, "/referrers/", status(500, ""), verdict.Unknown, ReasonUnavailable, "status 500"},
		"referrers 503":            {bundled, "/referrers/", status(503, "hunter2"), verdict.Unknown, ReasonUnavailable, "status 503"},
		"referrers 429":            {bundled, "/referrers/", status(429, ""), verdict.Unknown, ReasonUnavailable, "status 429"},
		"referrers 401":            {bundled, "/referrers/", status(401, "hunter2"), verdict.Failed, ReasonDenied, "status 401"},
		"referrers 403, and known": {bundled, "/referrers/", status(403, `{"errors":[{"code":"NAME_UNKNOWN"}]}`), verdict.Failed, ReasonDenied, "imagePullSecrets"},
		"referrers of garbage":     {bundled, "/referrers/", garbage, verdict.Unknown, ReasonUnavailable, "not understood"},
		"referrers break off":      {bundled, "/referrers/", breaksOff, verdict.Unknown, ReasonUnavailable, "not understood"},
		"manifests 500":            {bundled, "/manifests/sha256:", status(500, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), verdict.Unknown, ReasonUnavailable, "status 500"},
		"manifests 404":            {bundled, "/manifests/sha256:", status(404, ""), verdict.Failed, ReasonInvalid, "listed but not there"},
		"manifests unknown":        {bundled, "/manifests/sha256:", status(400, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), verdict.Failed, ReasonInvalid, "listed but not there"},
		"blobs 502":                {bundled, "/blobs/", status(502, ""), verdict.Unknown, ReasonUnavailable, "status 502"},
		"blobs 404":                {bundled, "/blobs/", status(404, ""), verdict.Failed, ReasonInvalid, "listed but not there"},
		"blobs of others":          {bundled, "/blobs/", status(200, "hunter2"), verdict.Unknown, ReasonUnavailable, "not understood"},
		"blobs break off":          {bundled, "/blobs/", breaksOff, verdict.Unknown, ReasonUnavailable, "not understood"},
		"blobs without end":        {bundled, "/blobs/", status(200, strings.Repeat(" ", maxBlob+2)), verdict.Failed, ReasonInvalid, "larger than 1048576 bytes"},
		"tags 500":                 {old, ".sig", status(500, ""), verdict.Unknown, ReasonUnavailable, "status 500"},
		"tags 429, and unknown":    {old, ".sig", status(429, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), verdict.Unknown, ReasonUnavailable, "status 429"},
		"tags 403":                 {old, ".sig", status(403, ""), verdict.Failed, ReasonDenied, "status 403"},
		"tags 404":                 {old, ".sig", status(404, ""), verdict.Failed, ReasonMissing, "sign this digest"},
		"tags of garbage":          {old, ".sig", status(200, "hunter2"), verdict.Failed, ReasonInvalid, "not that of an image"},
		"tags of an index":         {old, ".sig", status(200, `{"mediaType":"application/vnd.oci.image.index.v1+json"}`), verdict.Failed, ReasonInvalid, "not that of an image"},
		"old blobs 500":            {old, "/blobs/", status(500, ""), verdict.Unknown, ReasonUnavailable, "status 500"},
		"attestations 500":         {attested, ".att", status(500, ""), verdict.Unknown, ReasonUnavailable, "status 500"},
		"attestations 404":         {attested, ".att", status(404, ""), verdict.Failed, ReasonAttestationMissing, "no statement is"},
		"ill from the start":       {bundled, "/v2/", status(503, ""), verdict.Unknown, ReasonUnavailable, "status 503"},

		"signatures where attestations are asked": {attested, ".sig", status(500, ""), verdict.Passed, ReasonAttested, "is signed by"},
		"attestations where signatures are asked": {old, ".att", status(500, ""), verdict.Passed, ReasonVerified, "is signed by"},
		"referrers, when a tag is enough":         {old, "/referrers/", status(500, ""), verdict.Passed, ReasonVerified, "is signed by"},
		"a tag, when referrers are enough":        {bundled, ".sig", status(403, ""), verdict.Passed, ReasonVerified, "is signed by"},
		"no referrers, as some say":               {bundled, "/referrers/", status(400, ""), verdict.Passed, ReasonVerified, "is signed by"},
	} {
		t.Run(situation, func(t *testing.T) {
			s := open(t, ill(tc.part, tc.answer))
			st := originals[tc.of](t, theWorld())
			s.stock(st)
			v := s.hold(st).Verdicts[0]
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Name != "ci" {
				t.Errorf("got %+v", v)
			}
			if !strings.Contains(v.Message, tc.says) || !strings.Contains(v.Message, s.ours().String()) || strings.Contains(string(encoded(t, v)), "hunter2") {
				t.Errorf("it says not %q, or too much: %s", tc.says, v.Message)
			}
			if tc.outcome == verdict.Unknown && v.Evidence.Source != s.repo.String() {
				t.Errorf("source %s", v.Evidence.Source)
			}
		})
	}
}

// cutting is a transport that lets manifests have so many bytes.
type cutting int64

func (c cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && strings.Contains(r.URL.Path, "/manifests/sha256:") {
		response.Body = http.MaxBytesReader(nil, response.Body, int64(c))
	}
	return response, err
}

func TestManifestsThatAreTooLarge(t *testing.T) {
	s := open(t, modern(true))
	st := originals["a statement by key"](t, theWorld())
	s.stock(st)
	v := Verify(t.Context(), s.ours(), st.spec, "", []remote.Option{remote.WithTransport(cutting(99))}).Verdicts[0]
	if v.Outcome != verdict.Failed || v.Reason != ReasonInvalid || !strings.Contains(v.Message, "its manifest is too large") {
		t.Errorf("got %+v", v)
	}
}

func TestOptionsThatContradictEachOther(t *testing.T) {
	s := open(t, modern(true))
	options := []remote.Option{remote.WithAuth(authn.Anonymous), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if v := Verify(t.Context(), s.ours(), originals["a statement by key"](t, theWorld()).spec, "", options).Verdicts[0]; v.Outcome != verdict.Unknown {
		t.Errorf("got %+v", v)
	}
}

func TestNobodyIsThere(t *testing.T) {
	st := originals["a statement by key"](t, theWorld())
	subject := must(name.NewDigest("127.0.0.1:1/acme/app@"+ours, name.Insecure))(t)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	for says, ctx := range map[string]context.Context{
		"the connection breaks off": t.Context(), "the Job was stopped": stopped, "no answer in time": late,
	} {
		v := Verify(ctx, subject, st.spec, "", []remote.Option{remote.WithRetryBackoff(remote.Backoff{Steps: 1})}).Verdicts[0]
		if v.Outcome != verdict.Unknown || v.Reason != ReasonUnavailable || !strings.Contains(v.Message, says) {
			t.Errorf("want %q: %+v", says, v)
		}
	}
}

func TestARuleThatIsInterruptedIsNotFalse(t *testing.T) {
	s, w := open(t, modern(true)), theWorld()
	st := originals["an attestation by key"](t, w)
	saying(object{"list": make([]any, 300)})(t, w, &st)
	ruled("predicate.list.all(x, predicate.list.all(y, true))")(t, w, &st)
	s.stock(st)
	found := look(t.Context(), s.ours(), nil, false, true)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	v, _ := inquire(s.ours(), st.spec)[0].judge(stopped, found, "")
	if v.Outcome != verdict.Unknown || v.Reason != ReasonUnavailable || !strings.Contains(v.Message, "the Job was stopped") {
		t.Errorf("got %+v", v)
	}
}

func TestOnlySoMuchIsLookedAt(t *testing.T) {
	w := theWorld()
	others := func(n int) (all []layer) {
		for i := range n {
			all = append(all, w.keyholder("other").over(t, fmt.Appendf(nil, `{"critical":{"type":%q,"image":{"docker-manifest-digest":%q}},"optional":%d}`, typeSimple, ours, i)))
		}
		return all
	}
	for situation, tc := range map[string]struct {
		before, after int
		reason, says  string
	}{
		"the last":         {maxCandidates - 1, 0, ReasonVerified, "is signed by"},
		"and one more":     {maxCandidates - 1, 1, ReasonVerified, "is signed by"},
		"the one too many": {maxCandidates, 0, ReasonMismatch, "only the first 32 things"},
	} {
		t.Run(situation, func(t *testing.T) {
			st := stage{spec: signatureOf(byKeys(w.keys["ours"]))}
			st.tags = map[string][]layer{".sig": append(append(others(tc.before), w.keyholder("ours").simple(t, ours)), others(tc.after)...)}
			r, _ := hold(t, st)
			if v := r.Verdicts[0]; v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v", v)
			}
		})
	}
	t.Run("of referrers", func(t *testing.T) {
		st := stage{spec: signatureOf(byKeys(w.keys["ours"])), tags: map[string][]layer{".sig": {w.keyholder("ours").simple(t, ours)}}}
		for i := range maxCandidates {
			st.referrers = append(st.referrers, referrer{content: fmt.Append(nil, i)})
		}
		r, _ := hold(t, st)
		if v := r.Verdicts[0]; v.Reason != ReasonInvalid || !strings.Contains(v.Message, "; 31 more cannot be verified either (only the first 32 things") {
			t.Errorf("got %+v", v)
		}
		st.referrers[0].artifact = "application/spdx+json" // which does not count
		passes(t, st)
	})
}

func TestTheSameIsSaidHoweverItIsListed(t *testing.T) {
	w := theWorld()
	st := stage{spec: signatureOf(byKeys(w.keys["ours"])), referrers: []referrer{{content: []byte("{")}, {content: []byte("[]")}, {content: []byte(`{"mediaType":"x"}`)}}}
	s := open(t, modern(false))
	s.stock(st)
	first := s.hold(st).Verdicts[0].Message
	for range 2 {
		st.referrers = append(st.referrers[1:], st.referrers[0])
		s.stock(st)
		if again := s.hold(st).Verdicts[0].Message; again != first {
			t.Errorf("%s\nand then %s", first, again)
		}
	}
}

func TestOthersAreShownAsFarAsTheyFit(t *testing.T) {
	w := theWorld()
	st := originals["a keyless statement"](t, w)
	l := w.ci()
	l.issuer = strings.Repeat("ä", 999) + "\x00\xff\n"
	st.referrers = beside(w.keyless(t, l).bundle(t, statement(predicateSign, ours, object{})))
	r, _ := hold(t, st)
	v := r.Verdicts[0]
	if v.Reason != ReasonMismatch || len(v.Message) > 1024 || len(v.Evidence.Value) > 256 || strings.Contains(shown(l.issuer[1990:]), "\n") {
		t.Errorf("%d and %d bytes: %s", len(v.Message), len(v.Evidence.Value), v.Message)
	}
	for text, want := range map[string]string{"a\nb\x00c\xffd": "a b c?d", strings.Repeat("x", 201): strings.Repeat("x", 197) + "…", strings.Repeat("x", 200): strings.Repeat("x", 200)} {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func TestDigestsOfOtherAlgorithms(t *testing.T) {
	subject := must(name.NewDigest("registry.example/acme/app@sha512:" + strings.Repeat("a", 128)))(t)
	v := Verify(t.Context(), subject, originals["a statement by key"](t, theWorld()).spec, "", nil).Verdicts[0]
	if v.Outcome != verdict.Failed || v.Reason != ReasonInvalid || !strings.Contains(v.Message, "only sha256") {
		t.Errorf("got %+v", v)
	}
}

package imageprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func TestCausesAreSaidInStableWords(t *testing.T) {
	for want, err := range map[string]error{
		"none within 10s":           context.DeadlineExceeded,
		"the Job was stopped":       context.Canceled,
		"its name has no address":   &net.DNSError{Name: "registry.example", Server: "10.0.0.1:53", IsNotFound: true},
		"the connection breaks off": errors.New("read 10.0.0.1:4711: hunter2"),
	} {
		v := Registry{}.explain("registry.example/app:v1", name.Repository{}, fmt.Errorf("ask: %w", err))
		unavailableBecause(t, v, "("+want)
		if strings.Contains(v.Message, "10.0.0.1") || strings.Contains(v.Message, "hunter2") {
			t.Error(v.Message)
		}
	}
}

func TestWhatAPathAsksFor(t *testing.T) {
	for path, want := range map[string]string{
		"/v2/":                             "v2",
		"":                                 "",
		"/v2/a/blobs/manifests/v1":         "manifests",
		"/v2/a/manifests/blobs/sha256:00":  "blobs",
		"/v2/a/referrers/sha256:00":        "referrers",
		"/v2/a/blobs/uploads/4711-ab-cdef": "uploads",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := asksFor(request); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestWhatIsMissingAndWhatIsDenied(t *testing.T) {
	answer := func(code int, codes ...transport.ErrorCode) error {
		e := &transport.Error{StatusCode: code}
		for _, c := range codes {
			e.Errors = append(e.Errors, transport.Diagnostic{Code: c})
		}
		return fmt.Errorf("ask: %w", e)
	}
	for situation, tc := range map[string]struct {
		err             error
		missing, denied bool
	}{
		"404":                    {answer(404), true, false},
		"404 of a push":          {pushing{answer(404)}, false, false},
		"400, unknown manifest":  {answer(400, transport.ManifestUnknownErrorCode), true, false},
		"400, unknown name":      {answer(400, transport.DigestInvalidErrorCode, transport.NameUnknownErrorCode), true, false},
		"400":                    {answer(400), false, false},
		"401":                    {answer(401), false, true},
		"401 of a push":          {pushing{answer(401)}, false, true},
		"403, unknown name":      {answer(403, transport.NameUnknownErrorCode), false, true},
		"429, unknown name":      {answer(429, transport.NameUnknownErrorCode), false, false},
		"404, limited":           {answer(404, transport.TooManyRequestsErrorCode), false, false},
		"499, unknown name":      {answer(499, transport.NameUnknownErrorCode), true, false},
		"500, unknown name":      {answer(500, transport.NameUnknownErrorCode), false, false},
		"no answer":              {errors.New("broken"), false, false},
		"nothing":                {nil, false, false},
		"what was told of a 404": {refuse(ReasonNotFound, "gone"), false, false},
	} {
		t.Run(situation, func(t *testing.T) {
			if missing(tc.err) != tc.missing || denied(tc.err) != tc.denied {
				t.Errorf("missing %t, denied %t", missing(tc.err), denied(tc.err))
			}
		})
	}
}

package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// maxCheck is how long a check's requests may be as JSON, in bytes: they travel
// to the prober in one environment variable, which Linux limits to 128 KiB.
const maxCheck = 96 << 10

// Validate finds the first problem of a check that the schema cannot, and
// names its field: an expression that is no CEL with the position, a path that
// is none, a value that nothing captures, requests that are too long for a Job.
func Validate(check v1alpha1.HTTPCheck) error {
	captured := known{}
	for i, r := range check.Requests {
		if err := validateRequest(r, captured); err != nil {
			return fmt.Errorf("http.requests[%d].%w", i, err)
		}
		for _, c := range r.Capture {
			captured[c.Name] = true
		}
	}
	text, err := json.Marshal(check)
	if err != nil {
		return fmt.Errorf("http.requests: encode them: %w", err)
	}
	if size := len(text) + strings.Count(string(text), "$")*len(`u0024`); size > maxCheck {
		return fmt.Errorf("http.requests: are %d bytes as JSON, of which a Job can carry %d: send shorter ones, or split the check", size, maxCheck)
	}
	return nil
}

func validateRequest(r v1alpha1.HTTPRequest, captured known) error {
	if err := captured.check(r.Path); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	example := Values{}
	for called := range captured {
		example[called] = "value"
	}
	filled, err := example.path(r.Path)
	if err == nil {
		_, err = url.ParseRequestURI(filled)
	}
	if err != nil {
		return errors.New("path: is not the path of a URL: escape what is not allowed in one")
	}
	if err := captured.headers(r.Headers); err != nil {
		return fmt.Errorf("headers%w", err)
	}
	if err := captured.headers(r.Expect.Headers); err != nil {
		return fmt.Errorf("expect.headers%w", err)
	}
	if err := captured.check(r.Body); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return validateAnswer(r, captured)
}

// headers finds the first value with a ${name} that nothing has captured.
func (k known) headers(headers []v1alpha1.HTTPHeader) error {
	for i, h := range headers {
		if err := k.check(h.Value); err != nil {
			return fmt.Errorf("[%d].value: %w", i, err)
		}
	}
	return nil
}

func validateAnswer(r v1alpha1.HTTPRequest, captured known) error {
	if s := r.Stream; s != nil && s.Protocol == v1alpha1.StreamWebSocket && r.Method != "" && r.Method != http.MethodGet {
		return fmt.Errorf("method: is %s, but a WebSocket begins with GET: leave it out", r.Method)
	}
	if r.Expect.JSON != "" {
		if err := truth(r.Expect.JSON, captured); err != nil {
			return fmt.Errorf("expect.json: %w", err)
		}
	}
	if r.Expect.JSONSchema != "" {
		if _, _, err := schemaOf(r.Expect.JSONSchema); err != nil {
			return fmt.Errorf("expect.jsonSchema: %w", err)
		}
	}
	for i, c := range r.Capture {
		if err := scalar(c.Value, captured); err != nil {
			return fmt.Errorf("capture[%d].value: %w", i, err)
		}
	}
	return nil
}

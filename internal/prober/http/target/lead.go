package target

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// errElsewhere says that an answer does not have the header that led to it: it
// came another way than was meant, and speaks for nobody. A gateway may take a
// moment to learn of a route that it has accepted.
var errElsewhere = errors.New("another release answered")

// Leading is a header as "Name: value"; empty, there is none.
func Leading(text string) v1alpha1.HTTPHeader {
	name, value, _ := strings.Cut(text, ": ")
	return v1alpha1.HTTPHeader{Name: name, Value: value}
}

// Led is an error unless the answers of a target have the header that leads
// there, where one does.
func (t Target) Led(came []string) error {
	if t.Lead.Name == "" || slices.Contains(came, t.Lead.Value) {
		return nil
	}
	return errElsewhere
}

// led sends each request with the header, and believes only answers that have
// it.
type led struct {
	Target
	next http.RoundTripper
}

// RoundTrip sends a request.
func (l led) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set(l.Lead.Name, l.Lead.Value)
	response, err := l.next.RoundTrip(request)
	if err != nil {
		return response, err //nolint:wrapcheck // it stands in for another transport
	}
	if err := l.Led(response.Header.Values(l.Lead.Name)); err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	return response, nil
}

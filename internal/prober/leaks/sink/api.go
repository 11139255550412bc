// Package sink reads what is written of a candidate where only Kubernetes' API
// has it: logs, events and objects of one namespace. It asks with the token of
// the ServiceAccount that the user named, and only reads.
package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	maxList = 64 << 20 // bytes of a list
	page    = "500"    // items at once
)

// ErrAbsent says that there is none.
var ErrAbsent = errors.New("it does not exist")

// API is Kubernetes' API, for one namespace.
type API struct {
	Client    *http.Client
	URL       string                 // https://10.0.0.1:443
	Token     func() (string, error) // that is valid now: the node renews it
	Namespace string
}

// Pods are the pods with the labels, and each as it was written.
func (a API) Pods(ctx context.Context, selector string) (pods []corev1.Pod, raw []json.RawMessage, err error) {
	raw, err = a.list(ctx, "list pods", "/api/v1/namespaces/"+a.Namespace+"/pods", url.Values{"labelSelector": {selector}})
	if err != nil {
		return nil, nil, err
	}
	pods = make([]corev1.Pod, len(raw))
	for i, text := range raw {
		if err := json.Unmarshal(text, &pods[i]); err != nil {
			return nil, nil, fmt.Errorf("list pods: decode one: %w", err)
		}
	}
	return pods, raw, nil
}

// Events are the events of the namespace.
func (a API) Events(ctx context.Context) ([]json.RawMessage, error) {
	return a.list(ctx, "list events", "/api/v1/namespaces/"+a.Namespace+"/events", url.Values{})
}

// Log is what a container wrote in the time, of as many bytes at most. The
// caller closes it.
func (a API) Log(ctx context.Context, pod, container string, previous bool, since time.Duration, limit int64) (io.ReadCloser, error) {
	query := url.Values{"container": {container}, "limitBytes": {strconv.FormatInt(limit, 10)}}
	if previous {
		query.Set("previous", "true")
	} else {
		query.Set("sinceSeconds", strconv.Itoa(int(since/time.Second)))
	}
	return a.open(ctx, "get pods/log", "/api/v1/namespaces/"+a.Namespace+"/pods/"+url.PathEscape(pod)+"/log", query)
}

// SignalDeployment is the object as it is written.
func (a API) SignalDeployment(ctx context.Context, name string) ([]byte, error) {
	return a.get(ctx, "get signaldeployments", "/apis/delivery.signal.dev/v1alpha1/namespaces/"+a.Namespace+"/signaldeployments/"+url.PathEscape(name))
}

// ConfigMap is the object as it is written.
func (a API) ConfigMap(ctx context.Context, name string) ([]byte, error) {
	return a.get(ctx, "get configmaps", "/api/v1/namespaces/"+a.Namespace+"/configmaps/"+url.PathEscape(name))
}

func (a API) get(ctx context.Context, what, path string) ([]byte, error) {
	body, err := a.open(ctx, what, path, nil)
	if err != nil {
		return nil, err
	}
	defer body.Close() //nolint:errcheck // it has been read
	text, err := io.ReadAll(io.LimitReader(body, maxList))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return text, nil
}

// list is every item of a list, page by page.
func (a API) list(ctx context.Context, what, path string, query url.Values) ([]json.RawMessage, error) {
	var all []json.RawMessage
	query.Set("limit", page)
	for {
		body, err := a.open(ctx, what, path, query)
		if err != nil {
			return nil, err
		}
		var part struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []json.RawMessage `json:"items"`
		}
		err = json.NewDecoder(io.LimitReader(body, maxList)).Decode(&part)
		body.Close() //nolint:errcheck,gosec // it has been read
		if err != nil {
			return nil, fmt.Errorf("%s: decode the answer: %w", what, err)
		}
		if all = append(all, part.Items...); part.Metadata.Continue == "" {
			return all, nil
		}
		query.Set("continue", part.Metadata.Continue)
	}
}

// open asks. What the API says against it is not repeated.
func (a API) open(ctx context.Context, what, path string, query url.Values) (io.ReadCloser, error) {
	token, err := a.Token()
	if err != nil {
		return nil, fmt.Errorf("%s: read the token: %w", what, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json, */*")
	response, err := a.Client.Do(request)
	if err != nil {
		if place, ok := errors.AsType[*url.Error](err); ok { // its address has the query
			err = place.Err
		}
		return nil, fmt.Errorf("%s: the API does not answer: %w", what, err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	response.Body.Close() //nolint:errcheck,gosec // it is not read
	switch response.StatusCode {
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", what, ErrAbsent)
	case http.StatusForbidden, http.StatusUnauthorized:
		return nil, fmt.Errorf("the ServiceAccount may not %s", what)
	}
	return nil, fmt.Errorf("%s: the API answered with status %d", what, response.StatusCode)
}

package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/signal-delivery/operator/test/load"
)

// Traffic waits until the Gateway has an answer of the sample service, then
// sends it requests through the Gateway. A first release is verified by what
// its users see, so it needs some.
func (c *Cluster) Traffic(ctx context.Context, namespace string, rate int, duration, patience time.Duration) (*load.Load, error) {
	url := c.Gateway + "/v1/signals"
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for answered := 0; answered < 3; { // every proxy that answers has to know it
		select {
		case <-ticker.C:
		case <-waiting.Done():
			return nil, fmt.Errorf("the Gateway has no answer for %s after %s", Host(namespace), patience)
		}
		answered++
		if !c.answers(waiting, url, Host(namespace)) {
			answered = 0
		}
	}
	return load.Start(ctx, load.Options{URL: url, Host: Host(namespace), Rate: rate, Duration: duration})
}

func (c *Cluster) answers(ctx context.Context, url, host string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK && response.Header.Get(load.VersionHeader) != ""
}

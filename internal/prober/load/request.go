package load

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// maxSpec is how long the requests may be as JSON, in bytes: they travel in one
// environment variable, which Linux limits to 128 KiB.
const maxSpec = 96 << 10

// Validate finds the first problem of the requests that the schema cannot, and
// names its field.
func Validate(spec v1alpha1.BackgroundLoad) error {
	for i, r := range spec.Requests {
		if _, err := url.ParseRequestURI(r.Path); err != nil {
			return fmt.Errorf("requests[%d].path: is not the path of a URL: escape what is not allowed in one", i)
		}
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("requests: encode them: %w", err)
	}
	if size := len(text) + strings.Count(string(text), "$")*len(`u0024`); size > maxSpec {
		return fmt.Errorf("requests: are %d bytes as JSON, of which a Job can carry %d: send fewer or shorter ones", size, maxSpec)
	}
	return nil
}

// Cycle gives the requests in turn, each as often as its weight says and as
// evenly as can be: of those that have waited for longest, the first.
func Cycle(requests []v1alpha1.LoadRequest) func() v1alpha1.LoadRequest {
	waited, total := make([]int32, len(requests)), int32(0)
	for _, r := range requests {
		total += max(1, r.Weight)
	}
	return func() v1alpha1.LoadRequest {
		chosen := 0
		for i, r := range requests {
			waited[i] += max(1, r.Weight)
			if waited[i] > waited[chosen] {
				chosen = i
			}
		}
		waited[chosen] -= total
		return requests[chosen]
	}
}

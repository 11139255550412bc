package gatewayapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// operation is one operation of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patch replaces the backendRefs of the changed rules, by index, and what is
// remembered of their weights at rest, in one write; it is nil when neither
// differs. It names no other field, so that none can change.
func (r route) patch(changed map[int][]any, rests []*int64) ([]byte, error) {
	mark, err := r.mark(rests)
	if err != nil {
		return nil, err
	}
	operations := r.annotate(mark)
	for _, index := range slices.Sorted(maps.Keys(changed)) {
		operations = append(operations, operation{"replace", fmt.Sprintf("/spec/rules/%d/backendRefs", index), changed[index]})
	}
	if len(operations) == 0 {
		return nil, nil
	}
	// Replacing the version by itself makes the server refuse the patch with a
	// conflict when it is no longer the latest; a test would say "invalid".
	operations = append(operations, operation{"replace", "/metadata/resourceVersion", r.object.GetResourceVersion()})
	text, err := json.Marshal(operations)
	if err != nil {
		return nil, fmt.Errorf("encode patch of HTTPRoute %s/%s: %w", r.object.GetNamespace(), r.object.GetName(), err)
	}
	return text, nil
}

// annotate gives the annotation a value, or removes it when that is empty; a
// map of annotations that held nothing else goes with it.
func (r route) annotate(value string) []operation {
	annotations := r.object.GetAnnotations()
	key := "/metadata/annotations/" + strings.ReplaceAll(v1alpha1.AnnotationWeights, "/", "~1")
	switch {
	case value == annotations[v1alpha1.AnnotationWeights]:
		return nil
	case value == "" && len(annotations) == 1:
		return []operation{{Op: "remove", Path: "/metadata/annotations"}}
	case value == "":
		return []operation{{Op: "remove", Path: key}}
	case len(annotations) == 0:
		return []operation{{"add", "/metadata/annotations", map[string]string{v1alpha1.AnnotationWeights: value}}}
	}
	return []operation{{"add", key, value}}
}

package watermark

import (
	"errors"
	"net/url"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Validate finds what the schema cannot. It names the field.
func Validate(spec v1alpha1.WatermarkSpec) error {
	if u, err := url.ParseRequestURI(spec.Path); err != nil || !strings.HasPrefix(spec.Path, "/") || strings.HasPrefix(spec.Path, "//") || u.Fragment != "" {
		return errors.New("path: must be a path that begins with a single '/', such as /v1/signals?limit=1")
	}
	return nil
}

package leaks

import (
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Validate finds the first problem that the schema cannot, and names its field.
func Validate(spec v1alpha1.LeaksSpec) error {
	needed := Requests(spec)
	if int(spec.RequestBudget) < needed {
		return fmt.Errorf("requestBudget: is %d, and fake secrets take %d requests for these paths: raise it, or name fewer paths", spec.RequestBudget, needed)
	}
	if seconds := needed / int(max(1, spec.RatePerSecond)); seconds > int(spec.TimeoutSeconds) {
		return fmt.Errorf("timeoutSeconds: is %d, and %d requests take %d seconds at ratePerSecond %d: raise one of them, or name fewer paths",
			spec.TimeoutSeconds, needed, seconds, spec.RatePerSecond)
	}
	return nil
}

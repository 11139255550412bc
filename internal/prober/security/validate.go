package security

import (
	"fmt"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
)

// Validate finds the first problem that the schema cannot, and names its field.
func Validate(spec v1alpha1.SecuritySpec) error {
	all := catalogue.All()
	for i, id := range spec.Disable {
		if !slices.ContainsFunc(all, func(c catalogue.Check) bool { return c.ID == id }) {
			return fmt.Errorf("disable[%d]: there is no check %d; there are %s", i, id, list(all))
		}
	}
	if len(spec.Disable) >= len(all) {
		return fmt.Errorf("disable: names every check; leave out spec.checks.security instead")
	}
	if needed := Requests(spec); int(spec.RequestBudget) < needed {
		return fmt.Errorf("requestBudget: is %d, and the checks need up to %d for these paths: raise it, or name fewer paths", spec.RequestBudget, needed)
	}
	if needed := Requests(spec) / int(max(1, spec.RatePerSecond)); needed > int(spec.TimeoutSeconds) {
		return fmt.Errorf("timeoutSeconds: is %d, and %d requests take %d seconds at ratePerSecond %d: raise one of them, or name fewer paths",
			spec.TimeoutSeconds, Requests(spec), needed, spec.RatePerSecond)
	}
	return nil
}

// Requests is how many requests the checks send to one side, at most.
func Requests(spec v1alpha1.SecuritySpec) int {
	site := catalogue.Site{Spec: spec, Host: "service.example", Nonce: "0", Trap: catalogue.Trap{URL: "http://192.0.2.1"}}
	if spec.Users != nil { // what the Secret has is for the Job to see
		anyone := "Bearer ey0.ey0.x0"
		site.Users = catalogue.Users{A: anyone, B: anyone, Expired: anyone, OtherAudience: anyone}
	}
	return catalogue.Requests(site)
}

// list is every check, by group.
func list(all []catalogue.Check) string {
	var texts []string
	for i := 0; i < len(all); {
		from := i
		for i < len(all) && all[i].Group == all[from].Group {
			i++
		}
		texts = append(texts, fmt.Sprintf("%d to %d (%s)", all[from].ID, all[i-1].ID, all[from].Group))
	}
	return strings.Join(texts, ", ")
}

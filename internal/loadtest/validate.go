package loadtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	// maxRequests is how many requests one test may send.
	maxRequests = 600_000
	// maxSpec is how long the test may be as JSON, in bytes: it travels in one
	// environment variable, which Linux limits to 128 KiB.
	maxSpec = 96 << 10
	// overhead is what a test takes beside its load, in seconds: pods that
	// start, and last answers.
	overhead = 30
)

// Validate finds the first problem of the test that the schema cannot, and
// names its field.
func Validate(spec v1alpha1.LoadTest) error {
	for i, r := range spec.Requests {
		if err := requestProblem(r); err != nil {
			return fmt.Errorf("requests[%d].%w", i, err)
		}
	}
	if err := cmp.Or(shapeProblem(spec), faultProblem(spec)); err != nil {
		return err
	}
	if total := Requests(spec); total > maxRequests {
		return fmt.Errorf("durationSeconds: the test is of %d requests, of which it can send %d: lower its rates or shorten it", total, maxRequests)
	}
	if needs := Needs(spec); time.Duration(spec.TimeoutSeconds)*time.Second < needs {
		return fmt.Errorf("timeoutSeconds: is %d, but the test takes up to %d: raise it", spec.TimeoutSeconds, int(needs.Seconds()))
	}
	if spec.RatePerSecond < spec.Workers {
		return fmt.Errorf("workers: are %d, more than the %d requests of a second: use fewer", spec.Workers, spec.RatePerSecond)
	}
	if spec.Peak != nil && spec.Peak.FromRatePerSecond < spec.Workers {
		return fmt.Errorf("workers: are %d, more than the %d requests of a second that peak begins with: use fewer", spec.Workers, spec.Peak.FromRatePerSecond)
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

func requestProblem(r v1alpha1.LoadRequest) error {
	type field struct{ name, text string }
	fields := make([]field, 0, 2+len(r.Headers))
	fields = append(fields, field{"path", r.Path}, field{"body", r.Body})
	for i, h := range r.Headers {
		fields = append(fields, field{fmt.Sprintf("headers[%d].value", i), h.Value})
	}
	for _, field := range fields {
		if _, err := Parse(field.text); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	path, _ := Parse(r.Path)
	if _, err := url.ParseRequestURI(path.Fill(Facts{})); err != nil {
		return errors.New("path: is not the path of a URL: escape what is not allowed in one")
	}
	return nil
}

// shapeProblem finds numbers that do not go together.
func shapeProblem(spec v1alpha1.LoadTest) error {
	peaks := spec.Shape == v1alpha1.LoadRamp || spec.Shape == v1alpha1.LoadSpike
	share, err := strconv.ParseFloat(spec.Limits.ErrorPercent, 64)
	switch {
	case peaks && spec.PeakRatePerSecond <= spec.RatePerSecond:
		return fmt.Errorf("peakRatePerSecond: must be above ratePerSecond, %d, for the shape %s", spec.RatePerSecond, spec.Shape)
	case !peaks && spec.PeakRatePerSecond != 0:
		return errors.New("peakRatePerSecond: is for the shapes Ramp and Spike: set one of these, or leave it out")
	case spec.Limits.ErrorPercent != "" && (err != nil || !(share >= 0 && share <= 100)):
		return errors.New(`limits.errorPercent: must be a percentage from 0 to 100, in quotes, such as "0.1"`)
	case spec.Peak != nil && spec.Peak.ToRatePerSecond <= spec.Peak.FromRatePerSecond:
		return fmt.Errorf("peak.toRatePerSecond: must be above fromRatePerSecond, %d", spec.Peak.FromRatePerSecond)
	}
	return nil
}

func faultProblem(spec v1alpha1.LoadTest) error {
	before := int32(0)
	for i, fault := range spec.Faults {
		switch u, err := url.ParseRequestURI(fault.Path); {
		case err != nil || u.Host != "" || u.IsAbs():
			return fmt.Errorf("faults[%d].path: is not the path of a URL: begin with a single '/', and escape what is not allowed in one", i)
		case fault.AtSeconds < before:
			return fmt.Errorf("faults[%d].atSeconds: is before that of the fault before it: put them in the order of their time", i)
		case fault.AtSeconds+fault.RecoverSeconds >= spec.DurationSeconds:
			return fmt.Errorf("faults[%d].recoverSeconds: leaves no time in which the limits must hold again: raise durationSeconds above %d", i, fault.AtSeconds+fault.RecoverSeconds)
		}
		before = fault.AtSeconds
	}
	return nil
}

// Fault names a fault.
func Fault(f v1alpha1.LoadFault) string {
	return f.Method + " " + f.Path + " at " + strconv.Itoa(int(f.AtSeconds)) + " s"
}

// Requests is how many requests the test sends at most.
func Requests(spec v1alpha1.LoadTest) int64 {
	total := Main(spec).Total()
	for _, rate := range Steps(spec) {
		total += Steady(rate, spec.Peak.StepSeconds).Total()
	}
	return total
}

// Needs is how long the test takes at most.
func Needs(spec v1alpha1.LoadTest) time.Duration {
	lasts := spec.DurationSeconds + spec.AnswerSeconds + overhead
	for range Steps(spec) {
		lasts += spec.Peak.StepSeconds + spec.AnswerSeconds
	}
	return time.Duration(lasts) * time.Second * 10 / 9 // of its timeout, a Job's container gets nine tenths
}

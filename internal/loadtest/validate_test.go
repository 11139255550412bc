package loadtest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestValidate(t *testing.T) {
	fault := func(at, recovers int32, path string) v1alpha1.LoadFault {
		return v1alpha1.LoadFault{AtSeconds: at, RecoverSeconds: recovers, Path: path, Method: "POST"}
	}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.LoadTest)
		want   string
	}{
		"good":                {func(*v1alpha1.LoadTest) {}, ""},
		"templates":           {func(s *v1alpha1.LoadTest) { s.Requests[0].Path = "/orders/${random:1-9}?id=${uuid}" }, ""},
		"a path that is none": {func(s *v1alpha1.LoadTest) { s.Requests[0].Path = "/a%zz" }, "requests[0].path: is not the path of a URL: escape what is not allowed in one"},
		"an unknown template": {func(s *v1alpha1.LoadTest) { s.Requests[0].Body = "${user}" }, "requests[0].body: ${user}: must be one of ${uuid}, ${sequence}, ${time} and ${random:1-100}"},
		"an open template":    {func(s *v1alpha1.LoadTest) { s.Requests[0].Body = "${uuid" }, "requests[0].body: ${uuid: has no closing brace"},
		"a header's template": {func(s *v1alpha1.LoadTest) {
			s.Requests[0].Headers = []v1alpha1.HTTPHeader{{Name: "A", Value: "${random:9-1}"}}
		}, "requests[0].headers[0].value: ${random:9-1}: must be like ${random:1-100}"},
		"random beyond 31 bits": {func(s *v1alpha1.LoadTest) { s.Requests[0].Body = "${random:1-9999999999}" }, "must be like"},
		"a peak that is none":   {func(s *v1alpha1.LoadTest) { s.Shape = v1alpha1.LoadRamp }, "peakRatePerSecond: must be above ratePerSecond, 100, for the shape Ramp"},
		"a peak of no use":      {func(s *v1alpha1.LoadTest) { s.PeakRatePerSecond = 200 }, "peakRatePerSecond: is for the shapes Ramp and Spike"},
		"a spike":               {func(s *v1alpha1.LoadTest) { s.Shape, s.PeakRatePerSecond = v1alpha1.LoadSpike, 200 }, ""},
		"a share that is none":  {func(s *v1alpha1.LoadTest) { s.Limits.ErrorPercent = "few" }, "limits.errorPercent: must be a percentage"},
		"more than all":         {func(s *v1alpha1.LoadTest) { s.Limits.ErrorPercent = "101" }, "limits.errorPercent: must be"},
		"no number":             {func(s *v1alpha1.LoadTest) { s.Limits.ErrorPercent = "NaN" }, "limits.errorPercent: must be"},
		"a search downwards":    {func(s *v1alpha1.LoadTest) { s.Peak = &v1alpha1.LoadPeak{FromRatePerSecond: 9, ToRatePerSecond: 9} }, "peak.toRatePerSecond: must be above fromRatePerSecond, 9"},
		"too many requests":     {func(s *v1alpha1.LoadTest) { s.RatePerSecond, s.DurationSeconds = 5000, 121 }, "durationSeconds: the test is of 605000 requests, of which it can send 600000"},
		"as many as can be":     {func(s *v1alpha1.LoadTest) { s.RatePerSecond, s.DurationSeconds = 5000, 120 }, ""},
		"the search counts": {func(s *v1alpha1.LoadTest) {
			s.RatePerSecond, s.DurationSeconds, s.Peak = 5000, 120, &v1alpha1.LoadPeak{FromRatePerSecond: 1, ToRatePerSecond: 2, StepSeconds: 5}
		}, "600015 requests"},
		"no time for it":         {func(s *v1alpha1.LoadTest) { s.DurationSeconds, s.RatePerSecond = 600, 10 }, "timeoutSeconds: is 600, but the test takes up to 705: raise it"},
		"more workers than work": {func(s *v1alpha1.LoadTest) { s.RatePerSecond, s.Workers = 3, 4 }, "workers: are 4, more than the 3 requests of a second"},
		"a search for few workers": {func(s *v1alpha1.LoadTest) {
			s.Workers, s.Peak = 4, &v1alpha1.LoadPeak{FromRatePerSecond: 3, ToRatePerSecond: 9, StepSeconds: 5}
		}, "workers: are 4, more than the 3 requests of a second that peak begins with"},
		"a fault":                {func(s *v1alpha1.LoadTest) { s.Faults = []v1alpha1.LoadFault{fault(2, 3, "/faults")} }, ""},
		"a fault elsewhere":      {func(s *v1alpha1.LoadTest) { s.Faults = []v1alpha1.LoadFault{fault(2, 3, "http://other/")} }, "faults[0].path: is not the path of a URL"},
		"a fault without an end": {func(s *v1alpha1.LoadTest) { s.Faults = []v1alpha1.LoadFault{fault(2, 8, "/faults")} }, "faults[0].recoverSeconds: leaves no time in which the limits must hold again: raise durationSeconds above 10"},
		"faults out of order":    {func(s *v1alpha1.LoadTest) { s.Faults = []v1alpha1.LoadFault{fault(3, 1, "/a"), fault(2, 1, "/b")} }, "faults[1].atSeconds: is before that of the fault before it"},
		"too long for a Job": {func(s *v1alpha1.LoadTest) {
			s.Requests = nil
			for range 16 {
				s.Requests = append(s.Requests, v1alpha1.LoadRequest{Path: "/", Body: strings.Repeat("$", 4096)})
			}
		}, "of which a Job can carry 98304"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(tested(tc.change))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// The same test fills the same into its requests, and no two of them alike.
func TestTemplates(t *testing.T) {
	fill := func(text string, seed uint64, n int64) string {
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Fill(Facts{Seed: seed, Sequence: n, Now: time.Date(2030, 1, 1, 13, 0, 0, 5e6, time.FixedZone("", 3600))})
	}
	if got := fill("plain $5 {x}", 1, 1); got != "plain $5 {x}" {
		t.Error(got)
	}
	if got := fill("a${sequence}b${time}c", 1, 41); got != "a41b2030-01-01T12:00:00.005Zc" {
		t.Error(got)
	}
	id := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen, numbers := map[string]bool{}, map[string]int{}
	for n := range int64(2000) {
		one := fill("${uuid} ${uuid}", 7, n)
		for got := range strings.FieldsSeq(one) {
			if !id.MatchString(got) || seen[got] {
				t.Fatalf("%s, seen %t", got, seen[got])
			}
			seen[got] = true
		}
		if fill("${uuid} ${uuid}", 7, n) != one || fill("${uuid} ${uuid}", 8, n) == one {
			t.Fatal("it does not follow from the seed")
		}
		numbers[fill("${random:3-7}", 7, n)]++
	}
	for n := 3; n <= 7; n++ {
		if got := numbers[fmt.Sprint(n)]; got < 300 || got > 500 {
			t.Errorf("%d came %d times of 2000", n, got)
		}
	}
	if len(numbers) != 5 {
		t.Errorf("%v", numbers)
	}
}

// Whatever the shape, requests are due one after the other, within the load,
// and as many as the rates come to.
func TestSchedules(t *testing.T) {
	for _, shape := range []v1alpha1.LoadShape{v1alpha1.LoadConstant, v1alpha1.LoadRamp, v1alpha1.LoadSpike, v1alpha1.LoadSoak} {
		for rate := int32(1); rate < 400; rate = rate*3 + 1 {
			spec := tested(func(s *v1alpha1.LoadTest) {
				s.Shape, s.RatePerSecond, s.PeakRatePerSecond, s.DurationSeconds = shape, rate, rate*5, 9
			})
			want := map[v1alpha1.LoadShape]int64{v1alpha1.LoadConstant: 9, v1alpha1.LoadSoak: 9, v1alpha1.LoadRamp: 27, v1alpha1.LoadSpike: 21}[shape] * int64(rate)
			schedule := Main(spec)
			if got := schedule.Total(); got != want || schedule.Lasts() != 9*time.Second {
				t.Errorf("%s of %d: %d requests in %s, not %d", shape, rate, got, schedule.Lasts(), want)
			}
			before, windows := time.Duration(-1), Windows(spec)
			for n := range want {
				due := schedule.Due(n)
				if due <= before || due >= windows[len(windows)-1].To {
					t.Fatalf("%s of %d: request %d is due at %s, after %s", shape, rate, n, due, before)
				}
				before = due
			}
		}
	}
	if got := (Schedule{}).Due(3); got != 0 {
		t.Errorf("of nothing, request 3 is due at %s", got)
	}
}

// Windows follow each other without a gap, whatever the faults.
func TestWindows(t *testing.T) {
	spec := tested(func(s *v1alpha1.LoadTest) {
		s.DurationSeconds = 30
		s.Faults = []v1alpha1.LoadFault{{AtSeconds: 0, RecoverSeconds: 5, Method: "POST", Path: "/f"}, {AtSeconds: 3, RecoverSeconds: 5, Method: "POST", Path: "/g"}, {AtSeconds: 20, RecoverSeconds: 1, Method: "POST", Path: "/h"}}
	})
	var got []string
	for _, w := range Windows(spec) {
		got = append(got, fmt.Sprintf("%s-%s %t %s", w.From, w.To, w.Excused, w.Name))
	}
	want := []string{
		"0s-5s true recovery from POST /f at 0 s", "5s-8s true recovery from POST /g at 3 s", "8s-20s false after POST /g at 3 s",
		"20s-21s true recovery from POST /h at 20 s", "21s-30s false after POST /h at 20 s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStepsOfTheSearch(t *testing.T) {
	for want, p := range map[string]*v1alpha1.LoadPeak{
		"[]":                               nil,
		"[10 20 30 40 50 60 70 80 90 100]": {FromRatePerSecond: 10, ToRatePerSecond: 100},
		"[1 2 3]":                          {FromRatePerSecond: 1, ToRatePerSecond: 3},
	} {
		if got := fmt.Sprint(Steps(v1alpha1.LoadTest{Peak: p})); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

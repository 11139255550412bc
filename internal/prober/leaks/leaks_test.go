package leaks

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/internal/prober/leaks/search"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/leaky"
)

// quick is how the tests ask: without a limit to the rate.
func quick(s *v1alpha1.LeaksSpec) { s.RatePerSecond = 100_000 }

// minted are the secrets that will be sent, for the service to know.
func minted(l Leaks, spec v1alpha1.LeaksSpec) []fake.Secret {
	return l.hunt(spec).secrets
}

// leaks is a check with a key that is known.
func leaks(key string) Leaks {
	return Leaks{
		Clock: clock.RealClock{}, Key: []byte(key), Host: "app.prod.svc", Release: "v2-prod", Attempt: "1", Name: "app",
		Selector: "app=v2", Pod: leaky.JobPod, Settling: time.Millisecond,
	}
}

// met is the check of a service, with the API that reads what it writes.
func met(t *testing.T, l Leaks, s *leaky.Service, api *leaky.API) Leaks {
	t.Helper()
	l.Address = s.Serve(t)
	api.Service = s
	l.API = api.Serve(t, l.Address)
	_, port, _ := net.SplitHostPort(l.Address)
	l.Metrics = Metrics{Scheme: "http", Path: "/metrics", Port: port}
	return l
}

// what is the place of a sink.
func what(s leaky.Sink, status int) string {
	if s == leaky.Answer && status < http.StatusBadRequest {
		return "answers"
	}
	return map[leaky.Sink]string{
		leaky.Log: "the log of container signal", leaky.Previous: "the log of container signal", leaky.Sidecar: "the log of container proxy",
		leaky.Metrics: "the metrics", leaky.Answer: "answers that are errors", leaky.Event: "an event", leaky.Status: "the SignalDeployment",
		leaky.Report: "the report", leaky.Job: "the log of the Job", leaky.Pod: "the object of the candidate's pod",
	}[s]
}

// how is the encoding that is told.
func how(l leaky.Leak, s fake.Secret) search.Encoding {
	switch {
	case l.Encoding == leaky.Split && l.Sink.JSON():
		return search.JSON // its line's end is escaped
	case l.Encoding == leaky.Case && (s.Class == "CardNumber" || s.Class == "SSN"):
		return search.Raw // it has no letters
	}
	return map[leaky.Encoding]search.Encoding{
		leaky.Raw: search.Raw, leaky.Base64: search.Base64, leaky.Base64URL: search.Base64, leaky.Hex: search.Hex, leaky.JSON: search.JSON, leaky.URL: search.URL,
		leaky.Case: search.Case, leaky.Gzip: search.Gzip, leaky.Split: search.Split, leaky.First: search.First, leaky.Last: search.Last,
	}[l.Encoding]
}

// Every channel leaks into every sink in every encoding, each secret at one of
// these points: all are found, by their names, and nothing else.
func TestEverySeededLeakIsFound(t *testing.T) {
	spec := leaky.Spec(quick)
	sinks, encodings, classes := leaky.Sinks(), leaky.Encodings(), fake.Classes()
	points := len(sinks) * len(encodings)
	seeded, cells, requests := 0, map[string]bool{}, 0
	for n := 0; n*len(classes) < points; n++ {
		l := leaks(fmt.Sprint("key", n))
		status := []int{http.StatusInternalServerError, http.StatusOK}[n%2]
		number := map[string]int{}
		for i, c := range classes {
			number[c.Name] = i
		}
		want := map[string]bool{}
		point := func(s fake.Secret) (leaky.Leak, bool) {
			p := (n*len(classes) + number[s.Class]) % points
			return leaky.Leak{Sink: sinks[p%len(sinks)], Encoding: encodings[p/len(sinks)]}, true
		}
		for _, s := range minted(l, spec) {
			leak, _ := point(s)
			want[fmt.Sprintf("%s sent in %s %v in %s", s.Class, s.Channel, how(leak, s), what(leak.Sink, status))] = true
			cells[fmt.Sprint(s.Channel, leak)] = true
		}
		service := leaky.New(minted(l, spec), point)
		service.Status = status
		r := met(t, l, service, &leaky.API{}).hunt(spec)
		all := r.run(t.Context(), spec)
		got := map[string]bool{}
		for h := range r.found {
			s := r.secrets[h.secret]
			got[fmt.Sprintf("%s sent in %s %v in %s", s.Class, s.Channel, h.encoding, h.place.what)] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("run %d: %s", n, diff)
		}
		if v := all[len(all)-1]; v.Outcome != verdict.Failed || v.Reason != ReasonLeaked || len(r.unread) > 0 {
			t.Errorf("run %d: %+v %v", n, v, r.unread)
		}
		seeded, requests = seeded+len(want), requests+r.sent
	}
	if want := points * len(channels(spec)); len(cells) != want {
		t.Errorf("%d cells of channel, sink and encoding were seeded, of %d", len(cells), want)
	}
	t.Logf("%d of %d seeded leaks found, none else; %d classes, %d channels, %d encodings, %d sinks: all %d cells of channel, sink and encoding; %d requests",
		seeded, seeded, len(classes), len(channels(spec)), len(encodings), len(sinks), len(cells), requests)
}

// A service that masks what it writes, and writes much that looks like secrets,
// raises no alarm.
func TestACleanServiceRaisesNoAlarm(t *testing.T) {
	spec := leaky.Spec(quick)
	l := leaks("key")
	sinks := leaky.Sinks()
	n := 0
	service := leaky.New(minted(l, spec), func(fake.Secret) (leaky.Leak, bool) {
		n++
		return leaky.Leak{Sink: sinks[n%len(sinks)], Encoding: leaky.Masked}, true
	})
	others := minted(leaks("another attempt's key"), spec)
	for i, s := range others {
		for k, e := range leaky.Encodings() {
			sink := sinks[(i+k)%len(sinks)]
			service.Write(sink, e.Of(s, sink)+"\n")
		}
	}
	r := met(t, l, service, &leaky.API{}).hunt(spec)
	all := r.run(t.Context(), spec)
	v := all[len(all)-1]
	if len(all) != 1 || v.Outcome != verdict.Passed || v.Reason != ReasonNone || len(r.found) != 0 {
		t.Errorf("%d false alarms: %+v", len(r.found), all)
	}
	if diff := cmp.Diff(map[string]int{"GET": Requests(spec) - 4*len(fake.Classes()), "POST": 4 * len(fake.Classes())}, service.Verbs); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{"fake secrets was found in", "an event (1,", "the log of container signal (2,", "the log of container proxy (1,", "the metrics (1,", "the report (1,", "the SignalDeployment (1,"} {
		if !strings.Contains(v.Message, part) {
			t.Errorf("it does not say %q: %s", part, v.Message)
		}
	}
	t.Logf("0 false alarms in %s", v.Evidence.Query)
}

// No verdict, and no line of the Job's log, has a secret, however many leak.
func TestNoSecretIsRepeated(t *testing.T) {
	spec := leaky.Spec(quick)
	l := leaks("key")
	service := leaky.New(minted(l, spec), func(fake.Secret) (leaky.Leak, bool) {
		return leaky.Leak{Sink: leaky.Log, Encoding: leaky.Raw}, true
	})
	l = met(t, l, service, &leaky.API{})
	ctx, log := logged(t)
	all := l.Run(ctx, spec)
	text := string(verdict.Answer{Verdicts: all}.Encode())
	if len(text) > 4096 || len(all) < 2 {
		t.Errorf("%d verdicts in %d bytes", len(all), len(text))
	}
	index := search.New(minted(l, spec))
	if finds := index.Search([]byte(text + "\n" + log())); len(finds) > 0 {
		t.Errorf("%d secrets are repeated", len(finds))
	}
	if !strings.Contains(log(), "sent in") && !strings.Contains(log(), `"Leaked"`) {
		t.Errorf("the log does not say what leaked: %s", log())
	}
	want := fmt.Sprintf("%d of %d fake secrets leaked: %d classes (AWSAccessKeyID, AWSSecretKey, AgeKey and %d more) sent in Authorization, Baggage, Cookie and 14 more appear unchanged in the log of container signal of pod app-v2-x, 527 lines",
		len(minted(l, spec)), len(minted(l, spec)), len(fake.Classes()), len(fake.Classes())-3)
	if v := all[len(all)-1]; !strings.HasPrefix(v.Message, want) {
		t.Errorf("it says %s", v.Message)
	}
}

// One hit is one sentence.
func TestAHitSaysWhatAndWhere(t *testing.T) {
	spec := leaky.Spec(quick)
	l := leaks("key")
	service := leaky.New(minted(l, spec), func(s fake.Secret) (leaky.Leak, bool) {
		return leaky.Leak{Sink: leaky.Log, Encoding: leaky.Base64}, s.Class == "GitHubToken" && s.Channel == "Authorization"
	})
	all := met(t, l, service, &leaky.API{}).Run(t.Context(), spec)
	const want = "GitHubToken sent in Authorization appears base64-encoded in the log of container signal of pod app-v2-x, 1 line"
	if len(all) != 2 || all[0].Message != want || all[0].Name != "leaks-1" || !strings.Contains(all[1].Message, "1 of 527 fake secrets leaked: "+want) {
		t.Errorf("%+v", all)
	}
	if e := all[len(all)-1].Evidence; e.Samples != 527 || e.Failures != 1 || e.Value != "1 of 527 fake secrets in 1 place, 1 cell of the matrix" {
		t.Errorf("%+v", e)
	}
}

// What was not searched is not clean.
func TestSilenceIsNotConsent(t *testing.T) {
	never := func(fake.Secret) (leaky.Leak, bool) { return leaky.Leak{}, false }
	for name, tc := range map[string]struct {
		api    leaky.API
		change func(*Leaks)
		reason string
		says   string
	}{
		"pods may not be listed":   {leaky.API{Refuse: "/pods"}, nil, ReasonUnread, "No fake secret was sent, since the candidate's logs cannot be read: the ServiceAccount may not list pods; see docs/leaks.md"},
		"logs may not be read":     {leaky.API{Refuse: "/log"}, nil, ReasonUnread, "the log of container signal of pod app-v2-x: the ServiceAccount may not get pods/log"},
		"events may not be read":   {leaky.API{Refuse: "/events"}, nil, ReasonUnread, "events: the ServiceAccount may not list events"},
		"status may not be read":   {leaky.API{Refuse: "/signaldeployments"}, nil, ReasonUnread, "the SignalDeployment: the ServiceAccount may not get signaldeployments"},
		"the report may not be":    {leaky.API{Refuse: "/configmaps"}, nil, ReasonUnread, "the report: the ServiceAccount may not get configmaps"},
		"the pod is gone":          {leaky.API{Gone: true}, nil, ReasonUnread, "the log of pod app-v2-x: the pod is gone"},
		"it has no pods":           {leaky.API{}, func(l *Leaks) { l.Selector = "app=v3" }, ReasonUnread, "it has no pods"},
		"a container without log":  {leaky.API{Change: func(p *corev1.Pod) { p.Status.ContainerStatuses[1].Name = "other" }}, nil, ReasonUnread, "the log of container other of pod app-v2-x: get pods/log: it does not exist"},
		"no container has started": {leaky.API{Change: func(p *corev1.Pod) { p.Status.ContainerStatuses = nil }}, nil, ReasonUnread, "the log of pod app-v2-x: it has no container yet"},
		"no port of that name":     {leaky.API{}, func(l *Leaks) { l.Metrics.Port = "admin" }, ReasonUnread, `the metrics of pod app-v2-x: it has no port named "admin"`},
		"metrics do not answer":    {leaky.API{}, func(l *Leaks) { l.Metrics.Port = "1" }, ReasonUnread, "the metrics of pod app-v2-x: no answer from /metrics"},
		"nobody listens":           {leaky.API{}, func(l *Leaks) { l.Address = "127.0.0.1:1"; l.Clock = &hasty{} }, ReasonNoAnswer, "no connection was accepted"},
		"the Job's log is not":     {leaky.API{}, func(l *Leaks) { l.Pod = "another" }, ReasonUnread, "the log of the Job of pod another: get pods/log: it does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := leaky.Spec(quick, func(s *v1alpha1.LeaksSpec) { s.WritePaths = nil })
			l := leaks("key")
			l = met(t, l, leaky.New(nil, never), &tc.api)
			if tc.change != nil {
				tc.change(&l)
			}
			all := l.Run(t.Context(), spec)
			v := all[len(all)-1]
			if len(all) != 1 || v.Outcome != verdict.Unknown || v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) {
				t.Errorf("%+v", all)
			}
		})
	}
}

// A port by its name is a container's; metrics that are not there are said.
func TestWhereMetricsAre(t *testing.T) {
	spec := leaky.Spec(quick)
	l := leaks("key")
	service := leaky.New(minted(l, spec), func(fake.Secret) (leaky.Leak, bool) { return leaky.Leak{}, false })
	api := &leaky.API{}
	l = met(t, l, service, api)
	var port int32
	fmt.Sscan(l.Metrics.Port, &port) //nolint:errcheck // it is a number
	api.Change = func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "admin", ContainerPort: port}}
	}
	l.Metrics.Port = "admin"
	if v := l.Run(t.Context(), spec)[0]; v.Outcome != verdict.Passed || !strings.Contains(v.Message, "the metrics (1, 0 bytes)") {
		t.Errorf("%+v", v)
	}
	service.Status = http.StatusNotFound
	l.Metrics.Path = "/nothing"
	if v := l.Run(t.Context(), spec)[0]; v.Outcome != verdict.Passed || !strings.Contains(v.Message, "nothing is served at /nothing") {
		t.Errorf("%+v", v)
	}
}

// Whether an answer may have what was sent depends on whether it is an error.
func TestEchoes(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		echo   v1alpha1.LeakEcho
		want   v1alpha1.Outcome
	}{
		"done, refused":       {http.StatusOK, v1alpha1.EchoRefused, verdict.Failed},
		"done, allowed":       {http.StatusOK, v1alpha1.EchoAllowed, verdict.Passed},
		"an error, allowed":   {http.StatusBadRequest, v1alpha1.EchoAllowed, verdict.Failed},
		"a failure, allowed":  {http.StatusInternalServerError, v1alpha1.EchoAllowed, verdict.Failed},
		"a way to go instead": {http.StatusFound, v1alpha1.EchoRefused, verdict.Passed},
	} {
		t.Run(name, func(t *testing.T) {
			spec := leaky.Spec(quick, func(s *v1alpha1.LeaksSpec) { s.Echo = tc.echo })
			l := leaks("key")
			service := leaky.New(minted(l, spec), func(s fake.Secret) (leaky.Leak, bool) {
				return leaky.Leak{Sink: leaky.Answer, Encoding: leaky.Raw}, s.Channel == "a form"
			})
			service.Status = tc.status
			all := met(t, l, service, &leaky.API{}).Run(t.Context(), spec)
			if v := all[len(all)-1]; v.Outcome != tc.want {
				t.Errorf("%+v", v)
			}
		})
	}
}

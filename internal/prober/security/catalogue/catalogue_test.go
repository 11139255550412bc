package catalogue_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
	"github.com/signal-delivery/operator/internal/prober/security/wire"
	"github.com/signal-delivery/operator/test/weak"
)

// hasty is a clock that goes by itself: whoever waits for it need not.
type hasty struct{ now *atomic.Int64 }

func (h hasty) Now() time.Time { return time.Unix(0, h.now.Load()) }

func (h hasty) After(d time.Duration) <-chan time.Time {
	h.now.Add(int64(d))
	done := make(chan time.Time, 1)
	done <- h.Now()
	return done
}

// trap is where only a service that is led astray calls.
func trap(t *testing.T) catalogue.Trap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // it is gone either way
	called := make(chan string, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			fmt.Fprint(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") //nolint:errcheck // nobody waits for it
			conn.Close()                                                             //nolint:errcheck // nobody waits for it
			called <- line
		}
	}()
	var lines []string
	return catalogue.Trap{URL: "http://" + listener.Addr().String(), Hit: func(mark string) bool {
		for len(called) > 0 {
			lines = append(lines, <-called)
		}
		return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, mark+" ") })
	}}
}

// examine runs all checks against the service with a flaw.
func examine(t *testing.T, flaw weak.Flaw, change ...func(*v1alpha1.SecuritySpec)) (map[int32]catalogue.Result, *catalogue.Exam) {
	t.Helper()
	spec := weak.Spec(append(change, func(s *v1alpha1.SecuritySpec) {
		s.TLS = &v1alpha1.SecurityTLS{Port: "https", ServerName: weak.Host, MinDays: 14}
	})...)
	address := weak.Serve(t, flaw)
	tls, roots := weak.ServeTLS(t, flaw)
	x := &catalogue.Exam{
		Site: catalogue.Site{
			Spec: spec, Host: "signals.prod.svc", Nonce: "0123456789ab", Users: catalogue.Users{A: weak.UserA, B: weak.UserB, Expired: weak.Expired, OtherAudience: weak.OtherAudience},
			Trap: trap(t), Roots: roots, Now: time.Now(),
		},
		Session: &wire.Session{Clock: hasty{&atomic.Int64{}}, Address: address, TLS: tls, Host: "signals.prod.svc", Release: "v2-prod", Budget: int(spec.RequestBudget), Patience: 4 * time.Second},
	}
	if err := x.Reach(t.Context()); err != nil {
		t.Fatal(err)
	}
	results := map[int32]catalogue.Result{}
	for _, c := range catalogue.All() {
		results[c.ID] = x.Examine(t.Context(), c)
	}
	return results, x
}

// seen are the checks that found something, and what.
func seen(results map[int32]catalogue.Result) map[int32][]string {
	found := map[int32][]string{}
	for id, r := range results {
		if r.Outcome == catalogue.Finding {
			found[id] = r.Found
		}
	}
	return found
}

// Detection: every weakness is seen by the check that is for it, and by no
// other but those that it concerns as well.
func TestEveryWeaknessIsSeen(t *testing.T) {
	flaws, covered := weak.Flaws(), map[int32]bool{}
	for name, flaw := range flaws {
		number, _, _ := strings.Cut(name, " ")
		id, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		covered[int32(id)] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var change []func(*v1alpha1.SecuritySpec)
			if id != 56 { // it waits for the service, whose patience is another weakness's matter
				change = append(change, func(s *v1alpha1.SecuritySpec) { s.Disable = []int32{56} })
			}
			results, _ := examine(t, flaw, change...)
			found := seen(results)
			if found[int32(id)] == nil {
				t.Errorf("check %d: %+v", id, results[int32(id)])
			}
			for other, what := range found {
				if int(other) != id && !slices.Contains(flaw.Also, other) {
					t.Errorf("check %d found %v", other, what)
				}
			}
		})
	}
	for _, c := range catalogue.All() {
		if !covered[c.ID] {
			t.Errorf("check %d has no weakness to be seen", c.ID)
		}
	}
}

// No false alarms: of a hardened service every check says that it held. None
// is left out: each applies.
func TestAHardenedServiceRaisesNoAlarm(t *testing.T) {
	results, x := examine(t, weak.Flaw{})
	for id := int32(1); id <= 57; id++ {
		if r := results[id]; r.Outcome != catalogue.Held || r.Sum == "" {
			t.Errorf("check %d: %s %v %s", id, r.Outcome, r.Found, r.Why)
		}
	}
	if most := catalogue.Requests(x.Site); x.Session.Sent > most {
		t.Errorf("%d requests were sent, of %d that were announced", x.Session.Sent, most)
	} else {
		t.Logf("%d requests, at most %d were announced", x.Session.Sent, most)
	}
}

// The documentation has a line for each check, as the code has it.
func TestTheChecksAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/security-checks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range catalogue.All() {
		if row := fmt.Sprintf("| %d | %s | %s | %s |\n", c.ID, c.Name, c.Advice, c.Standard); !strings.Contains(string(text), row) {
			t.Errorf("docs/security-checks.md lacks\n%s", row)
		}
	}
}

// The checks are those of the reference, by number and group.
func TestTheChecksAreThoseOfTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(line, "\t")
		want = append(want, parts[0]+" "+parts[1])
	}
	standard := regexp.MustCompile(`^(WSTG-[A-Z]{4}-\d\d|ASVS \d+\.\d+\.\d+|\d+\.\d+\.\d+)$`)
	for _, c := range catalogue.All() {
		got = append(got, fmt.Sprintf("%d %s", c.ID, c.Group))
		if c.Name == "" || c.Advice == "" || c.Probes == nil || c.Judge == nil && c.Whole == nil {
			t.Errorf("check %d is not whole", c.ID)
		}
		for part := range strings.SplitSeq(c.Standard, ", ") {
			if !standard.MatchString(part) {
				t.Errorf("check %d stands for %q", c.ID, part)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 57 {
		t.Errorf("%d checks (-reference +code):\n%s", len(got), diff)
	}
}

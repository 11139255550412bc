package main

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
)

// parsed are the flags of a command line.
func parsed(t *testing.T, args ...string) (*flags, error) {
	t.Helper()
	set := flag.NewFlagSet("operator", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f := newFlags(set)
	return f, set.Parse(args)
}

// What is served without a word of the administrator's is served over TLS, to
// those whom the cluster authorizes.
func TestMetricsAreGuardedByDefault(t *testing.T) {
	for name, tc := range map[string]struct {
		args    []string
		address string
		guarded bool
	}{
		"by default": {nil, ":8443", true},
		"on request": {[]string{"--metrics-secure=false", "--metrics-bind-address=127.0.0.1:8080"}, "127.0.0.1:8080", false},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parsed(t, tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			o := f.manager(runtime.NewScheme(), logr.Discard()).Metrics
			if o.BindAddress != tc.address || o.SecureServing != tc.guarded || (o.FilterProvider != nil) != tc.guarded {
				t.Errorf("at %s, over TLS %t, with a filter %t", o.BindAddress, o.SecureServing, o.FilterProvider != nil)
			}
		})
	}
}

// The lease is given back on the way out, so that the next one need not wait
// for it to run out.
func TestTheLeaseIsGivenBack(t *testing.T) {
	f, err := parsed(t, "--leader-elect", "--leader-election-namespace=here")
	if err != nil {
		t.Fatal(err)
	}
	o := f.manager(runtime.NewScheme(), logr.Discard())
	if !o.LeaderElection || !o.LeaderElectionReleaseOnCancel || o.LeaderElectionNamespace != "here" || o.LeaderElectionID == "" {
		t.Errorf("%+v", o)
	}
}

func TestNamespaces(t *testing.T) {
	f, err := parsed(t, "--namespaces=a, b,", "--namespaces=c")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.namespaces.String(); got != "a,b,c" {
		t.Errorf("namespaces %s", got)
	}
	cached := f.manager(runtime.NewScheme(), logr.Discard()).Cache.DefaultNamespaces
	if len(cached) != 3 {
		t.Errorf("cached %v", cached)
	}
}

func TestServers(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string // name and URL, or what the refusal says
	}{
		"without a name":               {[]string{"--prometheus=http://p:9090"}, "default=http://p:9090"},
		"with a name":                  {[]string{"--prometheus=thanos=http://t:9090"}, "thanos=http://t:9090"},
		"the = of a query is no name":  {[]string{"--prometheus=http://p:9090/?tenant=a"}, "default=http://p:9090/?tenant=a"},
		"a name, and the = of a query": {[]string{"--prometheus=thanos=http://t:9090/?tenant=a"}, "thanos=http://t:9090/?tenant=a"},
		"the same twice":               {[]string{"--prometheus=http://p:9090", "--prometheus=default=http://q:9090"}, `server "default" is given twice`},
		"the operator's own name":      {[]string{"--prometheus=built-in=http://p:9090"}, `"built-in" is the operator's own source`},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parsed(t, tc.args...)
			if err != nil {
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("refused: %v; want %s", err, tc.want)
				}
				return
			}
			rooms, err := f.rooms()
			if err != nil {
				t.Fatal(err)
			}
			name, url, _ := strings.Cut(tc.want, "=")
			if len(f.servers) != 1 || f.servers[name] != url || rooms.Metrics[name] == nil || rooms.Alerts[name] == nil {
				t.Errorf("servers %v, rooms %v", f.servers, rooms.Metrics)
			}
		})
	}
}

// An address that cannot be asked stops the operator at its start, by its flag.
func TestAnAddressThatIsNone(t *testing.T) {
	f, err := parsed(t, "--prometheus=thanos=t:9090")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.rooms(); err == nil || !strings.Contains(err.Error(), "--prometheus thanos=t:9090") {
		t.Errorf("error %v", err)
	}
}

func TestLabels(t *testing.T) {
	f, err := parsed(t, "--prometheus-rule-labels=release=stack,team=delivery")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.ruleLabels) != 2 || f.ruleLabels["release"] != "stack" || f.ruleLabels["team"] != "delivery" {
		t.Errorf("labels %v", f.ruleLabels)
	}
	for _, bad := range []string{"release", "=x"} {
		if _, err := parsed(t, "--prometheus-rule-labels="+bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// Every flag says what it is for, and --help has the defaults.
func TestHelp(t *testing.T) {
	set := flag.NewFlagSet("operator", flag.ContinueOnError)
	var help strings.Builder
	set.SetOutput(&help)
	newFlags(set)
	set.PrintDefaults()
	set.VisitAll(func(f *flag.Flag) {
		if f.Usage == "" {
			t.Errorf("--%s does not say what it is for", f.Name)
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && !strings.Contains(help.String(), f.DefValue) {
			t.Errorf("--help does not have the default %s of --%s", f.DefValue, f.Name)
		}
	})
}

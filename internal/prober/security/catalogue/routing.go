package catalogue

import (
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

// nonsense is a verb that nobody has: that it is done shows that any would be.
const nonsense = "SIGNALPROBE"

// routingChecks ask whether a request can be taken for another one.
func routingChecks() []Check { //nolint:gocognit // a table: each check is data and a small judge
	return []Check{
		{
			ID: 26, Group: Routing, Name: "TRACE repeats what was sent", Standard: "ASVS 13.4.4, WSTG-CONF-06", Advice: "turn TRACE off",
			Probes: func(s Site) []Probe {
				return verb(s.paths(), "TRACE", wire.Header{Name: "X-Signal-Probe", Value: s.Nonce})
			},
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && (a.Media() == "message/http" || strings.Contains(a.Body, x.Nonce)) {
					return found("TRACE %s repeats the request", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 27, Group: Routing, Name: "a verb that does not exist is done", Standard: "ASVS 4.1.4, WSTG-CONF-06", Advice: "answer verbs that a path does not have with 405",
			Probes: func(s Site) []Probe { return verb(s.paths(), nonsense) },
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.OK() {
					return found("%s %s was answered with %d", nonsense, p.Where, a.Status)
				}
				return Say{}
			},
		},
		{
			ID: 28, Group: Routing, Name: "a header replaces the verb", Standard: "WSTG-CONF-06, ASVS 4.1.4", Advice: "ignore X-HTTP-Method-Override and its like",
			Probes: overrides, Judge: overridden,
		},
		{
			ID: 29, Group: Routing, Name: "another verb opens a protected path", Standard: "WSTG-ATHZ-02", Advice: "ask for credentials whatever the verb",
			Needs:  needsProtected,
			Probes: func(s Site) []Probe { return append(verb(s.protected(), "HEAD"), verb(s.protected(), nonsense)...) },
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && !x.Plain(p.Where).OK() {
					return found("%s %s was answered with %d without credentials", p.What, p.Where, a.Status)
				}
				return Say{}
			},
		},
		{
			ID: 30, Group: Routing, Name: "another spelling opens a protected path", Standard: "WSTG-CONF-13, WSTG-ATHZ-02", Advice: "normalise the path before it is matched, or refuse one that is not normal",
			Needs: needsProtected, Probes: spellings,
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && !x.Plain(p.Where).OK() && !a.Same(x.Nowhere()) {
					return found("%s was opened without credentials as %s", p.Where, p.What)
				}
				return Say{}
			},
		},
		{
			ID: 31, Group: Routing, Name: "the caller says what the service is called", Standard: "WSTG-INPV-17, ASVS 4.1.3", Advice: "build links from a configured name, and heed X-Forwarded-Host from your own proxies only",
			Probes: hosts,
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if a.Status < 400 && (strings.Contains(a.Body, x.stranger()) || strings.Contains(a.Get("Location"), x.stranger()) || strings.Contains(a.Get("Set-Cookie"), x.stranger()) || strings.Contains(a.Get("Link"), x.stranger())) {
					return found("%s repeats the name that %s gave it", p.Where, p.What)
				}
				return Say{}
			},
		},
	}
}

func verb(paths []string, method string, headers ...wire.Header) []Probe {
	return each(paths, func(path string) []Probe {
		return []Probe{{Where: path, What: method, Request: wire.Request{Method: method, Path: path, Headers: headers}}}
	})
}

// overrides ask for a verb that does not exist, so that a service which gives
// in does nothing.
func overrides(s Site) []Probe {
	tries := func(path, method string) []Probe {
		with := func(name string) Probe {
			return Probe{Where: path, What: name, Request: wire.Request{Method: method, Path: path, Headers: []wire.Header{{Name: name, Value: nonsense}}}}
		}
		return []Probe{
			{Where: path, Request: wire.Request{Method: method, Path: path}}, // what the others are compared with
			with("X-HTTP-Method-Override"), with("X-HTTP-Method"), with("X-Method-Override"),
		}
	}
	return append(
		each(s.paths(), func(path string) []Probe { return tries(path, "") }),
		each(s.writable(), func(path string) []Probe { return tries(path, "POST") })...)
}

func overridden(x *Exam, p Probe, a wire.Answer) Say {
	before := x.Session.Known(wire.Request{Method: p.Request.Method, Path: p.Request.Path}).Status
	if p.What != "" && a.Status != before && (a.Status == 400 || a.Status == 404 || a.Status == 405 || a.Status == 501) {
		return found("%s was answered with %d in place of %d when %s asked for another verb", p.Where, a.Status, before, p.What)
	}
	return Say{}
}

// spellings are other ways to write a protected path.
func spellings(s Site) []Probe {
	return each(s.protected(), func(path string) []Probe {
		rest := strings.TrimPrefix(path, "/")
		var all []Probe
		for _, other := range []string{
			"//" + rest, "/./" + rest, "/%2e/" + rest, "/;/" + rest, "/signal/../" + rest, "/signal/..%2f" + rest, "/signal/..;/" + rest,
			path + "/", path + "/.", path + ";", path + "%2f", path + "%20", path + "%00", "/" + strings.ToUpper(rest),
		} {
			if other != path {
				all = append(all, Probe{Where: path, What: other, Request: wire.Get(other)})
			}
		}
		return all
	})
}

// hosts call the service by a name that is not its own.
func hosts(s Site) []Probe {
	return each(s.paths(), func(path string) []Probe {
		with := func(name, value string) Probe {
			return Probe{Where: path, What: name, Request: wire.Get(path, wire.Header{Name: name, Value: value})}
		}
		return []Probe{
			{Where: path, What: "Host", Request: wire.Request{Path: path, Host: s.stranger()}},
			with("X-Forwarded-Host", s.stranger()), with("X-Host", s.stranger()), with("Forwarded", "host="+s.stranger()),
		}
	})
}

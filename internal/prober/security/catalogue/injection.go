package catalogue

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

// Numbers whose product nobody writes by chance.
const (
	factor, other = 73331, 91397
	markLine      = "signal-probe-line"
)

var (
	secretFile = regexp.MustCompile(`root:[^:]*:0:0:`)
	privilege  = regexp.MustCompile(`"(isAdmin|is_admin|admin)"\s*:\s*true|"role"\s*:\s*"admin"`)
	both       = regexp.MustCompile(`signalone(, ?)?signaltwo`)

	links = []string{"url", "uri", "next", "redirect", "redirect_uri", "return", "returnTo", "continue", "dest", "target", "callback", "webhook", "src", "link", "feed", "proxy"}
	texty = []string{"q", "s", "search", "query", "name", "id", "message", "title", "lang", "template"}
)

// injectionChecks send marks that do nothing, and look where they come out.
func injectionChecks() []Check {
	return slices.Concat(placeChecks(), headChecks(), bodyChecks(), valueChecks())
}

// placeChecks name places that a value must not lead to.
func placeChecks() []Check {
	return []Check{
		{
			ID: 37, Group: Injection, Name: "a path leads out of what is served", Standard: "ASVS 5.3.2, WSTG-ATHZ-01", Advice: "resolve the path and check that it is below its root, or take names from a list",
			Probes: traversals, Hangs: true,
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if secretFile.MatchString(a.Body) {
					return found("%s reads a file of the system by way of %s", p.Where, p.What)
				}
				return Say{}
			},
		},
		{
			ID: 38, Group: Injection, Name: "a link sends people elsewhere", Standard: "WSTG-CLNT-04", Advice: "redirect to paths of your own or to a list",
			Probes: func(s Site) []Probe {
				return each(s.paths(), func(path string) []Probe {
					return []Probe{
						{Where: path, Request: wire.Get(query(path, "https://"+s.stranger()+"/", links...))},
						{Where: path, Request: wire.Get(query(path, "//"+s.stranger()+"/", links...))},
						{Where: path, Request: wire.Get(query(path, "/%5C"+s.stranger()+"/", links...))},
						{Where: path, Request: wire.Get("//" + s.stranger() + path)},
					}
				})
			},
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if a.Redirects() && leads(a.Get("Location"), x.stranger()) || leads(refresh(a), x.stranger()) {
					return found("%s sends people to a name that was given to it", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 39, Group: Injection, Name: "the service calls an address that is given to it", Standard: "ASVS 1.3.6, WSTG-INPV-19", Advice: "call addresses of a list only, and check where a name leads before calling it",
			Needs:  func(s Site) string { return unless(s.Trap.URL != "", "the Job has no address to be called at") },
			Probes: lures, Hangs: true,
			Whole: func(x *Exam, _ []wire.Answer) []Say {
				var all []Say
				for _, p := range lures(x.Site) {
					if x.Trap.Hit(p.What) {
						all = append(all, found("%s called an address that was given to it", p.Where))
					}
				}
				return all
			},
		},
	}
}

// headChecks make more of a head than it says.
func headChecks() []Check {
	return []Check{
		{
			ID: 40, Group: Injection, Name: "a value becomes a header", Standard: "WSTG-INPV-15", Advice: "take line breaks out of what goes into a header",
			Probes: func(s Site) []Probe {
				names := append(append([]string{}, links...), texty...)
				return each(s.paths(), func(path string) []Probe {
					return []Probe{
						{Where: path, Request: wire.Get(query(path, "x%0d%0aX-Signal-Injected:%20yes", names...))},
						{Where: path, Request: wire.Get(query(path, "x%E5%98%8D%E5%98%8AX-Signal-Injected:%20yes", names...))},
						{Where: path, Request: wire.Get(strings.TrimSuffix(path, "/") + "/%0d%0aX-Signal-Injected:%20yes")},
					}
				})
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.Get("X-Signal-Injected") != "" {
					return found("%s makes a header of a value", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 41, Group: Injection, Name: "two servers can differ about where a request ends", Standard: "ASVS 4.2.1, 4.2.2, WSTG-INPV-15", Advice: "go by Transfer-Encoding where there is one, and refuse lengths that cannot be understood",
			Probes: conflicts, Hangs: true,
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && (!p.Request.Twice || a.Answers == 1 && a.Late) { // by the coding it were two requests
					return found("%s takes a request with %s", p.Where, p.What)
				}
				return Say{}
			},
		},
	}
}

// bodyChecks make more of a body than it says.
func bodyChecks() []Check {
	return []Check{
		{
			ID: 42, Group: Injection, Name: "a page repeats what it was given as HTML", Standard: "WSTG-INPV-01, ASVS 1.2.1", Advice: "escape what is put into a page",
			Probes: func(s Site) []Probe {
				return marked(s, url.QueryEscape(`"><signal-probe>`), s.nowhere()+"/%3Csignal-probe%3E")
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if strings.Contains(a.Body, "<signal-probe>") && (a.Document() || a.Media() == "") {
					return found("%s repeats what it was given as HTML", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 43, Group: Injection, Name: "a value is run as a template", Standard: "WSTG-INPV-18, ASVS 1.3.7", Advice: "give values to a template, never make one of them",
			Probes: func(s Site) []Probe {
				sum := strconv.Itoa(factor) + "*" + strconv.Itoa(other)
				return marked(s, url.QueryEscape("{{"+sum+"}}${"+sum+"}<%="+sum+"%>#{"+sum+"}"), "")
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if strings.Contains(a.Body, strconv.Itoa(factor*other)) {
					return found("%s runs a value as a template", p.Where)
				}
				return Say{}
			},
		},
	}
}

// valueChecks make more of a value than it is.
func valueChecks() []Check {
	return []Check{
		{
			ID: 44, Group: Injection, Name: "a parameter that is given twice becomes another value", Standard: "WSTG-INPV-04", Advice: "take the first of a parameter, or refuse two",
			Probes: func(s Site) []Probe {
				return each(s.paths(), func(path string) []Probe {
					return []Probe{{Where: path, Request: wire.Get(path + "?id=signalone&id=signaltwo&q=signalone&q=signaltwo")}}
				})
			},
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if both.MatchString(a.Body) || a.Status >= 500 && x.Plain(p.Where).Status < 500 {
					return found("%s makes one value of a parameter that is given twice, or fails of it", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 45, Group: Injection, Name: "a caller may set what is not theirs", Standard: "ASVS 15.3.3, WSTG-INPV-20", Advice: "take from a body the fields that callers may set, and refuse others",
			Needs: needsWritable,
			Probes: func(s Site) []Probe {
				return each(s.writable(), func(path string) []Probe {
					return []Probe{{Where: path, Request: wire.Post(path, `{"signalProbe":true,"isAdmin":true,"is_admin":true,"admin":true,"role":"admin"}`)}}
				})
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && privilege.MatchString(a.Body) {
					return found("POST %s took a privilege from its body", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 46, Group: Injection, Name: "a value can begin a line of its own", Standard: "ASVS 16.4.1", Advice: "refuse control characters in headers, and escape line breaks in all that is written line by line",
			Probes: func(s Site) []Probe {
				return each(s.paths(), func(path string) []Probe {
					return []Probe{
						{Where: path, What: "a header with a carriage return", Request: wire.Get(path, wire.Header{Name: "X-Request-Id", Value: "probe\r" + markLine})},
						{Where: path, What: "a header with a control character", Request: wire.Get(path, wire.Header{Name: "X-Request-Id", Value: "probe\x0b" + markLine})},
						{Where: path, What: "a value with a line break", Request: wire.Get(query(path, "probe%0a"+markLine, texty...), wire.Header{Name: "X-Request-Id", Value: "probe%0a" + markLine})},
					}
				})
			},
			Hangs: true,
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				raw := strings.HasPrefix(p.What, "a header")
				if raw && a.OK() || strings.Contains(a.Body, "\n"+markLine) || strings.HasPrefix(a.Body, markLine) {
					return found("%s takes %s", p.Where, p.What)
				}
				return Say{}
			},
		},
	}
}

// marked is each path with the mark in every parameter, and one path more.
func marked(s Site, mark, more string) []Probe {
	all := each(s.paths(), func(path string) []Probe {
		return []Probe{{Where: path, Request: wire.Get(query(path, mark, texty...))}}
	})
	if more != "" {
		all = append(all, Probe{Where: "an unknown path", Request: wire.Get(more)})
	}
	return all
}

// traversals lead to a file that every system has and nobody keeps secret.
func traversals(s Site) []Probe {
	var all []Probe
	for _, up := range []string{"../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%252f", "....//", "..%5c"} {
		all = append(all, Probe{Where: "/", What: "its path", Request: wire.Get("/" + strings.Repeat(up, 8) + "etc/passwd")})
	}
	return append(all, each(s.paths(), func(path string) []Probe {
		names := []string{"file", "path", "page", "name", "template", "document", "download", "include"}
		return []Probe{
			{Where: path, What: "a parameter", Request: wire.Get(query(path, strings.Repeat("../", 8)+"etc/passwd", names...))},
			{Where: path, What: "a parameter", Request: wire.Get(query(path, strings.Repeat("..%252f", 8)+"etc%252fpasswd", names...))},
			{Where: path, What: "a parameter", Request: wire.Get(query(path, "/etc/passwd", names...))},
			{Where: path, What: "its path", Request: wire.Get(strings.TrimSuffix(path, "/") + "/" + strings.Repeat("..%2f", 8) + "etc%2fpasswd")},
		}
	})...)
}

// lures give the address of the trap, each with a mark of its own.
func lures(s Site) []Probe {
	at := func(mark string) string { return s.Trap.URL + "/" + s.Nonce + "-" + mark }
	all := make([]Probe, 0, len(s.Spec.Paths)+len(s.Spec.WritePaths))
	for i, path := range s.paths() {
		mark := "get-" + strconv.Itoa(i)
		all = append(all, Probe{Where: path, What: s.Nonce + "-" + mark, Request: wire.Get(query(path, url.QueryEscape(at(mark)), links...))})
	}
	for i, path := range s.writable() {
		mark := "post-" + strconv.Itoa(i)
		fields := make([]string, len(links))
		for i, name := range links {
			fields[i] = `"` + name + `":"` + at(mark) + `"`
		}
		all = append(all, Probe{Where: path, What: s.Nonce + "-" + mark, Request: wire.Post(path, "{"+strings.Join(fields, ",")+"}")})
	}
	return all
}

// conflicts say twice how long they are, or in a way that one server heeds and
// another does not.
func conflicts(s Site) []Probe {
	path := s.paths()[0]
	hidden := "0\r\n\r\nGET " + s.nowhere() + " HTTP/1.1\r\nHost: " + s.Host + "\r\nConnection: close\r\n\r\n"
	plain := func(what string, headers ...wire.Header) Probe {
		return Probe{Where: path, What: what, Request: wire.Request{Method: "GET", Path: path, Headers: headers, Body: "0\r\n\r\n"}}
	}
	return []Probe{
		{Where: path, What: "Content-Length and Transfer-Encoding by the former", Request: wire.Request{
			Path: path, Twice: true, Body: hidden, Headers: []wire.Header{{Name: "Transfer-Encoding", Value: "chunked"}, {Name: headLength, Value: strconv.Itoa(len(hidden))}},
		}},
		plain("two values of Content-Length", wire.Header{Name: headLength, Value: "5"}, wire.Header{Name: headLength, Value: "0"}),
		plain("an unknown Transfer-Encoding", wire.Header{Name: headLength, Value: "5"}, wire.Header{Name: "Transfer-Encoding", Value: "xchunked"}),
		plain("a space before the colon of Transfer-Encoding", wire.Header{Name: headLength, Value: "5"}, wire.Header{Name: "Transfer-Encoding ", Value: "chunked"}),
	}
}

// leads reports whether a link leads to a host.
func leads(link, host string) bool {
	u, err := url.Parse(strings.ReplaceAll(strings.TrimSpace(link), `\`, "/"))
	return err == nil && strings.EqualFold(u.Hostname(), host)
}

// refresh is where a page sends people after a while.
func refresh(a wire.Answer) string {
	_, link, _ := strings.Cut(a.Get("Refresh"), "=")
	return link
}

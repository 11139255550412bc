package catalogue

import (
	"slices"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

const (
	adviceCORS = "compare the whole Origin with a list, and answer no other with Access-Control-Allow-Origin"
	asvsCORS   = "WSTG-CLNT-07, ASVS 3.4.2"
)

// corsChecks ask who may call the service from a browser.
func corsChecks() []Check { //nolint:funlen // a table: each check is data and a small judge
	host := func(change func(host string) []string) func(Site) []string {
		return func(s Site) []string { return change(s.domain()) }
	}
	return []Check{
		origin(1, "any origin is let in", func(Site) []string { return []string{evil} }),
		origin(2, "origin null is let in", func(Site) []string { return []string{"null"} }),
		origin(3, "an origin that ends in a trusted name is let in", host(func(h string) []string { return []string{"https://evil" + h} })),
		origin(4, "an origin that begins with a trusted name is let in", host(func(h string) []string { return []string{"https://" + h + ".evil.example"} })),
		origin(5, "an origin that contains, or is part of, a trusted name is let in", host(func(h string) []string {
			return []string{"https://evil-" + h + "-evil.example", "https://" + h[1:], "https://" + h[:len(h)-1]}
		})),
		origin(6, "a dot of a trusted name stands for any letter", host(func(h string) []string {
			if !strings.Contains(h, ".") {
				return nil
			}
			return []string{"https://" + strings.Replace(h, ".", "x", 1)}
		})),
		origin(7, "an origin with special characters is let in", host(func(h string) []string {
			return []string{"https://" + h + "_.evil.example", "https://" + h + "`.evil.example", "https://" + h + "{.evil.example", "https://" + h + "!.evil.example"}
		})),
		origin(8, "every subdomain is let in", host(func(h string) []string { return []string{"https://evil." + h} })),
		origin(9, "an origin without TLS is let in", host(func(h string) []string { return []string{"http://" + h} })),
		origin(10, "an origin of development tools is let in", func(Site) []string {
			return []string{"http://localhost:3000", "http://127.0.0.1:8080", "https://jsfiddle.net", "https://codepen.io", "https://s.codepen.io"}
		}),
		{
			ID: 11, Group: CORS, Name: "everyone is let in", Standard: asvsCORS,
			Advice: "name the origins, or add '*' to allowedOrigins where everyone may read the answer; never with credentials",
			Probes: func(s Site) []Probe { return from(s, evil) }, Judge: wildcard,
		},
		{
			ID: 12, Group: CORS, Name: "a strange origin may send PUT, DELETE or any header", Standard: "WSTG-CLNT-07, ASVS 3.5.2",
			Advice: "answer the preflight of origins that are not allowed without Access-Control-Allow headers",
			Probes: preflight("DELETE", wire.Header{Name: "Access-Control-Request-Headers", Value: "x-signal-probe"}), Judge: permissive,
		},
		{
			ID: 13, Group: CORS, Name: "an answer that depends on the origin does not say so", Standard: asvsCORS,
			Advice: "send Vary: Origin with every answer that has Access-Control-Allow-Origin",
			Probes: func(s Site) []Probe {
				all := from(s, evil)
				for _, o := range s.Spec.AllowedOrigins {
					if o != "*" {
						return append(all, from(s, string(o))...)
					}
				}
				return all
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if named := a.Get("Access-Control-Allow-Origin"); named != "" && named != "*" && !a.Has("Vary", "Origin") && !a.Has("Vary", "*") {
					return found("%s has no Vary: Origin beside its Access-Control-Allow-Origin", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 14, Group: CORS, Name: "a strange origin may reach private networks", Standard: asvsCORS,
			Advice: "do not send Access-Control-Allow-Private-Network to origins that are not allowed",
			Probes: preflight("GET", wire.Header{Name: "Access-Control-Request-Private-Network", Value: "true"}),
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if strings.EqualFold(a.Get("Access-Control-Allow-Private-Network"), "true") {
					return found("%s lets %s reach a private network", p.Where, evil)
				}
				return Say{}
			},
		},
		{
			ID: 15, Group: CORS, Name: "a strange origin may write without a preflight", Standard: "ASVS 3.5.1, 3.5.2",
			Advice: "accept a JSON body only as application/json, and refuse origins that are not allowed",
			Needs:  needsWritable,
			Probes: func(s Site) []Probe {
				return each(s.writable(), func(path string) []Probe {
					return []Probe{{Where: path, Request: wire.Request{
						Method: "POST", Path: path, Body: `{"signalProbe":true}`, Headers: []wire.Header{{Name: "Origin", Value: evil}, {Name: "Content-Type", Value: "text/plain"}},
					}}}
				})
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.OK() {
					return found("POST %s with text/plain from %s was answered with %d", p.Where, evil, a.Status)
				}
				return Say{}
			},
		},
	}
}

// origin is a check that calls from origins which must not be let in.
func origin(id int32, name string, origins func(Site) []string) Check {
	return Check{
		ID: id, Group: CORS, Name: name, Standard: asvsCORS, Advice: adviceCORS,
		Probes: func(s Site) []Probe { return from(s, slices.DeleteFunc(origins(s), s.allowed)...) }, // someone may mean it
		Judge: func(x *Exam, p Probe, a wire.Answer) Say {
			credentials := strings.EqualFold(a.Get("Access-Control-Allow-Credentials"), "true")
			switch {
			case a.Get("Access-Control-Allow-Origin") != p.What, x.allowed("*") && !credentials:
				return Say{}
			case credentials:
				return found("%s lets origin %s in, with credentials", p.Where, p.What)
			}
			return found("%s lets origin %s in", p.Where, p.What)
		},
	}
}

// from is each path called from each origin.
func from(s Site, origins ...string) []Probe {
	return each(s.paths(), func(path string) []Probe {
		all := make([]Probe, len(origins))
		for i, o := range origins {
			all[i] = Probe{Where: path, What: o, Request: wire.Get(path, wire.Header{Name: "Origin", Value: o})}
		}
		return all
	})
}

func wildcard(x *Exam, p Probe, a wire.Answer) Say {
	switch {
	case a.Get("Access-Control-Allow-Origin") != "*":
		return Say{}
	case strings.EqualFold(a.Get("Access-Control-Allow-Credentials"), "true"):
		return found("%s lets everyone in, with credentials", p.Where)
	case !x.allowed("*"):
		return found("%s lets everyone in", p.Where)
	}
	return Say{}
}

// preflight asks, as a browser would, whether a strange page may do something.
func preflight(method string, more wire.Header) func(Site) []Probe {
	return func(s Site) []Probe {
		return each(s.paths(), func(path string) []Probe {
			return []Probe{{Where: path, Request: wire.Request{Method: "OPTIONS", Path: path, Headers: []wire.Header{
				{Name: "Origin", Value: evil}, {Name: "Access-Control-Request-Method", Value: method}, more,
			}}}}
		})
	}
}

func permissive(x *Exam, p Probe, a wire.Answer) Say {
	who := a.Get("Access-Control-Allow-Origin")
	if who != evil && (who != "*" || x.allowed("*")) {
		return Say{}
	}
	for _, method := range []string{"PUT", "DELETE", "*"} {
		if a.Has("Access-Control-Allow-Methods", method) {
			return found("%s lets %s send %s", p.Where, evil, strings.Replace(method, "*", "every verb", 1))
		}
	}
	if a.Has("Access-Control-Allow-Headers", "*") || a.Has("Access-Control-Allow-Headers", "x-signal-probe") {
		return found("%s lets %s send any header", p.Where, evil)
	}
	return Say{}
}

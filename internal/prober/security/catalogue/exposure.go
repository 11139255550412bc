package catalogue

import (
	"path"
	"regexp"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

var (
	listing     = regexp.MustCompile(`(?i)<title>\s*(index of|directory listing)|^\s*(<!doctype html>\s*)?(<meta[^>]*>\s*)*<pre>\s*<a href="`)
	settings    = regexp.MustCompile(`(?m)^(export )?[A-Z][A-Z0-9_]*=\S`)
	dump        = regexp.MustCompile(`(?i)(insert into|create table) `)
	description = regexp.MustCompile(`(?m)"?(openapi|swagger)"?\s*:\s*["']?[23]\.`)
	traces      = regexp.MustCompile(`goroutine \d+ \[|Traceback \(most recent call last\)|\bat [\w$.<>]+\([\w$]+\.(java|kt|scala):\d+\)|Exception in thread|\.go:\d+|File ".+\.py", line \d+|SQLSTATE|syntax error at or near|\bORA-\d{5}|System\.\w+Exception|node_modules/|\.(js|ts):\d+:\d+|\.rb:\d+:in|\.php on line \d+|panicked at`)
)

// hidden is a file that nobody is to see, and how it is known.
type hidden struct {
	path  string
	known func(wire.Answer) bool
}

func begins(with ...string) func(wire.Answer) bool {
	return func(a wire.Answer) bool {
		for _, w := range with {
			if strings.HasPrefix(a.Body, w) {
				return true
			}
		}
		return false
	}
}

func contains(what ...string) func(wire.Answer) bool {
	return func(a wire.Answer) bool {
		for _, w := range what {
			if strings.Contains(a.Body, w) {
				return true
			}
		}
		return false
	}
}

func matches(re *regexp.Regexp) func(wire.Answer) bool {
	return func(a wire.Answer) bool { return re.MatchString(a.Body) }
}

// exposureChecks look for what was left lying about. A file is known by what is
// in it: many services answer 200 to everything.
func exposureChecks() []Check { //nolint:funlen // a table: each check is data and a small judge
	return []Check{
		{
			ID: 32, Group: Exposure, Name: "files of developers can be read", Standard: "ASVS 13.4.1, 13.4.7, WSTG-CONF-04",
			Advice: "leave repositories, settings and backups out of the image, or out of what is served",
			Probes: func(s Site) []Probe { return append(probesOf(files()), copies(s)...) },
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if p.What == "copy" && a.OK() && !x.Nowhere().OK() && !a.Document() && !a.Same(x.Plain(strings.TrimRight(strings.TrimSuffix(p.Where, ".bak"), "~"))) {
					return found("%s can be read", p.Where)
				}
				return shown(files(), x, p, a, "can be read")
			},
		},
		{
			ID: 33, Group: Exposure, Name: "directories are listed", Standard: "ASVS 13.4.3, WSTG-CONF-04", Advice: "turn the listing of directories off",
			Probes: func(s Site) []Probe {
				at := s.paths()
				for i, p := range at {
					at[i] = path.Dir(p) + "/"
				}
				return each(append(at, "/", "/static/", "/assets/", "/files/", "/uploads/"), func(p string) []Probe {
					p = "/" + strings.TrimLeft(p, "/")
					return []Probe{{Where: p, Request: wire.Get(p)}}
				})
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && listing.MatchString(a.Body) {
					return found("%s lists what is in it", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 34, Group: Exposure, Name: "debug endpoints can be reached", Standard: "ASVS 13.4.2, 13.4.5, WSTG-CONF-05",
			Advice: "serve it on another port, or add it to publicPaths where everyone may see it",
			Probes: func(Site) []Probe { return probesOf(endpoints()) },
			Judge:  func(x *Exam, p Probe, a wire.Answer) Say { return shown(endpoints(), x, p, a, "can be reached") },
		},
		{
			ID: 35, Group: Exposure, Name: "GraphQL tells its schema", Standard: "ASVS 4.3.2, WSTG-APIT-01", Advice: "turn introspection off",
			Probes: func(Site) []Probe {
				const ask = "{__schema{queryType{name}}}"
				return each([]string{"/graphql", "/api/graphql", "/query"}, func(p string) []Probe {
					return []Probe{
						{Where: p, Request: wire.Get(p + "?query=%7B__schema%7BqueryType%7Bname%7D%7D%7D")},
						{Where: p, Request: wire.Post(p, `{"query":"`+ask+`"}`)}, // a question, though it is a POST
					}
				})
			},
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if a.OK() && strings.Contains(a.Body, `"__schema"`) && strings.Contains(a.Body, `"queryType"`) && !x.public(p.Where) {
					return found("%s tells its schema", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 36, Group: Exposure, Name: "errors tell how the service is made", Standard: "ASVS 16.5.1, WSTG-ERRH-01, WSTG-ERRH-02", Advice: "answer errors with a sentence of your own, and keep traces in the log",
			Probes: mistakes,
			Hangs:  true,
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if traces.MatchString(a.Body) {
					return found("%s answers %s with a trace of its code", p.Where, p.What)
				}
				return Say{}
			},
		},
	}
}

func files() []hidden {
	return []hidden{
		{"/.git/HEAD", begins("ref: ")},
		{"/.git/config", begins("[core]")},
		{"/.svn/entries", begins("12\n", "10\n", "9\n", "8\n")},
		{"/.svn/wc.db", begins("SQLite format")},
		{"/.env", func(a wire.Answer) bool { return settings.MatchString(a.Body) && !a.Document() }},
		{"/backup.zip", begins("PK\x03\x04")},
		{"/backup.tar.gz", begins("\x1f\x8b")},
		{"/backup.sql", matches(dump)},
		{"/dump.sql", matches(dump)},
	}
}

func endpoints() []hidden {
	return []hidden{
		{"/debug/pprof/", contains("full goroutine stack dump", "/debug/pprof/goroutine", "Types of profiles available")},
		{"/debug/vars", contains(`"cmdline"`)},
		{"/actuator", contains(`"_links"`)},
		{"/actuator/env", contains(`"propertySources"`)},
		{"/metrics", func(a wire.Answer) bool {
			return strings.Contains(a.Body, "# TYPE ") || strings.Contains(a.Body, "# HELP ")
		}},
		{"/openapi.json", matches(description)},
		{"/swagger.json", matches(description)},
		{"/v3/api-docs", matches(description)},
		{"/openapi.yaml", matches(description)},
		{"/server-status", contains("Apache Server Status")},
	}
}

// copies are what editors leave beside a path.
func copies(s Site) []Probe {
	return each(s.paths(), func(p string) []Probe {
		if strings.HasSuffix(p, "/") {
			return nil
		}
		return []Probe{{Where: p + ".bak", What: "copy", Request: wire.Get(p + ".bak")}, {Where: p + "~", What: "copy", Request: wire.Get(p + "~")}}
	})
}

func probesOf(all []hidden) []Probe {
	probes := make([]Probe, len(all))
	for i, h := range all {
		probes[i] = Probe{Where: h.path, Request: wire.Get(h.path)}
	}
	return probes
}

func shown(all []hidden, x *Exam, p Probe, a wire.Answer, how string) Say {
	for _, h := range all {
		if h.path == p.Where && a.OK() && h.known(a) && !x.public(h.path) {
			return found("%s %s", h.path, how)
		}
	}
	return Say{}
}

// mistakes are requests that a service must not understand.
func mistakes(s Site) []Probe {
	all := each(s.paths(), func(p string) []Probe {
		return []Probe{
			{Where: p, What: "values of a wrong type", Request: wire.Get(query(p, "%27%22%3C%00NaN", "id", "limit", "page", "q", "sort", "from"))},
			{Where: p, What: "a very long value", Request: wire.Get(p + "?id=" + strings.Repeat("9", 6000))},
			{Where: p, What: "a broken escape", Request: wire.Get(p + "?id=%zz")},
		}
	})
	return append(all, each(s.writable(), func(p string) []Probe {
		return []Probe{
			{Where: p, What: "malformed JSON", Request: wire.Post(p, `{"signalProbe":`)},
			{Where: p, What: "JSON of a wrong type", Request: wire.Post(p, `[[null]]`)},
		}
	})...)
}

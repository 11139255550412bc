package catalogue

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

const yearSeconds = 31536000

var (
	digit   = regexp.MustCompile(`\d`)
	maxAge  = regexp.MustCompile(`(?i)max-age="?(\d+)`)
	session = regexp.MustCompile(`(?i)(^|[._-])(j?sess(ion)?(id)?|phpsessid|sid|auth|token)($|[._-])|session|^connect\.sid$`)
)

// headerChecks look at plain answers: they cost no request of their own.
func headerChecks() []Check {
	return slices.Concat(transportChecks(), pageChecks(), contentChecks())
}

// transportChecks are about any answer.
func transportChecks() []Check {
	return []Check{
		header(16, "no Strict-Transport-Security of a year", "ASVS 3.4.1", "send Strict-Transport-Security: max-age=31536000; includeSubDomains, or disable this check where a Gateway adds it", anything,
			func(a wire.Answer) string {
				age := maxAge.FindStringSubmatch(a.Get("Strict-Transport-Security"))
				if len(age) == 2 {
					if n, err := strconv.Atoi(age[1]); err == nil && n >= yearSeconds {
						return ""
					}
				}
				return "has no Strict-Transport-Security of a year"
			}),
		header(17, "the type of an answer may be guessed", "ASVS 3.4.4", "send X-Content-Type-Options: nosniff", anything,
			func(a wire.Answer) string {
				return unless(strings.EqualFold(a.Get("X-Content-Type-Options"), "nosniff"), "has no X-Content-Type-Options: nosniff")
			}),
	}
}

// pageChecks are about what browsers show.
func pageChecks() []Check {
	return []Check{
		header(18, "a page may load what it likes", "ASVS 3.4.3", "send Content-Security-Policy with object-src 'none' and base-uri 'none' or 'self'", wire.Answer.Document,
			func(a wire.Answer) string {
				csp := policy(a)
				objects := slices.Equal(csp["object-src"], []string{"'none'"}) || csp["object-src"] == nil && slices.Equal(csp["default-src"], []string{"'none'"})
				base := csp["base-uri"]
				return unless(objects && (slices.Equal(base, []string{"'none'"}) || slices.Equal(base, []string{"'self'"})), "has no Content-Security-Policy that limits object-src and base-uri")
			}),
		header(19, "a page may be framed", "ASVS 3.4.6, WSTG-CLNT-09", "send Content-Security-Policy with frame-ancestors", wire.Answer.Document,
			func(a wire.Answer) string {
				by := policy(a)["frame-ancestors"]
				return unless(len(by) > 0 && !slices.Contains(by, "*"), "has no Content-Security-Policy that limits frame-ancestors")
			}),
		header(20, "a page tells others where people come from", "ASVS 3.4.5", "send Referrer-Policy: no-referrer or strict-origin-when-cross-origin", wire.Answer.Document,
			func(a wire.Answer) string {
				lines := strings.Split(a.Get("Referrer-Policy"), ",")
				last := strings.TrimSpace(lines[len(lines)-1])
				return unless(last != "" && last != "unsafe-url" && last != "no-referrer-when-downgrade", "has no Referrer-Policy that keeps paths from others")
			}),
		header(21, "a page shares its window", "ASVS 3.4.8", "send Cross-Origin-Opener-Policy: same-origin", wire.Answer.Document,
			func(a wire.Answer) string {
				return unless(strings.HasPrefix(a.Get("Cross-Origin-Opener-Policy"), "same-origin"), "has no Cross-Origin-Opener-Policy: same-origin")
			}),
	}
}

// contentChecks are about what answers tell.
func contentChecks() []Check {
	return []Check{
		header(22, "an answer does not say its type or charset", "ASVS 4.1.1", "send Content-Type with every body, with a charset for text and XML", func(a wire.Answer) bool { return a.Body != "" },
			func(a wire.Answer) string {
				media := a.Media()
				text := strings.HasPrefix(media, "text/") && media != "text/event-stream" || strings.HasSuffix(media, "+xml") || media == "application/xml"
				if media == "" {
					return "has a body without a Content-Type"
				}
				return unless(!text || strings.Contains(strings.ToLower(a.Get("Content-Type")), "charset="), "is "+media+" without a charset")
			}),
		header(23, "an answer tells the version of its software", "ASVS 13.4.6, WSTG-INFO-02", "leave versions out of Server and X-Powered-By", anything,
			func(a wire.Answer) string {
				for _, name := range []string{"Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "X-Generator"} {
					if digit.MatchString(a.Get(name)) {
						return "tells a version in " + name
					}
				}
				return ""
			}),
		header(24, "a cookie lacks Secure, HttpOnly or SameSite", "WSTG-SESS-02, ASVS 3.3.1", "set cookies with Secure, HttpOnly and SameSite", anything, lax),
		{
			ID: 25, Group: Headers, Name: "an answer for one user may be cached", Standard: "ASVS 14.3.2, WSTG-ATHN-06",
			Advice: "send Cache-Control: no-store with answers that need credentials",
			Needs: func(s Site) string {
				return unless(s.Users.A != "" && len(s.Spec.ProtectedPaths) > 0, "users or protectedPaths are absent")
			},
			Probes: func(s Site) []Probe { return as(s, s.Users.A, s.protected()...) },
			Judge:  private,
		},
	}
}

// private says whether an answer to one user is kept from others.
func private(_ *Exam, p Probe, a wire.Answer) Say {
	switch {
	case !a.OK():
		return open("userA was answered with %d at %s", a.Status, p.Where)
	case a.Has("Cache-Control", "no-store"), a.Has("Cache-Control", "no-cache"), a.Has("Cache-Control", "private"):
		return Say{}
	}
	return found("%s may be cached though it was for userA alone", p.Where)
}

func anything(wire.Answer) bool { return true }

// header is a check of what answers have in their heads; lacks says what one
// lacks.
func header(id int32, name, standard, advice string, of func(wire.Answer) bool, lacks func(wire.Answer) string) Check {
	return Check{
		ID: id, Group: Headers, Name: name, Standard: standard, Advice: advice, Probes: get,
		Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
			if !of(a) || lacks(a) == "" {
				return Say{}
			}
			return found("%s %s", p.Where, lacks(a))
		},
	}
}

// policy is the content security policy by directive; of several, what the
// last says of one.
func policy(a wire.Answer) map[string][]string {
	all := map[string][]string{}
	for _, line := range a.Header.Values("Content-Security-Policy") {
		for part := range strings.SplitSeq(line, ";") {
			words := strings.Fields(strings.ToLower(part))
			if len(words) > 0 {
				all[words[0]] = words[1:]
			}
		}
	}
	return all
}

// lax names the first cookie that is less closed than it can be. Scripts must
// read the cookies against forged requests.
func lax(a wire.Answer) string {
	for _, c := range cookies(a) {
		name := strings.ToLower(c.Name)
		switch {
		case !c.Secure:
			return "sets a cookie without Secure: " + plainName(c.Name)
		case !c.HttpOnly && !strings.Contains(name, "csrf") && !strings.Contains(name, "xsrf"):
			return "sets a cookie without HttpOnly: " + plainName(c.Name)
		case c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode:
			return "sets a cookie without SameSite: " + plainName(c.Name)
		}
	}
	return ""
}

func cookies(a wire.Answer) []*http.Cookie {
	return (&http.Response{Header: a.Header}).Cookies()
}

// plainName is a cookie's name, unless it might be more than one.
func plainName(name string) string {
	if len(name) > 40 {
		return "one with a long name"
	}
	return name
}

// as is each path called by a user.
func as(_ Site, authorization string, paths ...string) []Probe {
	return each(paths, func(path string) []Probe {
		return []Probe{{Where: path, Request: wire.Get(path, wire.Header{Name: headAuth, Value: authorization})}}
	})
}

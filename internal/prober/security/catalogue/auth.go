package catalogue

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/signal-delivery/operator/internal/prober/security/token"
	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

const (
	keysPath    = "/.well-known/jwks.json"
	loginsTried = 20 // that fail, after which a service must refuse to look
	planted     = "signalprobe0000000000000000000000"
)

var defaults = [][2]string{{"admin", "admin"}, {"admin", "password"}, {"root", "root"}, {"test", "test"}, {"guest", "guest"}}

// authChecks ask who is let in.
func authChecks() []Check {
	return slices.Concat(doorChecks(), tokenChecks(), userChecks(), passwordChecks())
}

// doorChecks try to get in.
func doorChecks() []Check {
	return []Check{
		{
			ID: 47, Group: Auth, Name: "a protected path opens without credentials", Standard: "WSTG-ATHN-04, ASVS 8.3.1", Advice: "ask for credentials before anything else, and refuse those that cannot be read",
			Needs: needsProtected,
			Probes: func(s Site) []Probe {
				return each(s.protected(), func(path string) []Probe {
					values := []string{"", "Bearer", "Bearer null", "Bearer x", "Basic !!!", "Digest"}
					all := make([]Probe, len(values), len(values)+1)
					for i, value := range values {
						all[i] = Probe{Where: path, What: "with credentials that are none", Request: wire.Get(path, wire.Header{Name: headAuth, Value: value})}
					}
					return append(all, Probe{Where: path, What: "without credentials", Request: wire.Get(path)})
				})
			},
			Judge: opens,
		},
	}
}

// tokenChecks bring tokens that nobody has issued.
func tokenChecks() []Check {
	return []Check{
		{
			ID: 48, Group: Auth, Name: "a forged token is taken", Standard: "ASVS 9.1.2, WSTG-SESS-10", Advice: "accept one algorithm and keys of your own, and check signature, expiry and audience",
			Needs: needsProtected,
			Probes: func(s Site) []Probe {
				return append(tokens(s), Probe{Where: keysPath, What: "keys", Request: wire.Get(keysPath)})
			},
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				if p.What == "keys" || x.Plain(p.Where).OK() { // check 47 tells
					return Say{}
				}
				return opens(x, p, a)
			},
			Then: func(x *Exam) []Probe {
				forged := token.Confused(x.Plain(keysPath).Body)
				all := make([]Probe, min(len(forged), 2))
				for i := range all {
					all[i] = Probe{Where: x.protected()[0], What: "with a token signed by a public key", Request: bearer(x.protected()[0], forged[i])}
				}
				return all
			},
			More: func(Site) int { return 2 },
		},
	}
}

// userChecks go where one user may and another may not.
func userChecks() []Check {
	return []Check{
		{
			ID: 49, Group: Auth, Name: "one user sees what is another's", Standard: "WSTG-ATHZ-04, ASVS 8.2.2", Advice: "check who owns an object, not only who asks",
			Needs: needsUser(func(s Site) bool { return s.users().OwnedPath != "" && s.Users.A != "" && s.Users.B != "" }, "users.ownedPath or a user"),
			Probes: func(s Site) []Probe {
				path := string(s.users().OwnedPath)
				return append(as(s, s.Users.A, path), as(s, s.Users.B, path)...)
			},
			Whole: func(x *Exam, answers []wire.Answer) []Say {
				path := x.users().OwnedPath
				switch {
				case !answers[0].OK():
					return []Say{open("userA was answered with %d at %s, which is userA's", answers[0].Status, path)}
				case answers[1].OK():
					return []Say{found("%s, which is userA's, was shown to userB", path)}
				}
				return nil
			},
		},
		{
			ID: 50, Group: Auth, Name: "a user may do what is for administrators", Standard: "WSTG-ATHZ-02, ASVS 8.2.1", Advice: "check on the server what a user may do",
			Needs:  needsUser(func(s Site) bool { return s.users().AdminPath != "" && s.Users.A != "" }, "users.adminPath or userA"),
			Probes: func(s Site) []Probe { return as(s, s.Users.A, string(s.users().AdminPath)) },
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.OK() {
					return found("%s was shown to userA", p.Where)
				}
				return Say{}
			},
		},
		{
			ID: 51, Group: Auth, Name: "a session may be chosen by someone else", Standard: "WSTG-SESS-03, ASVS 7.2.4", Advice: "replace a session that you did not issue, and every session at login",
			Probes: get, Then: fixations, More: func(s Site) int { return len(s.paths()) },
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if p.What == "" {
					return Say{}
				}
				for _, c := range cookies(a) {
					if c.Name == p.What && c.Value != planted {
						return Say{}
					}
				}
				return found("%s keeps a session that it did not issue, in cookie %s", p.Where, plainName(p.What))
			},
		},
	}
}

// passwordChecks guess.
func passwordChecks() []Check {
	return []Check{
		{
			ID: 52, Group: Auth, Name: "well-known credentials are taken", Standard: "WSTG-ATHN-02, ASVS 6.3.2", Advice: "remove the accounts that came with the software",
			Needs: func(s Site) string {
				return unless(len(s.Spec.ProtectedPaths) > 0 || s.users().LoginPath != "", "protectedPaths and users.loginPath are absent")
			},
			Probes: wellKnown,
			Judge:  known,
		},
		{
			ID: 53, Group: Auth, Name: "passwords may be guessed without end", Standard: "WSTG-ATHN-03, WSTG-BUSL-05, ASVS 6.3.1", Advice: "answer 429 after a few logins that fail",
			Needs: needsLogin,
			Probes: func(s Site) []Probe {
				all := make([]Probe, loginsTried)
				for i := range all {
					all[i] = Probe{Where: string(s.users().LoginPath), Request: login(s, "signal-probe", "guess-"+strconv.Itoa(i))}
				}
				return all
			},
			Whole: func(x *Exam, answers []wire.Answer) []Say {
				for _, a := range answers {
					if a.Status == 429 || a.Status == 423 {
						return nil
					}
				}
				return []Say{found("%s looked at %d logins that failed", x.users().LoginPath, loginsTried)}
			},
		},
	}
}

func needsUser(has func(Site) bool, what string) func(Site) string {
	return func(s Site) string { return unless(has(s), what+" is absent") }
}

func opens(_ *Exam, p Probe, a wire.Answer) Say {
	if a.OK() {
		return found("%s was opened %s", p.Where, p.What)
	}
	return Say{}
}

// known says whether well-known credentials were taken.
func known(x *Exam, p Probe, a wire.Answer) Say {
	switch {
	case p.What == "basic" && a.OK() && !x.Plain(p.Where).OK():
		return found("%s opens with well-known credentials", p.Where)
	case p.What != "login":
		return Say{}
	}
	nobody := x.Session.Known(login(x.Site, "signal-probe", x.Nonce))
	if (a.OK() || a.Redirects()) && (a.Status != nobody.Status || a.Get("Location") != nobody.Get("Location")) {
		return found("%s takes well-known credentials", p.Where)
	}
	return Say{}
}

func bearer(path, text string) wire.Request {
	return wire.Get(path, wire.Header{Name: headAuth, Value: "Bearer " + text})
}

// tokens are all forgeries, and tokens that were good once or elsewhere.
func tokens(s Site) []Probe {
	return each(s.protected(), func(path string) []Probe {
		var all []Probe
		for _, f := range token.Forgeries(s.Users.A) {
			all = append(all, Probe{Where: path, What: "with a token of " + f.What, Request: bearer(path, f.Token)})
		}
		if s.Users.Expired != "" {
			all = append(all, Probe{Where: path, What: "with a token that has expired", Request: wire.Get(path, wire.Header{Name: headAuth, Value: s.Users.Expired})})
		}
		if s.Users.OtherAudience != "" {
			all = append(all, Probe{Where: path, What: "with a token for another audience", Request: wire.Get(path, wire.Header{Name: headAuth, Value: s.Users.OtherAudience})})
		}
		return all
	})
}

// fixations bring a session that someone else has chosen, where the service
// issues one.
func fixations(x *Exam) []Probe {
	return each(x.paths(), func(path string) []Probe {
		for _, c := range cookies(x.Plain(path)) {
			if session.MatchString(c.Name) {
				return []Probe{{Where: path, What: c.Name, Request: wire.Get(path, wire.Header{Name: "Cookie", Value: c.Name + "=" + planted})}}
			}
		}
		return nil
	})
}

func wellKnown(s Site) []Probe {
	var all []Probe
	for _, pair := range defaults {
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(pair[0]+":"+pair[1]))
		for _, p := range as(s, basic, s.protected()...) {
			p.What = "basic"
			all = append(all, p)
		}
	}
	if path := string(s.users().LoginPath); path != "" {
		all = append(all, Probe{Where: path, What: "nobody", Request: login(s, "signal-probe", s.Nonce)})
		for _, pair := range defaults {
			all = append(all, Probe{Where: path, What: "login", Request: login(s, pair[0], pair[1])})
		}
	}
	return all
}

func login(s Site, name, password string) wire.Request {
	return wire.Post(string(s.users().LoginPath), `{"username":"`+name+`","password":"`+password+`"}`)
}

package leaks

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

// Channels by which secrets are sent.
const (
	inAuthorization = "Authorization"
	inAPIKey        = "X-Api-Key" //nolint:gosec // the name of a place, not what is put there
	inCookie        = "Cookie"
	inQuery         = "the query"
	inUserAgent     = "User-Agent"
	inReferer       = "Referer"
	inBaggage       = "Baggage"
	inPath          = "the path"
	inUnknownPath   = "a path that does not exist"
	inLongHeader    = "a header that is too long"
	inPassword      = "the JSON field password" //nolint:gosec // the name of a place, not what is put there
	inToken         = "the JSON field token"    //nolint:gosec // the name of a place, not what is put there
	inSecret        = "the JSON field secret"   //nolint:gosec // the name of a place, not what is put there
	inSSN           = "the JSON field ssn"
	inBrokenJSON    = "malformed JSON"
	inForm          = "a form"
	inFileName      = "the name of a file"
)

// overlong is more than proxies and servers take of a header by default, but
// for Go's.
const overlong = 70 << 10

// shape is one request that carries secrets of one class.
type shape struct {
	channels []string
	make     func(path string, s func(channel string) fake.Secret) wire.Request
}

var (
	onPaths = []shape{
		{[]string{inAuthorization, inAPIKey, inCookie, inQuery, inUserAgent, inReferer, inBaggage}, headers},
		{[]string{inPath}, func(path string, s func(string) fake.Secret) wire.Request {
			return wire.Get(strings.TrimSuffix(path, "/") + "/" + url.PathEscape(s(inPath).Text))
		}},
	}
	onWritePaths = []shape{
		{[]string{inPassword, inToken, inSecret, inSSN}, fields},
		{[]string{inBrokenJSON}, func(path string, s func(string) fake.Secret) wire.Request {
			return wire.Post(path, `{"token":`+quoted(s(inBrokenJSON).Text)+`,"amount":`)
		}},
		{[]string{inForm}, func(path string, s func(string) fake.Secret) wire.Request {
			return posted(path, "application/x-www-form-urlencoded", "user=fake&password="+url.QueryEscape(s(inForm).Text))
		}},
		{[]string{inFileName}, func(path string, s func(string) fake.Secret) wire.Request {
			name := strings.NewReplacer("\\", "\\\\", `"`, "\\\"").Replace(s(inFileName).Line())
			return posted(path, "multipart/form-data; boundary=fake",
				"--fake\r\nContent-Disposition: form-data; name=\"file\"; filename=\""+name+"\"\r\nContent-Type: text/plain\r\n\r\nfake\r\n--fake--\r\n")
		}},
	}
	once = []shape{
		{[]string{inUnknownPath}, func(_ string, s func(string) fake.Secret) wire.Request {
			return wire.Get("/signal-operator-nowhere/" + url.PathEscape(s(inUnknownPath).Text))
		}},
		{[]string{inLongHeader}, func(_ string, s func(string) fake.Secret) wire.Request {
			return wire.Get("/", wire.Header{Name: "X-Forwarded-Token", Value: s(inLongHeader).Line() + "," + strings.Repeat("a", overlong)})
		}},
	}
)

// headers carry what credentials are sent in, and what is often logged.
func headers(path string, s func(string) fake.Secret) wire.Request {
	return wire.Get(path+"?token="+url.QueryEscape(s(inQuery).Text),
		wire.Header{Name: "Authorization", Value: authorization(s(inAuthorization))},
		wire.Header{Name: "X-Api-Key", Value: s(inAPIKey).Line()},
		wire.Header{Name: "Cookie", Value: "session=" + url.QueryEscape(s(inCookie).Text)},
		wire.Header{Name: "User-Agent", Value: wire.UserAgent + " (" + s(inUserAgent).Line() + ")"},
		wire.Header{Name: "Referer", Value: "https://fake.example.com/?token=" + url.QueryEscape(s(inReferer).Text)},
		wire.Header{Name: "Baggage", Value: "token=" + url.QueryEscape(s(inBaggage).Text)},
	)
}

// authorization is basic for what has a user, as it would be sent.
func authorization(s fake.Secret) string {
	if s.Class == "BasicAuthURL" {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("fake:"+s.Lead+s.Body))
	}
	return "Bearer " + s.Line()
}

func fields(path string, s func(string) fake.Secret) wire.Request {
	return wire.Post(path, `{"password":`+quoted(s(inPassword).Text)+`,"token":`+quoted(s(inToken).Text)+
		`,"secret":`+quoted(s(inSecret).Text)+`,"ssn":`+quoted(s(inSSN).Text)+`}`)
}

func posted(path, media, body string) wire.Request {
	return wire.Request{Method: "POST", Path: path, Body: body, Headers: []wire.Header{{Name: "Content-Type", Value: media}}}
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic("leaks: quote a text: " + err.Error()) // text always encodes
	}
	return string(b)
}

// planting is a request, and what it carries.
type planting struct {
	shape shape
	class fake.Class
	path  string
}

// site is which shapes go to which paths.
type site struct {
	shapes []shape
	paths  []v1alpha1.ProbedPath
}

func sites(spec v1alpha1.LeaksSpec) []site {
	return []site{{onPaths, spec.Paths}, {onWritePaths, spec.WritePaths}, {once, []v1alpha1.ProbedPath{"/"}}}
}

// plantings are all requests.
func plantings(spec v1alpha1.LeaksSpec) []planting {
	var all []planting
	for _, class := range fake.Classes() {
		for _, on := range sites(spec) {
			for _, path := range on.paths {
				for _, shape := range on.shapes {
					all = append(all, planting{shape, class, string(path)})
				}
			}
		}
	}
	return all
}

// channels are those that secrets are sent by.
func channels(spec v1alpha1.LeaksSpec) []string {
	var all []string
	for _, on := range sites(spec) {
		for _, shape := range on.shapes {
			if len(on.paths) > 0 {
				all = append(all, shape.channels...)
			}
		}
	}
	return all
}

// Requests is how many requests are sent, with the one that knocks.
func Requests(spec v1alpha1.LeaksSpec) int { return 1 + len(plantings(spec)) }

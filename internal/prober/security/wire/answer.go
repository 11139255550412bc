package wire

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// Answer is what came back.
type Answer struct {
	Status  int // 0 when there was none
	Header  http.Header
	Body    string
	Answers int  // on the connection
	Closed  bool // by the server, without an answer
	Late    bool // nothing came in time, or nothing more

	Shake *tls.ConnectionState // of a handshake that came to an end
	Fault error                // that ended it
}

// OK reports whether the request was done.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Redirects reports whether the answer points elsewhere.
func (a Answer) Redirects() bool { return a.Status >= 300 && a.Status < 400 && a.Get("Location") != "" }

// Get is the first header of that name.
func (a Answer) Get(name string) string { return a.Header.Get(name) }

// Has reports whether a header that is a list has the item.
func (a Answer) Has(name, item string) bool {
	for _, line := range a.Header.Values(name) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), item) {
				return true
			}
		}
	}
	return false
}

// Media is the type of the body, without its parameters.
func (a Answer) Media() string {
	media, _, err := mime.ParseMediaType(a.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// Document reports whether a browser shows the body as a page.
func (a Answer) Document() bool {
	switch a.Media() {
	case "text/html", "application/xhtml+xml":
		return true
	case "":
		return strings.Contains(strings.ToLower(a.Body), "<html")
	}
	return false
}

// Same reports whether two answers say the same.
func (a Answer) Same(b Answer) bool { return a.Status == b.Status && a.Body == b.Body }

// Sum stands for the answer where it must not be repeated. What differs each
// time, such as its date, is left out.
func (a Answer) Sum() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %t %t", a.Status, a.Get("Content-Type"), a.Body, a.Closed, a.Late))
	return fmt.Sprintf("%x", sum[:8])
}

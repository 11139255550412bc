// Package wire sends the requests of security checks byte by byte, as no client
// library would: to one address, never where an answer points, so many at most
// and no faster than allowed. It judges nothing.
package wire

import (
	"strconv"
	"strings"
)

// UserAgent of every request.
const UserAgent = "signal-operator-security"

// Header is a header as it is written.
type Header struct{ Name, Value string }

// Request is what is sent. Nothing of it is escaped or checked.
type Request struct {
	Method  string // GET when empty
	Path    string
	Host    string // in place of the service's
	Headers []Header
	Body    string
	Declare int  // Content-Length, in place of the body's
	Fill    int  // bytes of which the body is, after Body
	Patient bool // it is waited for until the server has had enough
	Cut     bool // the head does not end
	Twice   bool // a second answer is waited for, on the same connection
}

// Get is a plain request.
func Get(path string, headers ...Header) Request { return Request{Path: path, Headers: headers} }

// Post is a request with a JSON body.
func Post(path, body string, headers ...Header) Request {
	return Request{Method: "POST", Path: path, Body: body, Headers: append([]Header{{"Content-Type", "application/json"}}, headers...)}
}

// head is the request as it is written, without the bytes that fill it.
func (r Request) head(host, release string) string {
	var b strings.Builder
	method := r.Method
	if method == "" {
		method = "GET"
	}
	if r.Host != "" {
		host = r.Host
	}
	b.WriteString(method + " " + r.Path + " HTTP/1.1\r\nHost: " + host + "\r\n")
	if !r.has("User-Agent") {
		b.WriteString("User-Agent: " + UserAgent + "\r\n")
	}
	b.WriteString("X-Signal-Synthetic: " + release + "\r\n")
	if !r.has("Connection") && !r.Twice {
		b.WriteString("Connection: close\r\n")
	}
	for _, h := range r.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	length := len(r.Body) + r.Fill
	if r.Declare > 0 {
		length = r.Declare
	}
	if length > 0 && !r.has("Content-Length") {
		b.WriteString("Content-Length: " + strconv.Itoa(length) + "\r\n")
	}
	if r.Cut {
		return b.String()
	}
	return b.String() + "\r\n" + r.Body
}

func (r Request) has(name string) bool {
	for _, h := range r.Headers {
		if strings.EqualFold(strings.TrimSpace(h.Name), name) {
			return true
		}
	}
	return false
}

package weak

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Flaw is what is wrong with a service.
type Flaw struct {
	Wrap    func(http.Handler) http.Handler
	Server  func(*http.Server)
	TLS     func(*tls.Config)
	Lenient bool    // it understands what is no HTTP
	Also    []int32 // checks that see it, too
}

// Serve runs the service with a flaw, or none, and returns its address.
func Serve(t testing.TB, flaw Flaw) string {
	t.Helper()
	handler := Hardened()
	if flaw.Wrap != nil {
		handler = flaw.Wrap(handler)
	}
	if flaw.Lenient {
		return lenient(t, handler)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ReadHeaderTimeout, server.Config.ReadTimeout = time.Second, time.Second+500*time.Millisecond
	server.Config.ErrorLog = quiet
	if flaw.Server != nil {
		flaw.Server(server.Config)
	}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.Listener.Addr().String()
}

// ServeTLS runs the service with TLS, and a flaw or none, and returns its
// address and who may have signed its certificate.
func ServeTLS(t testing.TB, flaw Flaw) (string, *x509.CertPool) {
	t.Helper()
	one, pool := good()
	config := &tls.Config{Certificates: []tls.Certificate{one}, RootCAs: pool, MinVersion: tls.VersionTLS12}
	if flaw.TLS != nil {
		flaw.TLS(config)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: Hardened(), ErrorLog: quiet, ReadHeaderTimeout: time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String(), config.RootCAs
}

// lenient is a server that takes everything for a request: control characters,
// two lengths, spaces before colons. It goes by Content-Length, whatever the
// transfer coding, and keeps the connection.
func lenient(t testing.TB, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go converse(conn, handler)
		}
	}()
	return listener.Addr().String()
}

func converse(conn net.Conn, handler http.Handler) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // it is a bound for the test
	in := bufio.NewReader(conn)
	for {
		request, last, ok := understand(in)
		if !ok {
			return
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		result := answer.Result()
		result.ContentLength, result.ProtoMajor, result.ProtoMinor = int64(answer.Body.Len()), 1, 1
		if err := result.Write(conn); err != nil || last {
			return
		}
	}
}

// understand makes a request of what is read.
func understand(in *bufio.Reader) (r *http.Request, last, ok bool) {
	first, err := in.ReadString('\n')
	parts := strings.Fields(first)
	if err != nil || len(parts) != 3 {
		return nil, false, false
	}
	header, length := http.Header{}, 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, false, false
		}
		name, value, found := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !found {
			break
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		header.Set(name, value)
		length, _ = strconv.Atoi(header.Get("Content-Length"))
	}
	body := make([]byte, length)
	io.ReadFull(in, body)                                                                        //nolint:errcheck // it is lenient
	r, err = http.NewRequest(parts[0], "http://"+Host+parts[1], strings.NewReader(string(body))) //nolint:noctx // it goes nowhere
	if err != nil {
		return nil, false, false
	}
	r.RequestURI, r.Host = parts[1], header.Get("Host")
	r.Header = header
	return r, header.Get("Connection") == "close", true
}

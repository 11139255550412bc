// Package signals measures what it costs to hear signals: the built-in source
// with 1, 10 and 50 releases under way, and the requests that a metric server
// gets from 50. Figures are counts and ratios of one run.
package signals

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// expose has this binary be the pods, in a process of its own, so that what
// they use is not counted.
const expose = "expose"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == expose {
		if err := serve(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	log.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// serve exposes metrics at n ports of an address, prints them, and ends with
// its input.
func serve(address, n string) error {
	count, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	bodies := [2][]byte{exposition(1), exposition(2)}
	var asked atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bodies[asked.Add(1)%2])
	})
	for range count {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0")) //nolint:noctx // it lives as long as the process
		if err != nil {
			return err
		}
		go func() { _ = http.Serve(l, handler) }()
		fmt.Println(l.Addr().(*net.TCPAddr).Port)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// exposition is some 300 series, as a service has them.
func exposition(seed int) []byte {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"route", "method", "code"})
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "How long answers took.", Buckets: prometheus.DefBuckets}, []string{"route"})
	r.MustRegister(c, h)
	for i := range 20 {
		route := fmt.Sprintf("/v1/signals/%d", i)
		h.WithLabelValues(route).Observe(float64(i*seed) / 100)
		c.WithLabelValues(route, "GET", "200").Add(float64(1000*seed + i))
	}
	families, err := r.Gather()
	if err != nil {
		panic(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	encoder := expfmt.NewEncoder(z, expfmt.NewFormat(expfmt.TypeProtoDelim))
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return packed.Bytes()
}

// pods begins n processes' worth of metrics, and answers with their address
// and ports.
func pods(b *testing.B, n int) (address string, ports []int32) {
	b.Helper()
	address = ownAddress(b)
	cmd := exec.CommandContext(b.Context(), os.Args[0], expose, address, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	end, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = end.Close()
		_ = cmd.Wait() // it may have been stopped by the context
	})
	for lines := bufio.NewScanner(out); len(ports) < n && lines.Scan(); {
		port, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 32)
		if err != nil {
			b.Fatal(err)
		}
		ports = append(ports, int32(port))
	}
	if len(ports) < n {
		b.Fatalf("%d of %d ports", len(ports), n)
	}
	return address, ports
}

// ownAddress is one of this machine that is not the loopback one, which no pod
// has.
func ownAddress(b *testing.B) string {
	b.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	b.Fatal("this machine has no address but the loopback one: give it a network, if only a dummy interface")
	return ""
}

package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
)

// plain makes the default resolution of subqueries one second.
const plain = "global: {evaluation_interval: 1s}\n"

// prometheusServer is a process of its own, on a free port of this machine,
// with a database of its own.
type prometheusServer struct {
	url     string
	dir     string
	process *exec.Cmd
}

// startPrometheus builds the server if it is not there yet, which takes minutes
// the first time, and waits until it is ready.
func startPrometheus(ctx context.Context, configuration string) (*prometheusServer, error) {
	find := exec.CommandContext(ctx, "go", "-C", filepath.Join("..", "..", "hack", "cluster"), "run", ".", "path", "prometheus")
	find.Stderr = os.Stderr // says what is being built
	path, err := find.Output()
	if err != nil {
		return nil, fmt.Errorf("build prometheus: %w", err)
	}
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &prometheusServer{dir: dir}
	if err := s.start(ctx, strings.TrimSpace(string(path)), configuration); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *prometheusServer) start(ctx context.Context, path, configuration string) error {
	config := filepath.Join(s.dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(configuration), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	cmd := exec.CommandContext(
		ctx, path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(s.dir, "data"), "--storage.tsdb.retention.time=100y",
		"--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver",
	)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	log, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("read the log of prometheus: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start prometheus: %w", err)
	}
	s.process = cmd
	return s.await(ctx, log)
}

var listening = regexp.MustCompile(`msg="Listening on".* address=(\S+)`)

// await reads in the log which port the server has, and that it is ready.
func (s *prometheusServer) await(ctx context.Context, log io.Reader) error {
	var words strings.Builder
	ready := false
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		fmt.Fprintln(&words, lines.Text())
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			s.url = "http://" + match[1]
		}
		ready = ready || strings.Contains(lines.Text(), "Server is ready to receive web requests")
		if ready && s.url != "" { // it says so in either order
			go func() { _, _ = io.Copy(io.Discard, log) }() // lest it waits for a reader
			return nil
		}
	}
	return fmt.Errorf("wait for prometheus: %w: it ended and said\n%s", errors.Join(lines.Err(), ctx.Err()), words.String())
}

// stop ends the process and removes what it wrote.
func (s *prometheusServer) stop() error {
	if s.process != nil {
		if err := syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop prometheus: %w", err)
		}
		_ = s.process.Wait() // it was killed, and says so
	}
	return os.RemoveAll(s.dir)
}

// write sends a batch by remote write, and requires the server to take it, or
// to refuse it if that is its lot.
func (s *prometheusServer) write(ctx context.Context, b batch) error {
	body, err := b.forPrometheus().Marshal()
	if err != nil {
		return fmt.Errorf("encode a write request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v1/write", bytes.NewReader(snappy(body)))
	if err != nil {
		return fmt.Errorf("make a write request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("write to prometheus: %w", err)
	}
	defer response.Body.Close()
	words, err := io.ReadAll(response.Body)
	if refused := response.StatusCode == http.StatusBadRequest; err != nil || refused != b.refused || !refused && response.StatusCode/100 != 2 {
		return fmt.Errorf("write to prometheus what it is to refuse: %t: %s: %s: %w", b.refused, response.Status, words, err)
	}
	return nil
}

// snappy is the block format without any compression: lengths and literals.
func snappy(b []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(len(b)))
	for len(b) > 0 {
		n := min(len(b), 1<<16)
		out = append(out, 61<<2, byte(n-1), byte((n-1)>>8)) // a literal whose length has two bytes
		out, b = append(out, b[:n]...), b[n:]
	}
	return out
}

func (b batch) forPrometheus() *prompb.WriteRequest {
	r := &prompb.WriteRequest{}
	at := b.at.UnixMilli()
	for _, s := range b.samples {
		ts := prompb.TimeSeries{}
		s.labels.Range(func(l labels.Label) {
			ts.Labels = append(ts.Labels, prompb.Label{Name: l.Name, Value: l.Value})
		})
		switch {
		case s.integer != nil:
			ts.Histograms = []prompb.Histogram{prompb.FromIntHistogram(at, s.integer)}
		case s.float != nil:
			ts.Histograms = []prompb.Histogram{prompb.FromFloatHistogram(at, s.float)}
		default:
			ts.Samples = []prompb.Sample{{Timestamp: at, Value: s.value}}
		}
		r.Timeseries = append(r.Timeseries, ts)
	}
	return r
}

// reply is how the server answers.
type reply struct {
	Error string          `json:"error"`
	Data  json.RawMessage `json:"data"`
}

// get asks the server's API.
func (s *prometheusServer) get(ctx context.Context, path string, parameters url.Values) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path+"?"+parameters.Encode(), http.NoBody)
	if err != nil {
		return reply{}, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	var a reply
	return a, json.NewDecoder(response.Body).Decode(&a)
}

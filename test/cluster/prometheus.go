package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// scrapes is the configuration of a Prometheus that scrapes the sample service
// of one namespace.
const scrapes = `global: {scrape_interval: %[1]s, scrape_timeout: %[2]s}
scrape_configs:
- job_name: pods
  kubernetes_sd_configs: [{role: pod, kubeconfig_file: %[3]q, namespaces: {names: [%[4]q]}}]
  relabel_configs:
  - {action: keep, source_labels: [__meta_kubernetes_pod_container_port_name], regex: http}
  - {action: drop, source_labels: [__meta_kubernetes_pod_phase], regex: "Pending|Succeeded|Failed"}
  - {action: labelmap, regex: "__meta_kubernetes_pod_label_(.+)"}
  - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
`

// StartPrometheus starts one more Prometheus on this machine, on that port, which scrapes the pods of one namespace. It is returned ready, by its URL, with
// what stops it again.
func (c *Cluster) StartPrometheus(ctx context.Context, port int, namespace string, interval time.Duration) (address string, stop func() error, err error) {
	host, _, err := net.SplitHostPort(c.TestRegistry)
	if err != nil {
		return "", nil, fmt.Errorf("find this machine's address in %q: %w", c.TestRegistry, err)
	}
	dir, err := os.MkdirTemp(c.Images, "prometheus-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for Prometheus: %w", err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(scrapes, interval, min(interval, 10*time.Second), os.Getenv("KUBECONFIG"), namespace)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", nil, fmt.Errorf("write the configuration of Prometheus: %w", err)
	}
	listen := net.JoinHostPort(host, strconv.Itoa(port))
	command := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+listen) //nolint:noctx // it is stopped, and waited for
	if err := command.Start(); err != nil {
		return "", nil, fmt.Errorf("start Prometheus: %w", err)
	}
	stop = func() error {
		problem := command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait() // it ends by the signal
		return problem
	}
	address = "http://" + listen
	if err := ready(ctx, address+"/-/ready"); err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return address, stop, nil
}

// ready waits until an address answers with 200.
func ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return fmt.Errorf("ask %s: %w", address, err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s does not become ready: %w", address, ctx.Err())
		}
	}
}

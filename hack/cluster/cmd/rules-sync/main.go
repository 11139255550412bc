// Command rules-sync stands in for the prometheus-operator, of which the
// cluster needs one thing: PrometheusRule objects become rule files. It runs
// beside Prometheus, watches the objects of all namespaces, and asks for a
// reload only when a file has changed. Objects that Prometheus does not accept
// are left out, so that one bad rule does not block the others.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	account  = "/var/run/secrets/kubernetes.io/serviceaccount/"
	resource = "/apis/monitoring.coreos.com/v1/prometheusrules"
	pause    = 200 * time.Millisecond // gathers changes that come together
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run follows the objects until it is told to stop.
func run() error {
	dir := flag.String("dir", "/rules", "folder for rule files")
	prometheus := flag.String("prometheus", "http://127.0.0.1:9090", "address to ask for a reload")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	api, err := newAPI()
	if err != nil {
		return err
	}
	files := &folder{dir: *dir, prometheus: *prometheus, refused: map[string]string{}}
	if err := files.clear(); err != nil {
		return err
	}
	for said := ""; ctx.Err() == nil; time.Sleep(pause) {
		problem := fmt.Sprint(follow(ctx, api, files))
		if problem != said && problem != fmt.Sprint(nil) {
			log.Print(problem) // once, not at every try
		}
		said = problem
	}
	return nil
}

// follow writes what there is and returns once something has changed.
func follow(ctx context.Context, api api, files *folder) error {
	rules, err := api.list(ctx)
	if err != nil {
		return fmt.Errorf("list PrometheusRules: %w", err)
	}
	if err := files.sync(ctx, rules.Items); err != nil {
		return fmt.Errorf("apply PrometheusRules: %w", err)
	}
	return api.watch(ctx, rules.Metadata.ResourceVersion)
}

// api is the part of the Kubernetes API that this needs.
type api struct {
	client *http.Client
	server string
}

type ruleList struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []prometheusRule `json:"items"`
}

func newAPI() (api, error) {
	roots, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return api{}, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	host := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return api{client: &http.Client{Transport: transport}, server: "https://" + host}, nil
}

func (a api) list(ctx context.Context) (ruleList, error) {
	var rules ruleList
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := a.get(ctx, resource)
	if err != nil {
		return rules, err
	}
	defer body.Close()
	return rules, json.NewDecoder(body).Decode(&rules)
}

// watch returns at the first event, or when the server ends the watch.
func (a api) watch(ctx context.Context, version string) error {
	body, err := a.get(ctx, resource+"?watch=true&timeoutSeconds=300&resourceVersion="+version)
	if err != nil {
		return fmt.Errorf("watch PrometheusRules: %w", err)
	}
	defer body.Close()
	_, err = bufio.NewReader(body).ReadByte()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (a api) get(ctx context.Context, path string) (io.ReadCloser, error) {
	token, err := os.ReadFile(account + "token") // the kubelet renews it
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return response.Body, nil
}

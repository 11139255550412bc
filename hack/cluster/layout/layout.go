// Package layout says where the cluster is: its addresses and its files.
package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// The ranges are RFC 2544's, for tests inside one machine: no packet to them
// leaves it, and no office network uses them. Static ClusterIPs come from the
// first 256 addresses, which Kubernetes leaves alone while it can.
const (
	NodeName     = "signal"
	Node         = "198.18.255.1"
	Pods         = "198.18.0.0/17"
	Services     = "198.19.0.0/16"
	FirstService = "198.19.0.1"
	Gateway      = "198.19.0.80"
	Prometheus   = "198.19.0.90"
	Postgres     = "198.19.0.70"
	Redis        = "198.19.0.71"
	Bridge       = "signal0"

	RegistryPort  = "5000"
	Registry      = Node + ":" + RegistryPort
	RegistryLocal = "127.0.0.1:" + RegistryPort
	// RegistryOfTests is where a test may listen with a registry of its own,
	// such as one that asks for credentials; nodes speak plain HTTP to it.
	RegistryOfTests = Node + ":5001"
	APIServer       = "https://" + Node + ":6443"
	GatewayURL      = "http://" + Gateway
	PrometheusURL   = "http://" + Prometheus + ":9090"
	PostgresURL     = "postgres://signal@" + Postgres + ":5432/signals?sslmode=disable"
	RedisURL        = "redis://" + Redis + ":6379/0"
)

// maxSocketDir keeps unix sockets below the kernel's 108 bytes.
const maxSocketDir = 70

// Layout is the pair of folders that everything lives in.
type Layout struct {
	Cache string // binaries, kept
	State string // one running cluster, removed by down
}

// FromEnvironment reads SIGNAL_CACHE, XDG_CACHE_HOME and SIGNAL_CLUSTER_DIR.
func FromEnvironment() (Layout, error) {
	cache := os.Getenv("SIGNAL_CACHE")
	if cache == "" {
		base, err := os.UserCacheDir() // honours XDG_CACHE_HOME
		if err != nil {
			return Layout{}, fmt.Errorf("find a cache folder (set SIGNAL_CACHE): %w", err)
		}
		cache = filepath.Join(base, "signal-operator")
	}
	state := os.Getenv("SIGNAL_CLUSTER_DIR")
	if state == "" {
		state = filepath.Join(cache, "cluster")
	}
	var l Layout
	var err error
	if l.Cache, err = filepath.Abs(cache); err != nil {
		return Layout{}, err
	}
	if l.State, err = filepath.Abs(state); err != nil {
		return Layout{}, err
	}
	if len(l.State) > maxSocketDir {
		return Layout{}, fmt.Errorf("%s is too long for the sockets in it: set SIGNAL_CLUSTER_DIR to a path of at most %d bytes", l.State, maxSocketDir)
	}
	return l, nil
}

// Kubeconfig is the administrator's.
func (l Layout) Kubeconfig() string { return l.PKI("admin.conf") }

// PKI is where certificates, keys and kubeconfigs are.
func (l Layout) PKI(name string) string { return filepath.Join(l.State, "pki", name) }

// Config is where the components' configuration files are.
func (l Layout) Config(name string) string { return filepath.Join(l.State, "config", name) }

// Logs holds one file per component.
func (l Layout) Logs() string { return filepath.Join(l.State, "logs") }

// Run holds one record per process.
func (l Layout) Run() string { return filepath.Join(l.State, "run") }

// Data is where a component keeps what it stores.
func (l Layout) Data(component string) string { return filepath.Join(l.State, "data", component) }

// Containerd is containerd's socket.
func (l Layout) Containerd() string { return filepath.Join(l.State, "containerd.sock") }

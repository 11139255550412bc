// Package tool turns Go modules into the binaries a cluster is made of, and
// keeps them in a cache outside the repository. It downloads no binaries.
package tool

import "fmt"

// Tool is one binary and where its source is pinned.
type Tool struct {
	Name    string
	Package string
	Module  string // its version is the tool's version; empty for our own
	Folder  string // of the go.mod that pins it, under hack/cluster
	Tags    string // comma-separated build tags
	Stamp   string // linker variable that takes the version
	Patient string // what to expect of the first build
}

const (
	kubernetes = "k8s.io/kubernetes"
	containerd = "github.com/containerd/containerd/v2"
	prometheus = "github.com/prometheus/prometheus"
	own        = "github.com/signal-delivery/operator/hack/cluster"
)

// catalog is in the order in which a cold cache is best filled.
var catalog = []Tool{
	{Name: "etcd", Package: "go.etcd.io/etcd/server/v3", Module: "go.etcd.io/etcd/server/v3", Folder: "tools/kubernetes", Patient: "about 1 min"},
	kube("kube-apiserver", "about 4 min"),
	kube("kubectl", "about 1 min"),
	kube("kube-controller-manager", "about 2 min"),
	kube("kube-scheduler", "about 1 min"),
	kube("kube-proxy", "about 1 min"),
	kube("kubelet", "about 2 min"),
	containers("containerd"),
	containers("containerd-shim-runc-v2"),
	containers("ctr"),
	{Name: "registry", Package: "github.com/distribution/distribution/v3/cmd/registry", Module: "github.com/distribution/distribution/v3", Folder: "tools/registry", Patient: "about 2 min"},
	metrics("prometheus"),
	metrics("promtool"),
	{Name: "traefik", Package: "github.com/traefik/traefik/v3/cmd/traefik", Module: "github.com/traefik/traefik/v3", Folder: "tools/traefik", Patient: "5 to 11 min"},
	{Name: "helm", Package: "helm.sh/helm/v4/cmd/helm", Module: "helm.sh/helm/v4", Folder: "tools/helm", Patient: "about 2 min"},
	{Name: "pause", Package: own + "/cmd/pause", Folder: ".", Patient: "seconds"},
	{Name: "rules-sync", Package: own + "/cmd/rules-sync", Folder: ".", Patient: "seconds"},
}

func kube(name, patient string) Tool {
	return Tool{
		Name: name, Package: kubernetes + "/cmd/" + name, Module: kubernetes, Folder: "tools/kubernetes",
		Stamp: "k8s.io/component-base/version.gitVersion", Patient: patient,
	}
}

func containers(name string) Tool {
	return Tool{
		Name: name, Package: containerd + "/cmd/" + name, Module: containerd, Folder: "tools/containerd",
		Tags: "no_btrfs,no_devmapper,no_zfs", Stamp: containerd + "/version.Version", Patient: "about 1 min",
	}
}

func metrics(name string) Tool {
	return Tool{
		Name: name, Package: prometheus + "/cmd/" + name, Module: prometheus, Folder: "tools/prometheus",
		Tags: "remove_all_sd,enable_kubernetes_sd", Patient: "about 2 min",
	}
}

// Names lists every tool, in build order.
func Names() []string {
	names := make([]string, 0, len(catalog))
	for _, t := range catalog {
		names = append(names, t.Name)
	}
	return names
}

// Named finds a tool.
func Named(name string) (Tool, error) {
	for _, t := range catalog {
		if t.Name == name {
			return t, nil
		}
	}
	return Tool{}, fmt.Errorf("no tool is called %q; there are %v", name, Names())
}

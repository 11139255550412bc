package host

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// shared are folders that parts of the cluster use whatever they are told.
// They are removed where nothing else is in them.
var shared = []string{
	"/run/containerd/s", "/run/containerd/fifo", "/run/containerd",
	"/var/log/containers", "/var/log/pods", "/var/lib/cni/results", "/var/lib/cni/cache", "/var/lib/cni",
	"/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/run/kubernetes", "/run/mount",
}

const devicePlugins = "/var/lib/kubelet/device-plugins/kubelet.sock"

// RemoveShared removes dangling links, dead sockets, what CNI remembers of the
// given pods, and empty shared folders.
func RemoveShared(pods []string) {
	for _, pod := range pods {
		results, _ := filepath.Glob("/var/lib/cni/results/*-" + pod + "-*") // an id has no pattern in it
		for _, path := range results {
			_ = os.Remove(path)
		}
	}
	links, _ := filepath.Glob("/var/log/containers/*.log") // the patterns are constant
	for _, link := range links {
		if _, err := os.Stat(link); err != nil { // its log is gone
			_ = os.Remove(link)
		}
	}
	sockets, _ := filepath.Glob("/run/containerd/s/*")
	for _, socket := range append(sockets, devicePlugins) {
		removeDead(socket)
	}
	for _, dir := range shared {
		_ = syscall.Rmdir(dir) // refuses what is not empty
	}
}

// removeDead removes a socket that nobody listens on; a live one is another
// cluster's.
func removeDead(socket string) {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err == nil {
		_ = conn.Close()
		return
	}
	_ = os.Remove(socket)
}

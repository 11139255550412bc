package node

import (
	"fmt"
	"path/filepath"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

func (n Node) containerd() component {
	l := n.Layout
	files := map[string]string{
		l.Config("containerd.toml"): fmt.Sprintf(containerdConfig,
			l.Data("containerd"), n.containerdState(), l.Containerd(), filepath.Join(l.State, "ttrpc.sock"),
			layout.Registry, l.Config("registries"), filepath.Join(l.State, "runc"), l.Config("cni")),
		l.Config("cni/10-signal.conflist"):                               fmt.Sprintf(cniConfig, layout.NodeName, layout.Bridge, layout.Pods, l.Data("cni")),
		l.Config("registries/" + layout.Registry + "/hosts.toml"):        hosts(layout.Registry),
		l.Config("registries/" + layout.RegistryLocal + "/hosts.toml"):   hosts(layout.Registry),
		l.Config("registries/" + layout.RegistryOfTests + "/hosts.toml"): hosts(layout.RegistryOfTests),
	}
	shims := filepath.Dir(n.Paths["containerd-shim-runc-v2"])
	return component{
		name:  "containerd",
		args:  []string{"--config=" + l.Config("containerd.toml"), "--log-level=info"},
		env:   []string{"PATH=" + shims + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		files: files,
		ready: listens(l.Containerd()),
	}
}

func (n Node) containerdState() string { return filepath.Join(n.Layout.State, "cri") }

// hosts make containerd speak plain HTTP to a registry.
func hosts(address string) string {
	return fmt.Sprintf("server = %q\n\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://"+address, "http://"+address)
}

// restrict_oom_score_adj: without CAP_SYS_RESOURCE a container may not be made
// less killable than containerd is, and runc would fail.
const containerdConfig = `version = 3
root = %q
state = %q
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = %q

[ttrpc]
  address = %q

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "%s/pause:1"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = %q

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  enable_unprivileged_ports = true
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = "/usr/sbin/runc"
        SystemdCgroup = false
        Root = %q
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = %q
`

const cniConfig = `{
  "cniVersion": "1.0.0",
  "name": %q,
  "plugins": [
    {
      "type": "bridge", "bridge": %q, "isGateway": true, "hairpinMode": true, "ipMasq": true,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": %q}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

func (n Node) kubelet() component {
	l := n.Layout
	return component{
		name: "kubelet",
		args: []string{
			"--config=" + l.Config("kubelet.yaml"), "--kubeconfig=" + l.PKI("kubelet.conf"), "--root-dir=" + l.Data("kubelet"),
			"--node-ip=" + layout.Node, "--hostname-override=" + layout.NodeName, "--cert-dir=" + l.Data("kubelet-pki"),
		},
		files: map[string]string{l.Config("kubelet.yaml"): fmt.Sprintf(kubeletConfig,
			layout.Node, l.PKI("ca.crt"), l.PKI("kubelet-server.crt"), l.PKI("kubelet-server.key"),
			l.Containerd(), filepath.Join(l.Logs(), "pods"), l.Data("flexvolume"))},
		ready: nodeReady(l),
	}
}

// Nothing is evicted for a full disk: other people's files are on it. The DNS
// server is each pod's own loopback address, where nothing listens: a lookup
// fails at once, instead of asking the network around the machine.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %s
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %q}
authorization: {mode: Webhook}
tlsCertFile: %q
tlsPrivateKeyFile: %q
containerRuntimeEndpoint: "unix://%s"
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
clusterDNS: ["127.0.0.1"]
clusterDomain: cluster.local
resolvConf: ""
podLogsDir: %q
volumePluginDir: %q
maxPods: 200
oomScoreAdj: 0
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
syncFrequency: 10s
nodeStatusUpdateFrequency: 5s
evictionHard: {memory.available: 50Mi, nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%", imagefs.inodesFree: "0%%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
`

func (n Node) kubeProxy() component {
	return component{
		name: "kube-proxy",
		args: []string{
			"--kubeconfig=" + n.Layout.PKI("kube-proxy.conf"), "--hostname-override=" + layout.NodeName,
			"--proxy-mode=iptables", "--cluster-cidr=" + layout.Pods, "--iptables-localhost-nodeports=false",
			"--bind-address=" + layout.Node,
			"--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
			// The machine's connection tracking is not this cluster's to size.
			"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
			"--oom-score-adj=0",
		},
		ready: answers("http://127.0.0.1:10256/healthz"),
	}
}

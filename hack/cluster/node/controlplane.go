package node

import (
	"os"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

// etcd listens on the loopback address alone, so that pods do not reach it;
// the ports are not the usual ones, so that another etcd is not in the way.
const (
	etcdClients = "http://127.0.0.1:12379"
	etcdPeers   = "http://127.0.0.1:12380"
)

func (n Node) etcd() component {
	return component{
		name: "etcd",
		args: []string{
			"--name=" + layout.NodeName, "--data-dir=" + n.Layout.Data("etcd"),
			"--listen-client-urls=" + etcdClients, "--advertise-client-urls=" + etcdClients,
			"--listen-peer-urls=" + etcdPeers, "--initial-advertise-peer-urls=" + etcdPeers,
			"--initial-cluster=" + layout.NodeName + "=" + etcdPeers,
			"--unsafe-no-fsync", // a crash of the machine ends this cluster anyway
			"--log-level=warn",
		},
		ready: answers(etcdClients + "/health"),
	}
}

func (n Node) apiserver() component {
	pki := n.Layout.PKI
	args := []string{
		"--etcd-servers=" + etcdClients,
		"--bind-address=" + layout.Node, "--advertise-address=" + layout.Node, "--secure-port=6443",
		"--service-cluster-ip-range=" + layout.Services,
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
		"--client-ca-file=" + pki("ca.crt"),
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + pki("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("sa.pub"), "--service-account-signing-key-file=" + pki("sa.key"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true", "--profiling=false",
		"--shutdown-delay-duration=0s",
	}
	files := map[string]string{}
	if os.Getenv("SIGNAL_AUDIT") == "1" {
		policy := n.Layout.Config("audit.yaml")
		files[policy] = auditPolicy
		args = append(args, "--audit-policy-file="+policy, "--audit-log-path="+n.Supervisor.Log("audit"))
	}
	return component{name: "kube-apiserver", args: args, files: files, ready: admits(n.Layout)}
}

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

func (n Node) controllerManager() component {
	pki := n.Layout.PKI
	return component{
		name: "kube-controller-manager",
		args: []string{
			"--kubeconfig=" + pki("kube-controller-manager.conf"), "--bind-address=127.0.0.1",
			"--leader-elect=false", "--use-service-account-credentials=true",
			"--service-account-private-key-file=" + pki("sa.key"), "--root-ca-file=" + pki("ca.crt"),
			"--cluster-signing-cert-file=" + pki("ca.crt"), "--cluster-signing-key-file=" + pki("ca.key"),
			"--cluster-cidr=" + layout.Pods, "--allocate-node-cidrs=false", // the one node has the whole range
			"--service-cluster-ip-range=" + layout.Services,
			"--cert-dir=" + n.Layout.Data("kube-controller-manager"), "--profiling=false",
			"--flex-volume-plugin-dir=" + n.Layout.Data("flexvolume"),
			"--horizontal-pod-autoscaler-sync-period=5s",
		},
		ready: answersTLS("https://127.0.0.1:10257/healthz"),
	}
}

func (n Node) scheduler() component {
	return component{
		name: "kube-scheduler",
		args: []string{
			"--kubeconfig=" + n.Layout.PKI("kube-scheduler.conf"), "--bind-address=127.0.0.1", "--leader-elect=false",
			"--cert-dir=" + n.Layout.Data("kube-scheduler"), "--profiling=false",
		},
		ready: answersTLS("https://127.0.0.1:10259/healthz"),
	}
}

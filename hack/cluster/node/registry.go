package node

import (
	"fmt"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

// registry listens where pods and the host reach it. It has no password and no
// TLS: the address exists on this machine alone.
func (n Node) registry() component { return n.registryAt("registry", layout.Registry) }

// localRegistry serves the same images at the loopback address, which image
// tools take for plain HTTP unasked.
func (n Node) localRegistry() component { return n.registryAt("registry-local", layout.RegistryLocal) }

func (n Node) registryAt(name, address string) component {
	file := n.Layout.Config(name + ".yaml")
	return component{
		name: name, tool: "registry",
		args:  []string{"serve", file},
		env:   []string{"OTEL_TRACES_EXPORTER=none"},
		files: map[string]string{file: fmt.Sprintf(registryConfig, n.Layout.Data("registry"), address)},
		ready: answers("http://" + address + "/v2/"),
	}
}

const registryConfig = `version: 0.1
log: {level: warn}
storage:
  delete: {enabled: true}
  filesystem: {rootdirectory: %q}
http:
  addr: %s
`

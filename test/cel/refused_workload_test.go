package cel_test

import "testing"

func TestRefusedWorkload(t *testing.T) {
	t.Parallel()
	refused(t, map[string]refusal{
		"replicas negative":   {set("spec.replicas", int64(-1)), `spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0`},
		"replicas over bound": {set("spec.replicas", int64(10001)), `spec.replicas: Invalid value: 10001: spec.replicas in body should be less than or equal to 10000`},
		"replicas in quotes":  {set("spec.replicas", "4"), `spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"`},
		"paused in quotes":    {set("spec.paused", "false"), `spec.paused: Invalid value: "string": spec.paused in body must be of type boolean: "string"`},

		"no template":                   {drop("spec.template"), `spec.template: Required value`},
		"template without pod":          {drop("spec.template.spec"), `spec.template.spec.containers: Invalid value: needs at least one container, for the image to run in`},
		"template without containers":   {drop("spec.template.spec.containers"), `spec.template.spec.containers: Required value`},
		"template with no container":    {set("spec.template.spec.containers", []any{}), `spec.template.spec.containers: Invalid value: needs at least one container`},
		"container without a name":      {drop("spec.template.spec.containers.0.name"), `spec.template.spec.containers[0].name: Required value`},
		"container of a name twice":     {twice("spec.template.spec.containers"), `spec.template.spec.containers[1]: Duplicate value: {"name":"signal"}`},
		"container port without number": {drop("spec.template.spec.containers.0.ports.0.containerPort"), `spec.template.spec.containers[0].ports[0].containerPort: Required value`},
		"label that is a number":        {set("spec.template.metadata.labels.tier", int64(1)), `spec.template.metadata.labels.tier in body must be of type string: "integer"`},
		"pod field of a wrong name":     {set("spec.template.spec.container", []any{}), `unknown field "spec.template.spec.container"`},

		"no service":                   {drop("spec.service"), `spec.service: Required value`},
		"no ports":                     {drop("spec.service.ports"), `spec.service.ports: Required value`},
		"ports empty":                  {set("spec.service.ports", []any{}), `spec.service.ports: Invalid value: 0: spec.service.ports in body should have at least 1 items`},
		"17 ports":                     {fill("spec.service.ports", 15, numbered), `spec.service.ports: Too many: 17: must have at most 16 items`},
		"port without a name":          {drop("spec.service.ports.0.name"), `spec.service.ports[0].name: Required value`},
		"port without a number":        {drop("spec.service.ports.0.port"), `spec.service.ports[0].port: Required value`},
		"port 0":                       {set("spec.service.ports.0.port", int64(0)), `spec.service.ports[0].port: Invalid value: 0: spec.service.ports[0].port in body should be greater than or equal to 1`},
		"port 65536":                   {set("spec.service.ports.0.port", int64(65536)), `spec.service.ports[0].port in body should be less than or equal to 65535`},
		"port name in capitals":        {set("spec.service.ports.0.name", "HTTP"), `spec.service.ports[0].name: Invalid value: "HTTP": must be a port name: lower-case letters, digits and '-'`},
		"port name empty":              {set("spec.service.ports.0.name", ""), `spec.service.ports[0].name in body should be at least 1 chars long`},
		"port name of 16 characters":   {set("spec.service.ports.0.name", long(16)), `spec.service.ports[0].name: Too long: may not be more than 15 bytes`},
		"port name twice":              {set("spec.service.ports.1.name", "http"), `spec.service.ports[1]: Duplicate value: {"name":"http"}`},
		"port number twice":            {set("spec.service.ports.1.port", int64(80)), `spec.service.ports: Invalid value: each port number may be used once for each protocol`},
		"protocol in small letters":    {set("spec.service.ports.0.protocol", "tcp"), `spec.service.ports[0].protocol: Unsupported value: "tcp": supported values: "TCP", "UDP", "SCTP"`},
		"targetPort 0":                 {set("spec.service.ports.0.targetPort", int64(0)), `spec.service.ports[0].targetPort: Invalid value: 0: must be a port number from 1 to 65535 or the name of a container port`},
		"targetPort 65536":             {set("spec.service.ports.0.targetPort", int64(65536)), `spec.service.ports[0].targetPort: Invalid value: 65536: must be a port number from 1 to 65535`},
		"targetPort in capitals":       {set("spec.service.ports.0.targetPort", "HTTP"), `spec.service.ports[0].targetPort: Invalid value: "HTTP": must be a port number from 1 to 65535 or the name of a container port`},
		"targetPort of 16 characters":  {set("spec.service.ports.0.targetPort", long(16)), `spec.service.ports[0].targetPort: Too long: may not be more than 15 bytes`},
		"appProtocol empty":            {set("spec.service.ports.0.appProtocol", ""), `spec.service.ports[0].appProtocol in body should be at least 1 chars long`},
		"appProtocol of 129 letters":   {set("spec.service.ports.0.appProtocol", long(129)), `spec.service.ports[0].appProtocol: Too long`},
		"17 routes":                    {fill("spec.traffic.httpRoutes", 16, named), `spec.traffic.httpRoutes: Too many: 17: must have at most 16 items`},
		"route twice":                  {twice("spec.traffic.httpRoutes"), `spec.traffic.httpRoutes[1]: Duplicate value: {"name":"signal-service"}`},
		"route without a name":         {drop("spec.traffic.httpRoutes.0.name"), `spec.traffic.httpRoutes[0].name: Required value`},
		"route with an empty name":     {set("spec.traffic.httpRoutes.0.name", ""), `spec.traffic.httpRoutes[0].name in body should be at least 1 chars long`},
		"route with too long a name":   {set("spec.traffic.httpRoutes.0.name", long(254)), `spec.traffic.httpRoutes[0].name: Too long: may not be more than 253 bytes`},
		"route of another namespace":   {set("spec.traffic.httpRoutes.0.namespace", "prod"), `unknown field "spec.traffic.httpRoutes[0].namespace"`},
		"routes given as bare strings": {set("spec.traffic.httpRoutes", []any{"signal-service"}), `spec.traffic.httpRoutes[0]: Invalid value: "string": spec.traffic.httpRoutes[0] in body must be of type object: "string"`},
	})
}

// numbered is a port of another name and number.
func numbered(first any, i int) any {
	port := named(first, i).(map[string]any)
	port["port"] = int64(1000 + i)
	return port
}

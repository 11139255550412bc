package pki

import (
	"encoding/base64"
	"os"
	"strings"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: signal
clusters:
- name: signal
  cluster:
    server: SERVER
    certificate-authority-data: AUTHORITY
contexts:
- name: signal
  context: {cluster: signal, user: USER}
users:
- name: USER
  user:
    client-certificate-data: CERTIFICATE
    client-key-data: KEY
`

func writeKubeconfig(l layout.Layout, id identity) error {
	var data [3]string
	for i, file := range []string{"ca.crt", id.file + ".crt", id.file + ".key"} {
		text, err := os.ReadFile(l.PKI(file))
		if err != nil {
			return err
		}
		data[i] = base64.StdEncoding.EncodeToString(text)
	}
	text := strings.NewReplacer(
		"SERVER", layout.APIServer, "USER", `"`+id.user+`"`,
		"AUTHORITY", data[0], "CERTIFICATE", data[1], "KEY", data[2],
	).Replace(kubeconfig)
	return os.WriteFile(l.PKI(id.file+".conf"), []byte(text), 0o600)
}

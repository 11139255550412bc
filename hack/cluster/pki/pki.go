// Package pki makes the certificates and kubeconfigs of one cluster. They live
// as long as the cluster does; nothing renews them.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

const validity = 365 * 24 * time.Hour

// identity is one certificate: who, and for a server, at which addresses.
type identity struct {
	file   string
	user   string
	group  string
	serves []string
}

var identities = []identity{
	{file: "admin", user: "kubernetes-admin", group: "system:masters"},
	{file: "kube-controller-manager", user: "system:kube-controller-manager"},
	{file: "kube-scheduler", user: "system:kube-scheduler"},
	{file: "kube-proxy", user: "system:kube-proxy"},
	{file: "kubelet", user: "system:node:" + layout.NodeName, group: "system:nodes"},
	{file: "apiserver-kubelet-client", user: "kube-apiserver-kubelet-client", group: "system:masters"},
	{file: "apiserver", user: "kube-apiserver", serves: []string{
		layout.Node, layout.FirstService, "127.0.0.1", "localhost", layout.NodeName,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}},
	{file: "kubelet-server", user: "system:node:" + layout.NodeName, group: "system:nodes", serves: []string{layout.Node, layout.NodeName}},
}

// Ensure writes everything once. The administrator's kubeconfig comes last, so
// that it is there only if all the rest is.
func Ensure(l layout.Layout) error {
	if _, err := os.Stat(l.Kubeconfig()); err == nil {
		return nil
	}
	if err := os.MkdirAll(l.PKI(""), 0o700); err != nil {
		return err
	}
	ca, err := newAuthority()
	if err != nil {
		return fmt.Errorf("make the certificate authority: %w", err)
	}
	if err := writePair(l, "ca", ca.certificate.Raw, ca.key); err != nil {
		return err
	}
	if err := writeServiceAccountKey(l); err != nil {
		return err
	}
	for _, identitie := range slices.Backward(identities) {
		if err := ca.issue(l, identitie); err != nil {
			return fmt.Errorf("issue a certificate for %s: %w", identitie.file, err)
		}
	}
	return nil
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := template("signal-cluster-ca")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	return authority{certificate, key}, err
}

func (a authority) issue(l layout.Layout, id identity) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := template(id.user)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if id.group != "" {
		template.Subject.Organization = []string{id.group}
	}
	for _, address := range id.serves {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(address); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, address)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	if err := writePair(l, id.file, der, key); err != nil {
		return err
	}
	if id.serves != nil {
		return nil
	}
	return writeKubeconfig(l, id)
}

func template(name string) *x509.Certificate {
	now := time.Now()
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand does not fail
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-5 * time.Minute),
		NotAfter:     now.Add(validity),
	}
}

func writePair(l layout.Layout, name string, certificate []byte, key *ecdsa.PrivateKey) error {
	if err := writePEM(l.PKI(name+".crt"), "CERTIFICATE", certificate, 0o644); err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(l.PKI(name+".key"), "EC PRIVATE KEY", der, 0o600)
}

func writeServiceAccountKey(l layout.Layout) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writePEM(l.PKI("sa.key"), "EC PRIVATE KEY", private, 0o600); err != nil {
		return err
	}
	return writePEM(l.PKI("sa.pub"), "PUBLIC KEY", public, 0o644)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// Package addon installs what runs as pods on top of the bare cluster: the
// Gateway API with Traefik, and Prometheus with the PrometheusRule definition.
package addon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/signal-delivery/operator/hack/cluster/layout"
	"github.com/signal-delivery/operator/hack/cluster/process"
)

//go:embed manifests
var manifests embed.FS

// Tools are the binaries that become images.
var Tools = []string{"pause", "traefik", "prometheus", "rules-sync"}

// Images are digest references.
type Images struct{ Traefik, Prometheus, RulesSync string }

// Installer applies the add-ons with kubectl.
type Installer struct {
	Layout  layout.Layout
	Kubectl string
	CRDs    []string // files and folders of definitions
	Images  Images
}

// Install applies and waits. What is there already as wanted stays as it is.
func (i Installer) Install(ctx context.Context) error {
	definitions := []string{"apply", "--server-side", "--force-conflicts"}
	for _, path := range i.CRDs {
		definitions = append(definitions, "--filename="+path)
	}
	if err := i.kubectl(ctx, "", definitions...); err != nil {
		return err
	}
	if err := i.kubectl(ctx, "", "wait", "crd", "--all", "--for=condition=Established", "--timeout=30s"); err != nil {
		return err
	}
	text, err := render(i.Images)
	if err != nil {
		return err
	}
	// A definition that has just been established may not be served yet.
	if err := process.Await(ctx, 20*time.Second, func(ctx context.Context) error {
		return i.kubectl(ctx, text, "apply", "--server-side", "--force-conflicts", "--filename=-")
	}); err != nil {
		return err
	}
	if err := i.wait(ctx, "2m"); err != nil {
		return fmt.Errorf("%w\n%s--- what to do: the above says why, else the kubelet's log in %s; `up` tries again", err, i.diagnosis(ctx), i.Layout.Logs())
	}
	return nil
}

// diagnosis is what a person would look at next.
func (i Installer) diagnosis(ctx context.Context) string {
	var text strings.Builder
	for _, args := range [][]string{
		{"get", "pods,gateways", "--all-namespaces"},
		{"logs", "deployment/traefik", "--namespace=gateway-system", "--tail=20"},
		{"logs", "deployment/prometheus", "--namespace=monitoring", "--tail=20", "--all-containers"},
	} {
		out, _ := i.command(ctx, "", args...).CombinedOutput() // the complaint is as good as the answer
		fmt.Fprintf(&text, "--- kubectl %s ---\n%s", strings.Join(args, " "), out)
	}
	return text.String()
}

// Ready says whether the add-ons run as last installed; it asks once.
func (i Installer) Ready(ctx context.Context) bool { return i.wait(ctx, "0s") == nil }

func (i Installer) wait(ctx context.Context, timeout string) error {
	for _, args := range [][]string{
		{"deployment/traefik", "--namespace=gateway-system", "--for=condition=Available"},
		{"deployment/prometheus", "--namespace=monitoring", "--for=condition=Available"},
		{"gateway/public", "--namespace=gateway-system", "--for=condition=Programmed"},
	} {
		if err := i.kubectl(ctx, "", append([]string{"wait", "--timeout=" + timeout}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

func (i Installer) kubectl(ctx context.Context, input string, args ...string) error {
	out, err := i.command(ctx, input, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (i Installer) command(ctx context.Context, input string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, i.Kubectl, append([]string{"--kubeconfig=" + i.Layout.Kubeconfig()}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "NO_PROXY=*") // the cluster is on this machine
	return cmd
}

// render fills in the manifests.
func render(images Images) (string, error) {
	config, err := manifests.ReadFile("manifests/prometheus.yml")
	if err != nil {
		return "", err
	}
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"indent": func(n int, text string) string {
			return strings.Repeat(" ", n) + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", n))
		},
		"sum": Sum,
	}).ParseFS(manifests, "manifests/*.yaml")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, name := range []string{"gateway.yaml", "monitoring.yaml"} {
		if err := t.ExecuteTemplate(&text, name, map[string]string{
			"Traefik": images.Traefik, "Prometheus": images.Prometheus, "RulesSync": images.RulesSync,
			"GatewayIP": layout.Gateway, "PrometheusIP": layout.Prometheus, "PrometheusURL": layout.PrometheusURL,
			"PrometheusConfig": string(config),
		}); err != nil {
			return "", fmt.Errorf("render %s: %w", name, err)
		}
		text.WriteString("\n---\n")
	}
	return text.String(), nil
}

// Sum is short and changes with the text.
func Sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Stamp changes when there is something to install anew: it is made of the
// manifests, and of the binaries' paths instead of their images' digests, so
// that nothing needs to be read to compute it.
func Stamp(paths map[string]string) (string, error) {
	text, err := render(Images{Traefik: paths["traefik"], Prometheus: paths["prometheus"], RulesSync: paths["rules-sync"]})
	return Sum(text), err
}

// StampFile remembers the stamp of what was installed.
func StampFile(l layout.Layout) string { return filepath.Join(l.State, "addons") }

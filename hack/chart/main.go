// Command chart writes the parts of the Helm chart that config/ decides: the
// CRD, the rules of every role and the guard. Nothing else of the chart is
// generated.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: chart CONFIG_DIR CHART_DIR")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// write generates the templates of the chart.
func write(config, chart string) error {
	files, err := generate(config)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(chart, "templates", name), text, 0o644); err != nil {
			return fmt.Errorf("write the template: %w", err)
		}
	}
	return nil
}

// generate makes the templates, by file name.
func generate(config string) (map[string][]byte, error) {
	crd, err := os.ReadFile(filepath.Join(config, "crd", "bases", "delivery.signal.dev_signaldeployments.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the CRD: %w", err)
	}
	crdTemplate, err := fromCRD(crd)
	if err != nil {
		return nil, err
	}
	roles, err := readAll(filepath.Join(config, "rbac", "*role.yaml"))
	if err != nil {
		return nil, err
	}
	rulesTemplate, err := fromRoles(roles)
	if err != nil {
		return nil, err
	}
	policies, err := readAll(filepath.Join(config, "admission", "[^k]*.yaml")) // all but the kustomization
	if err != nil {
		return nil, err
	}
	admissionTemplate, err := fromPolicies(policies)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"crd.yaml": crdTemplate, "_rules.tpl": rulesTemplate, "admission.yaml": admissionTemplate}, nil
}

// readAll reads the files of a pattern, by name.
func readAll(pattern string) ([][]byte, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", pattern, err)
	}
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a file of %s: %w", pattern, err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

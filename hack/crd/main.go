// Command crd makes generated CustomResourceDefinitions small enough for
// plain kubectl apply: it drops the descriptions of types that belong to
// Kubernetes, which Kubernetes documents itself. It changes nothing that is
// validated.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// limit is how many bytes of compact JSON a CRD may have. Plain kubectl apply
// keeps the whole object in one annotation of at most 262144 bytes.
const limit = 200_000

func main() {
	for _, file := range os.Args[1:] {
		if err := shrinkFile(file); err != nil {
			fmt.Fprintln(os.Stderr, "crd:", err)
			os.Exit(1)
		}
	}
}

// shrinkFile rewrites a CRD in place.
func shrinkFile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the CRD: %w", err)
	}
	small, err := shrink(text)
	if err != nil {
		return fmt.Errorf("shrink %s: %w", file, err)
	}
	if err := os.WriteFile(file, small, 0o644); err != nil {
		return fmt.Errorf("write the CRD: %w", err)
	}
	return nil
}

// shrink is the CRD without the descriptions of Kubernetes' own types. Doing
// it twice is doing it once.
func shrink(text []byte) ([]byte, error) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		return nil, fmt.Errorf("decode the CRD: %w", err)
	}
	for i := range crd.Spec.Versions {
		if schema := crd.Spec.Versions[i].Schema; schema != nil {
			silenceForeign(schema.OpenAPIV3Schema)
		}
	}
	return encode(crd)
}

// encode is the CRD as YAML, without the status that its type always has.
func encode(crd *apiextensionsv1.CustomResourceDefinition) ([]byte, error) {
	compact, err := json.Marshal(crd)
	if err != nil {
		return nil, fmt.Errorf("encode the CRD: %w", err)
	}
	object := map[string]any{}
	if err := json.Unmarshal(compact, &object); err != nil {
		return nil, fmt.Errorf("decode the CRD: %w", err)
	}
	delete(object, "status")
	if compact, err = json.Marshal(object); err != nil {
		return nil, fmt.Errorf("encode the CRD: %w", err)
	}
	if len(compact) >= limit {
		return nil, fmt.Errorf("%d bytes of JSON are too many, the limit is %d: shorten descriptions", len(compact), limit)
	}
	body, err := yaml.JSONToYAML(compact)
	if err != nil {
		return nil, fmt.Errorf("write the CRD as YAML: %w", err)
	}
	return bytes.Join([][]byte{[]byte("---\n"), body}, nil), nil
}

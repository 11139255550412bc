package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const before = `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.test
spec:
  group: example.test
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A thing.
        properties:
          spec:
            type: object
            properties:
              description: {type: string, description: Ours.}
              template:
                type: object
                description: Ours too.
                properties:
                  description: {type: string, description: Theirs., maxLength: 3}
                  list:
                    type: array
                    description: Theirs.
                    items: {type: object, description: Theirs., properties: {a: {type: string, description: Theirs.}}}
                  map:
                    type: object
                    additionalProperties: {type: string, description: Theirs.}
              checks:
                type: object
                properties:
                  smoke:
                    type: array
                    items:
                      type: object
                      properties:
                        job:
                          type: object
                          properties:
                            image: {type: string, description: Ours.}
                            resources:
                              type: object
                              properties: {limits: {type: object, description: Theirs.}}
`

func TestShrink(t *testing.T) {
	t.Parallel()
	small, err := shrink([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(small), "Theirs") {
		t.Errorf("descriptions of Kubernetes' types are left:\n%s", small)
	}
	if got := strings.Count(string(small), "Ours"); got != 3 {
		t.Errorf("%d of our descriptions are left; want 3:\n%s", got, small)
	}
	if got := strings.Count(string(small), "description:"); got != 3+1+2 {
		t.Errorf("%d lines name a description; want 3 of ours, 1 of the root and 2 fields of that name:\n%s", got, small)
	}
	for _, kept := range []string{"maxLength: 3", "additionalProperties:", "items:"} {
		if !strings.Contains(string(small), kept) {
			t.Errorf("%q is gone:\n%s", kept, small)
		}
	}
}

func TestShrinkTwiceIsShrinkOnce(t *testing.T) {
	t.Parallel()
	once, err := shrink([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	twice, err := shrink(once)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(once), string(twice)); diff != "" {
		t.Errorf("the second time (-once +twice):\n%s", diff)
	}
}

func TestShrinkRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"what is too big":      {strings.Replace(before, "A thing.", strings.Repeat("x", limit), 1), "are too many"},
		"a field of no schema": {strings.Replace(before, "scope:", "scoop:", 1), `unknown field "scoop"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := shrink([]byte(tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v; want one that says %q", err, tc.want)
			}
		})
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// prometheusRule is what is read of the object.
type prometheusRule struct {
	Metadata struct {
		Namespace       string `json:"namespace"`
		Name            string `json:"name"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Spec struct {
		Groups []map[string]any `json:"groups"`
	} `json:"spec"`
}

// folder is the rule files, as Prometheus reads them.
type folder struct {
	dir        string
	prometheus string
	refused    map[string]string // file → resourceVersion that Prometheus did not accept
	changed    []string          // files that Prometheus has not been told of
}

// refusal is Prometheus saying no, as opposed to saying nothing.
type refusal string

func (r refusal) Error() string { return string(r) }

// file is unique: a name holds no underscore.
func (r prometheusRule) file() string {
	return r.Metadata.Namespace + "_" + r.Metadata.Name + ".yaml"
}

// render is the rule file of one object. JSON is YAML; keys come out sorted.
func render(r prometheusRule) ([]byte, error) {
	groups := make([]map[string]any, 0, len(r.Spec.Groups))
	for _, group := range r.Spec.Groups {
		kept := map[string]any{}
		for field, value := range group {
			if field != "partial_response_strategy" { // Thanos has it, Prometheus has not
				kept[field] = value
			}
		}
		groups = append(groups, kept)
	}
	return json.Marshal(map[string]any{"groups": groups})
}

// clear empties the folder: what a predecessor wrote may not have been tried,
// and Prometheus does not start with a bad rule file.
func (f *folder) clear() error {
	changed, err := f.write(nil)
	changed = append(changed, "(start)")
	f.changed = changed
	return err
}

// sync makes the folder hold exactly the given objects. It waits for
// Prometheus, for the reason that clear has.
func (f *folder) sync(ctx context.Context, rules []prometheusRule) error {
	if err := f.ask(ctx, http.MethodGet, "/-/ready"); err != nil {
		return err
	}
	want := map[string][]byte{}
	versions := map[string]string{}
	for _, r := range rules {
		text, err := render(r)
		if err != nil {
			return err
		}
		versions[r.file()] = r.Metadata.ResourceVersion
		if f.refused[r.file()] != r.Metadata.ResourceVersion {
			want[r.file()] = text
		}
	}
	changed, err := f.write(want)
	if err != nil {
		return err
	}
	f.changed = union(f.changed, changed)
	if len(f.changed) == 0 {
		return nil
	}
	err = f.reload(ctx)
	if _, ok := errors.AsType[refusal](err); ok {
		err = f.retreat(ctx, f.changed, versions, want)
	}
	if err != nil {
		return err // Prometheus did not answer: the changes stay to be told
	}
	log.Printf("Reloaded: %d rule files, changed %v", len(want), f.changed)
	f.changed = nil
	return nil
}

// retreat finds which of the changed files are bad by trying them one by one.
func (f *folder) retreat(ctx context.Context, changed []string, versions map[string]string, want map[string][]byte) error {
	for _, name := range changed {
		_ = os.Remove(filepath.Join(f.dir, name)) // it may be one that was removed
	}
	for _, name := range changed {
		text, wanted := want[name]
		if !wanted {
			continue
		}
		if err := os.WriteFile(filepath.Join(f.dir, name), text, 0o644); err != nil {
			return err
		}
		err := f.reload(ctx)
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[refusal](err); !ok {
			return err
		}
		log.Printf("Left out %s: %v", name, err)
		f.refused[name] = versions[name]
		if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
			return err
		}
	}
	return f.reload(ctx)
}

// write returns the names of the files it changed or removed.
func (f *folder) write(want map[string][]byte) ([]string, error) {
	var changed []string
	have, err := filepath.Glob(filepath.Join(f.dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, path := range have {
		if _, wanted := want[filepath.Base(path)]; wanted {
			continue
		}
		changed = append(changed, filepath.Base(path))
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	for name, text := range want {
		path := filepath.Join(f.dir, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
			continue
		}
		changed = append(changed, name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return nil, err
		}
	}
	sort.Strings(changed)
	return changed, nil
}

func (f *folder) reload(ctx context.Context) error { return f.ask(ctx, http.MethodPost, "/-/reload") }

func (f *folder) ask(ctx context.Context, method, path string) error {
	request, err := http.NewRequestWithContext(ctx, method, f.prometheus+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	reason, _ := io.ReadAll(io.LimitReader(response.Body, 2048)) // only for the message
	return refusal(fmt.Sprintf("%s: %s: %s", path, response.Status, bytes.TrimSpace(reason)))
}

func union(a, b []string) []string {
	for _, name := range b {
		if !slices.Contains(a, name) {
			a = append(a, name)
		}
	}
	return a
}

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func rule(t *testing.T, text string) prometheusRule {
	t.Helper()
	var r prometheusRule
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

const errorRate = `{"metadata":{"namespace":"prod","name":"errors","resourceVersion":"1"},"spec":{"groups":[
	{"name":"errors","interval":"1s","partial_response_strategy":"abort","rules":[{"alert":"Errors","expr":"vector(1)"}]}]}}`

func TestRenderKeepsWhatPrometheusReads(t *testing.T) {
	got, err := render(rule(t, errorRate))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"groups":[{"interval":"1s","name":"errors","rules":[{"alert":"Errors","expr":"vector(1)"}]}]}`
	if string(got) != want {
		t.Errorf("render:\n got %s\nwant %s", got, want)
	}
}

// prometheus refuses to reload while a file in dir holds "bad".
func prometheus(t *testing.T, dir string) (address string, reloads *int) {
	t.Helper()
	reloads = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // is it ready?
			return
		}
		*reloads++
		files, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
		for _, f := range files {
			if text, _ := os.ReadFile(f); strings.Contains(string(text), "bad") {
				http.Error(w, "bad expression", http.StatusInternalServerError)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, reloads
}

func TestSyncReloadsOnlyOnChange(t *testing.T) {
	dir := t.TempDir()
	address, reloads := prometheus(t, dir)
	f := &folder{dir: dir, prometheus: address, refused: map[string]string{}}
	for i, step := range []struct {
		rules   []prometheusRule
		reloads int
	}{
		{nil, 0},
		{[]prometheusRule{rule(t, errorRate)}, 1},
		{[]prometheusRule{rule(t, errorRate)}, 1},
		{nil, 2},
	} {
		if err := f.sync(context.Background(), step.rules); err != nil {
			t.Fatal(err)
		}
		if *reloads != step.reloads {
			t.Errorf("step %d: %d reloads, want %d", i, *reloads, step.reloads)
		}
	}
}

func TestSyncLeavesOutABadObject(t *testing.T) {
	dir := t.TempDir()
	address, _ := prometheus(t, dir)
	f := &folder{dir: dir, prometheus: address, refused: map[string]string{}}
	bad := rule(t, strings.ReplaceAll(errorRate, "vector(1)", "bad("))
	bad.Metadata.Name = "broken"
	if err := f.sync(context.Background(), []prometheusRule{bad, rule(t, errorRate)}); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if len(files) != 1 || filepath.Base(files[0]) != "prod_errors.yaml" {
		t.Errorf("files %v, want the good one alone", files)
	}
}

func TestNothingIsWrittenBeforePrometheusIsReady(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "untried.yaml"), []byte("bad"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := &folder{dir: dir, prometheus: "http://127.0.0.1:1", refused: map[string]string{}}
	if err := f.clear(); err != nil {
		t.Fatal(err)
	}
	if err := f.sync(context.Background(), []prometheusRule{rule(t, errorRate)}); err == nil {
		t.Fatal("want an error: nothing listens there")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.yaml")); len(files) > 0 {
		t.Errorf("files %v, want none: Prometheus would not start with a bad one", files)
	}
	var reloads *int
	f.prometheus, reloads = prometheus(t, dir)
	if err := f.sync(context.Background(), nil); err != nil || *reloads != 1 {
		t.Errorf("%d reloads, error %v; want one reload although no file is wanted", *reloads, err)
	}
}

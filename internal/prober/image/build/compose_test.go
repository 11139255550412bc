package build

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const baseConfig = `{"architecture":"amd64","created":"2020-09-13T12:26:40Z","os":"linux","variant":"v9","config":{"Entrypoint":["/base"],"Cmd":["--base"],"Env":["PATH=/bin","HOME=/","PATH=/old"],"User":"root","WorkingDir":"/base","Labels":{"a":"1","b":"2"},"Healthcheck":{"StartInterval":5}},"history":[{"created_by":"base"}],"rootfs":{"type":"layers","diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}`

func TestWhatAConfigurationBecomes(t *testing.T) {
	for name, tc := range map[string]struct {
		spec v1alpha1.AppendBuild
		want map[string]any // that is another than the base's
	}{
		"nothing is asked for": {v1alpha1.AppendBuild{}, nil},
		"an entrypoint takes the cmd with it": {
			v1alpha1.AppendBuild{Entrypoint: []string{"/app"}},
			map[string]any{"Entrypoint": []any{"/app"}, "Cmd": nil},
		},
		"a cmd alone": {v1alpha1.AppendBuild{Cmd: []string{"-v"}}, map[string]any{"Cmd": []any{"-v"}}},
		"both": {
			v1alpha1.AppendBuild{Entrypoint: []string{"/app"}, Cmd: []string{"-v"}},
			map[string]any{"Entrypoint": []any{"/app"}, "Cmd": []any{"-v"}},
		},
		"variables": {
			v1alpha1.AppendBuild{Env: []v1alpha1.CheckEnv{{Name: "PATH", Value: "/app"}, {Name: "LEVEL", Value: "a=b"}, {Name: "HOM"}}},
			map[string]any{"Env": []any{"PATH=/app", "HOME=/", "LEVEL=a=b", "HOM="}},
		},
		"the user":      {v1alpha1.AppendBuild{User: "65532:65532"}, map[string]any{"User": "65532:65532"}},
		"the directory": {v1alpha1.AppendBuild{WorkingDir: "/app"}, map[string]any{"WorkingDir": "/app"}},
		"labels":        {v1alpha1.AppendBuild{Labels: map[string]string{"b": "3", "c": "4"}}, map[string]any{"Labels": map[string]any{"a": "1", "b": "3", "c": "4"}}},
	} {
		t.Run(name, func(t *testing.T) {
			want, got := map[string]any{}, map[string]any{}
			fine(t, json.Unmarshal([]byte(baseConfig), &want))
			maps.Copy(want["config"].(map[string]any), tc.want)
			config, err := configure([]byte(baseConfig), tc.spec, nil)
			fine(t, err)
			fine(t, json.Unmarshal(config, &got))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLayersAreNamedInTheConfiguration(t *testing.T) {
	layers := []layer{{diffID: hashOf([]byte("a"))}, {diffID: hashOf([]byte("b"))}}
	config, err := configure([]byte(baseConfig), v1alpha1.AppendBuild{}, layers)
	fine(t, err)
	for _, want := range []string{
		`"history":[{"created_by":"base"},{"created_by":"append layer 1 of 2"},{"created_by":"append layer 2 of 2"}]`,
		`"rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("0", 64) + `","` + layers[0].diffID.String() + `","` + layers[1].diffID.String() + `"]}`,
	} {
		if !strings.Contains(string(config), want) {
			t.Errorf("want %s in %s", want, config)
		}
	}
}

// Readers of configurations do not tell upper from lower case, and take the
// last of two.
func TestNothingIsSaidTwice(t *testing.T) {
	config, err := configure([]byte(`{"Config":{"entrypoint":["/old"],"env":["A=1"],"labels":null}}`), v1alpha1.AppendBuild{
		Entrypoint: []string{"/new"}, Env: []v1alpha1.CheckEnv{{Name: "B", Value: "2"}}, Labels: map[string]string{"a": "1"},
	}, nil)
	fine(t, err)
	want := `{"config":{"Cmd":null,"Entrypoint":["/new"],"Env":["A=1","B=2"],"Labels":{"a":"1"}},"history":null,"rootfs":{"type":"","diff_ids":null}}`
	if diff := cmp.Diff(want, string(config)); diff != "" {
		t.Error(diff)
	}
}

func TestABaseMayHaveNoSettings(t *testing.T) {
	for _, base := range []string{`{}`, `{"config":null}`} {
		config, err := configure([]byte(base), v1alpha1.AppendBuild{User: "1", Labels: map[string]string{"a": "b"}}, nil)
		if err != nil || !strings.Contains(string(config), `"config":{"Labels":{"a":"b"},"User":"1"}`) {
			t.Errorf("%s gives %s, %v", base, config, err)
		}
	}
}

func TestConfigurationsThatLayersCannotBeAddedTo(t *testing.T) {
	for name, tc := range map[string]struct {
		config string
		layers int
		says   string
	}{
		"good":                     {baseConfig, 1, ""},
		"no system":                {`{"rootfs":{}}`, 0, ""},
		"not JSON":                 {`{"os":`, 0, "not JSON"},
		"null":                     {`null`, 0, "not JSON"},
		"a list":                   {`[]`, 0, "not JSON"},
		"for another system":       {`{"os":"windows"}`, 0, `for "windows"`},
		"a layer too few":          {baseConfig, 2, "speaks of 1 layers and its manifest of 2"},
		"a layer too many":         {baseConfig, 0, "speaks of 1 layers and its manifest of 0"},
		"twice in itself":          {`{"os":"linux","OS":"linux"}`, 0, `says "os" twice`},
		"twice in what it sets":    {`{"config":{"User":"0","user":"1"}}`, 0, `says "user" twice`},
		"a name here and there":    {`{"author":"a","config":{"author":"b"}}`, 0, ""},
		"settings that are a list": {`{"config":[]}`, 0, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fits([]byte(tc.config), tc.layers)
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

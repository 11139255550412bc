package scenario

import (
	"strings"
	"testing"
)

func TestSchemas(t *testing.T) {
	const body = `{"id":"hunter2","count":3,"items":[{"price":1.5},{"price":"hunter2"}],"users":{"hunter2":{"age":-1}},"none":null}`
	for name, tc := range map[string]struct {
		schema, body string
		invalid      bool
		want         string // "" is kept to
	}{
		"true":                      {"true", body, false, ""},
		"false":                     {"false", body, false, `its root breaks "false"`},
		"required":                  {`{"type":"object","required":["id","count"]}`, body, false, ""},
		"not there":                 {`{"required":["id","missing"]}`, body, false, `its root breaks "required"`},
		"another type":              {`{"properties":{"count":{"type":"string"}}}`, body, false, `/count breaks "type"`},
		"an item":                   {`{"properties":{"items":{"items":{"properties":{"price":{"type":"number"}}}}}}`, body, false, `/items/1/price breaks "type"`},
		"a name of the body's":      {`{"properties":{"users":{"additionalProperties":{"properties":{"age":{"minimum":0}}}}}}`, body, false, `/users/*/age breaks "minimum"`},
		"a name of nobody's":        {`{"additionalProperties":false}`, `{"hunter2":1}`, false, `its root breaks "additionalProperties"`},
		"a definition":              {`{"$defs":{"id":{"const":"x"}},"properties":{"id":{"$ref":"#/$defs/id"}}}`, body, false, `/id breaks "const"`},
		"a definition of 2020-12":   {`{"prefixItems":[{"type":"integer"}],"items":false}`, `[1,2]`, false, `/1 breaks`},
		"dependent":                 {`{"dependentRequired":{"id":["other"]}}`, body, false, `its root breaks "dependentRequired`},
		"unevaluated":               {`{"properties":{"id":true},"unevaluatedProperties":false}`, `{"id":1,"hunter2":2}`, false, `breaks`},
		"one of":                    {`{"properties":{"count":{"oneOf":[{"type":"string"},{"type":"null"}]}}}`, body, false, `/count breaks "oneOf"`},
		"any of":                    {`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, body, false, `its root breaks "anyOf"`},
		"not":                       {`{"not":{"required":["id"]}}`, body, false, `its root breaks "not"`},
		"a pattern":                 {`{"properties":{"id":{"pattern":"^[0-9]+$"}}}`, body, false, `/id breaks "pattern"`},
		"a large number":            {`{"const":9007199254740993}`, "9007199254740992", false, `its root breaks "const"`},
		"a format, which is a note": {`{"properties":{"id":{"format":"date"}}}`, body, false, ""},
		"the first of several":      {`{"properties":{"id":{"type":"null"},"count":{"type":"null"},"none":{"type":"string"}}}`, body, false, `/count breaks "type"`},
		"its own metaschema":        {`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"type":"hunter2"}`, false, `/* breaks "anyOf"`},
		"no JSON":                   {"true", "<html>hunter2", false, "a body that is not JSON"},
		"nothing":                   {"true", "", false, "a body that is not JSON"},

		"a schema that is no JSON":     {"{", body, true, "expect.jsonSchema: is not JSON"},
		"a schema that is none":        {`{"type":"strin"}`, body, true, "expect.jsonSchema: is not a JSON Schema of 2020-12: look at /type"},
		"a schema that is a text":      {`"x"`, body, true, "is not a JSON Schema"},
		"a schema elsewhere":           {`{"$ref":"https://example.com/schema"}`, body, true, "refers to another document"},
		"a schema in a file":           {`{"$ref":"file:///etc/passwd"}`, body, true, "refers to another document"},
		"a schema beside it":           {`{"$ref":"other.json"}`, body, true, "refers to another document"},
		"a dialect elsewhere":          {`{"$schema":"https://example.com/dialect"}`, body, true, "refers to another document"},
		"a definition that is missing": {`{"$ref":"#/$defs/nothing"}`, body, true, "is not a JSON Schema of 2020-12"},
		"an anchor that is missing":    {`{"$ref":"#nothing"}`, body, true, "refers to an anchor that it does not have"},
		"a pattern that is none":       {`{"pattern":"("}`, body, true, "is not a JSON Schema of 2020-12"},
		"a circle":                     {`{"$ref":"#"}`, body, true, "goes round in circles"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 { // it says the same each time
				failure := Keeps(tc.schema, []byte(tc.body))
				if (failure == nil) != (tc.want == "") || failure != nil && (failure.Invalid != tc.invalid || !strings.Contains(failure.Message, tc.want)) {
					t.Fatalf("got %+v", failure)
				}
				if failure != nil && strings.Contains(failure.Message, "hunter2") {
					t.Fatalf("it repeats the body: %s", failure.Message)
				}
			}
		})
	}
}

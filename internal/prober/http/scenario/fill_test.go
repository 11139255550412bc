package scenario

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var captured = Values{"id": int64(7), "big": int64(9007199254740993), "rate": 0.5, "ok": true, "token": `a/b?c&d="é"`, "up": "..", "line": "a\r\nX: y"}

func TestAValueIsEscapedForWhereItStands(t *testing.T) {
	const typed = "application/json"
	for name, tc := range map[string]struct {
		fill       func(string) (string, error)
		text, want string
	}{
		"in a path":                     {captured.path, "/a/${token}/b", "/a/a%2Fb%3Fc&d=%22%C3%A9%22/b"},
		"in a query":                    {captured.path, "/a?t=${token}&i=${id}", "/a?t=a%2Fb%3Fc%26d%3D%22%C3%A9%22&i=7"},
		"in both":                       {captured.path, "/${id}?i=${id}", "/7?i=7"},
		"a large number":                {captured.path, "/${big}", "/9007199254740993"},
		"a truth value":                 {captured.path, "/${ok}/${rate}", "/true/0.5"},
		"a plain ${":                    {captured.path, "/$${id}", "/${id}"},
		"dollars before":                {captured.path, "/$$${id}", "/$${id}"},
		"other dollars":                 {captured.path, "/$id/$", "/$id/$"},
		"dots that lead nowhere":        {captured.path, "/a/x${up}", "/a/x.."},
		"dots in a query":               {captured.path, "/a?b=/${up}/", "/a?b=/../"},
		"in JSON, quoted":               {body(typed), `{"a":"<${token}>"}`, `{"a":"<a/b?c&d=\"é\">"}`},
		"in JSON, alone":                {body(typed), `{"a":${token},"b":${id},"c":${ok},"d":[${rate}]}`, `{"a":"a/b?c&d=\"é\"","b":7,"c":true,"d":[0.5]}`},
		"in JSON, after a quoted quote": {body(typed), `{"a\"":${id},"b\\":"${id}"}`, `{"a\"":7,"b\\":"7"}`},
		"in JSON, as a name":            {body(typed), `{"${line}":1}`, `{"a\r\nX: y":1}`},
		"in what begins like JSON":      {body(""), ` [${token}]`, ` ["a/b?c&d=\"é\""]`},
		"in a form":                     {body("application/x-www-form-urlencoded"), "t=${token}&i=${id}", "t=a%2Fb%3Fc%26d%3D%22%C3%A9%22&i=7"},
		"in plain text":                 {body("text/plain"), "{${token}}", `{a/b?c&d="é"}`},
		"in what is not JSON":           {body(""), "t: ${token}", `t: a/b?c&d="é"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.fill(tc.text)
			if err != nil || got != tc.want {
				t.Errorf("got %q, want %q: %v", got, tc.want, err)
			}
		})
	}
}

func body(contentType string) func(string) (string, error) {
	return func(text string) (string, error) { return captured.body(text, contentType) }
}

func TestWhatAValueMustNotDo(t *testing.T) {
	for name, tc := range map[string]struct {
		request v1alpha1.HTTPRequest
		want    string
	}{
		"end a header":                {v1alpha1.HTTPRequest{Path: "/", Headers: []v1alpha1.HTTPHeader{{Name: "A", Value: "b"}, {Name: "B", Value: "${line}"}}}, "headers[1].value: cannot take ${line}: it has a line break"},
		"end a header that is wanted": {v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{Headers: []v1alpha1.HTTPHeader{{Name: "A", Value: "${line}"}}}}, "expect.headers[0].value: cannot take ${line}"},
		"lead elsewhere":              {v1alpha1.HTTPRequest{Path: "/a/${up}/b"}, "path: would lead elsewhere"},
		"be missing":                  {v1alpha1.HTTPRequest{Path: "/", Body: "${nothing}"}, "body: needs ${nothing}, which nothing captured"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := captured.Fill(tc.request); err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "X: y") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestExpressionsOverWhatWasCaptured(t *testing.T) {
	answer := Answer{Header: http.Header{"Location": {"/orders/7"}, "X-Two": {"a", "b"}}, Body: []byte(`{"id":7,"text":"${id}","rate":0.5}`)}
	for name, tc := range map[string]struct {
		expression string
		want       string // "" is true
	}{
		"a number":                   {"body.id == ${id}", ""},
		"the same one twice":         {"${id} == ${id} && [${id}].exists(x, x == ${id})", ""},
		"another":                    {"body.id == ${big}", "is not true"},
		"of another type":            {"body.id == ${token}", "is not true"},
		"joined with a text":         {`headers["location"] == "/orders/" + string(${id})`, ""},
		"the first of two headers":   {`headers["x-two"] == "a"`, ""},
		"no such header":             {`headers["x-three"] == "a"`, "a field is missing"},
		"a plain ${":                 {`body.text == "$${id}"`, ""},
		"the text itself":            {`text.contains("rate") && text.matches("[0-9]")`, ""},
		"the text, and the body":     {`text.size() > 0 && body.id == 7`, ""},
		"a name of nothing":          {"body.id == ${nothing}", "has ${nothing}, which no earlier request of this check captures"},
		"inside a text":              {`body.text == "${id}"`, "has ${id} inside a text, a name or a comment"},
		"inside a text, and outside": {`"${id}" == string(${id})`, "has ${id} inside a text, a name or a comment"},
		"inside a comment":           {"true // ${id}", "has ${id} inside a text, a name or a comment"},
		"as a part of a name":        {"body.x${id}", "has ${id} inside a text, a name or a comment"},
	} {
		t.Run(name, func(t *testing.T) {
			failure := captured.Holds(tc.expression, answer)
			if (failure == nil) != (tc.want == "") || failure != nil && !strings.Contains(failure.Message, tc.want) {
				t.Errorf("got %+v", failure)
			}
		})
	}
	plain := Answer{Body: []byte("hello, world")}
	if failure := captured.Holds(`text.endsWith("world")`, plain); failure != nil {
		t.Errorf("of a text that is not JSON: %+v", failure)
	}
}

func TestValidateScenarios(t *testing.T) {
	login := v1alpha1.HTTPRequest{Path: "/login", Capture: []v1alpha1.Capture{{Name: "token", Value: "body.token"}}}
	headers := func(value string) []v1alpha1.HTTPHeader { return []v1alpha1.HTTPHeader{{Name: "A", Value: value}} }
	websocket := &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamWebSocket}
	for name, tc := range map[string]struct {
		request v1alpha1.HTTPRequest
		want    string // "" is valid
	}{
		"everywhere": {v1alpha1.HTTPRequest{Path: "/${token}?t=${token}", Headers: headers("Bearer ${token}"), Body: "${token}", Expect: v1alpha1.HTTPExpectation{
			Headers: headers("${token}"), JSON: "body.token == ${token}",
		}, Capture: []v1alpha1.Capture{{Name: "next", Value: `${token} + "x"`}}}, ""},
		"plain ones":                  {v1alpha1.HTTPRequest{Path: "/$${x}", Headers: headers("$${x}"), Body: "$${x} $x {x}"}, ""},
		"the same name again":         {v1alpha1.HTTPRequest{Path: "/", Capture: []v1alpha1.Capture{{Name: "token", Value: "body.token"}}}, ""},
		"unknown in the path":         {v1alpha1.HTTPRequest{Path: "/${tokn}"}, "http.requests[1].path: has ${tokn}, which no earlier request of this check captures: capture it before, or write $${tokn} where that is meant as it is"},
		"unknown in a header":         {v1alpha1.HTTPRequest{Path: "/", Headers: headers("${tokn}")}, "http.requests[1].headers[0].value: has ${tokn}"},
		"unknown in the body":         {v1alpha1.HTTPRequest{Path: "/", Body: "${tokn}"}, "http.requests[1].body: has ${tokn}"},
		"unknown in what is expected": {v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{JSON: "body == ${tokn}"}}, "http.requests[1].expect.json: has ${tokn}"},
		"unknown in a header that is": {v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{Headers: headers("${tokn}")}}, "http.requests[1].expect.headers[0].value: has ${tokn}"},
		"unknown in a capture":        {v1alpha1.HTTPRequest{Path: "/", Capture: []v1alpha1.Capture{{Name: "a", Value: "${tokn}"}}}, "http.requests[1].capture[0].value: has ${tokn}"},
		"its own":                     {v1alpha1.HTTPRequest{Path: "/${own}", Capture: []v1alpha1.Capture{{Name: "own", Value: "body.a"}}}, "http.requests[1].path: has ${own}"},
		"never closed":                {v1alpha1.HTTPRequest{Path: "/", Body: "${token"}, "http.requests[1].body: has a ${ without the name of a captured value and a }"},
		"no name":                     {v1alpha1.HTTPRequest{Path: "/", Body: "${}"}, "http.requests[1].body: has a ${ without the name"},
		"a name that is none":         {v1alpha1.HTTPRequest{Path: "/", Body: "${a-b}"}, "http.requests[1].body: has a ${ without the name"},
		"a capture of a list":         {v1alpha1.HTTPRequest{Path: "/", Capture: []v1alpha1.Capture{{Name: "a", Value: "[1]"}}}, "http.requests[1].capture[0].value: gives a list(int), not a text, a number or a truth value"},
		"a capture that is no CEL":    {v1alpha1.HTTPRequest{Path: "/", Capture: []v1alpha1.Capture{{Name: "a", Value: "body."}}}, "http.requests[1].capture[0].value: is not CEL: line 1"},
		"a value inside a text":       {v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{JSON: `body == "${token}"`}}, `http.requests[1].expect.json: has ${token} inside a text, a name or a comment: it stands for a value, so write "…" + ${token}`},
		"a position after a value":    {v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{JSON: "${token} == bdy"}}, "http.requests[1].expect.json: is not CEL: line 1, column 13: undeclared reference to 'bdy'"},
		"a WebSocket":                 {v1alpha1.HTTPRequest{Path: "/", Method: "GET", Stream: websocket}, ""},
		"a WebSocket by POST":         {v1alpha1.HTTPRequest{Path: "/", Method: "POST", Stream: websocket}, "http.requests[1].method: is POST, but a WebSocket begins with GET"},
		"events by POST":              {v1alpha1.HTTPRequest{Path: "/", Method: "POST", Stream: &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamEvents}}, ""},
		"no schema":                   {v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{JSONSchema: "{"}}, "http.requests[1].expect.jsonSchema: is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(requests(login, tc.request))
			if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// Whatever was captured, and wherever it stands, it stays in its place: a path
// keeps its segments, a query its values, a header its line and JSON its form.
func FuzzFill(f *testing.F) {
	f.Add("hunter2", "/a/${v}/b?c=${v}&d=e", `{"a":"x${v}","b":${v}}`)
	f.Add("../..", "/${v}", "[${v}]")
	f.Add("a\r\nb", "/$${v}", `{"\"${v}\\":"${v}"}`)
	f.Add(`"},{"`, "/?${v}=${v}", `{"a":[${v},"${v}"]}`)
	f.Fuzz(func(t *testing.T, value, path, text string) {
		if value == "" {
			return
		}
		v, plain := Values{"v": value}, Values{"v": "x"}
		if !json.Valid([]byte(encode(value))) {
			t.Fatal("it is no JSON")
		}
		if before, err := plain.path(path); err == nil && strings.HasPrefix(path, "/") {
			want, wrong := url.ParseRequestURI(before)
			after, err := v.path(path)
			if got, parsed := url.ParseRequestURI(after); wrong == nil && err == nil && (parsed != nil || strings.Count(got.EscapedPath(), "/") != strings.Count(want.EscapedPath(), "/") || len(got.Query()) > len(want.Query())+1) {
				t.Errorf("%q becomes %q, with another value %q: %v", path, after, before, parsed)
			}
		}
		if filled, err := v.headers([]v1alpha1.HTTPHeader{{Name: "A", Value: "${v}"}}); err == nil && strings.ContainsAny(filled[0].Value, "\r\n\x00") {
			t.Errorf("a header is %q", filled[0].Value)
		}
		before, err := plain.body(text, "application/json")
		if err != nil || !json.Valid([]byte(before)) {
			return
		}
		after, err := v.body(text, "application/json")
		if err != nil || !json.Valid([]byte(after)) {
			t.Errorf("%q becomes %q: %v", text, after, err)
		}
	})
}

func TestPieces(t *testing.T) {
	got, err := pieces("a${b}$${c}${d}$")
	if diff := cmp.Diff([]piece{{text: "a"}, {name: "b"}, {text: "${c}"}, {name: "d"}, {text: "$"}}, got, cmp.AllowUnexported(piece{})); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

package scenario

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Whose fault it is that an expectation was not met.
const (
	invalid = "the expectation's"
	other   = "the answer's"
)

func requests(r ...v1alpha1.HTTPRequest) v1alpha1.HTTPCheck {
	return v1alpha1.HTTPCheck{Requests: r}
}

func TestExpressions(t *testing.T) {
	const body = `{"ok":true,"count":2,"id":9007199254740993,"rate":0.5,"name":"hunter2","signals":[{"side":"buy"},{"side":"sell"}],"none":null}`
	for name, tc := range map[string]struct {
		expression, body string
		reason           string
		says             string
	}{
		"a field":             {"body.ok", body, "", ""},
		"an integer":          {"body.count == 2 && body.count > 1 && body.count % 2 == 0", body, "", ""},
		"a large integer":     {"body.id == 9007199254740993", body, "", ""},
		"not its neighbour":   {"body.id == 9007199254740992", body, other, "is not true"},
		"a decimal number":    {"body.rate < 0.6 && body.rate > 0", body, "", ""},
		"a text":              {`body.name.startsWith("hunt") && body.name.upperAscii() == "HUNTER2"`, body, "", ""},
		"every item":          {`body.signals.all(s, s.side in ["buy", "sell"])`, body, "", ""},
		"not one item":        {`body.signals.exists(s, s.side == "hold")`, body, other, "is not true"},
		"a field that may be": {"has(body.none) && body.none == null && !has(body.nothing)", body, "", ""},
		"a list":              {"size(body) == 2", "[1,2]", "", ""},

		"a field that is not there":   {"body.nothing == 1", body, other, "a field is missing"},
		"a field of another type":     {"int(body.name) == 1", body, other, "of another type"},
		"a field that is no boolean":  {"body.count", body, invalid, "gives a int, not true or false"},
		"an expression of a number":   {"1 + 1", body, invalid, "gives a int, not true or false"},
		"no CEL":                      {"body.", body, invalid, "line 1, column 6"},
		"no body":                     {"true", "", other, "not JSON"},
		"no JSON":                     {"true", "<html>hunter2", other, "not JSON"},
		"JSON with something after":   {"true", "{} hunter2", other, "not JSON"},
		"more than may be computed":   {"body.all(a, body.all(b, body.all(c, a + b + c > 0)))", "[" + strings.Repeat("1,", 199) + "1]", other, "too large to compute"},
		"a body nested without limit": {"true", strings.Repeat("[", 1<<19), other, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			reason, problem := "", ""
			if failure := (Values{}).Holds(tc.expression, Answer{Body: []byte(tc.body)}); failure != nil {
				reason, problem = map[bool]string{true: invalid, false: other}[failure.Invalid], failure.Message
			}
			if reason != tc.reason || !strings.Contains(problem, tc.says) || (reason == "") != (problem == "") {
				t.Errorf("got %s: %s", reason, problem)
			}
			if strings.Contains(strings.ReplaceAll(problem, tc.expression, ""), "hunter2") {
				t.Errorf("it repeats the body: %s", problem)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	with := func(expressions ...string) v1alpha1.HTTPCheck {
		check := v1alpha1.HTTPCheck{}
		for _, e := range expressions {
			check.Requests = append(check.Requests, v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{JSON: e}})
		}
		return check
	}
	sized := func(n int, filler string) v1alpha1.HTTPCheck {
		const around = len(`{"requests":[{"path":"/","body":""}]}`)
		return requests(v1alpha1.HTTPRequest{Path: "/", Body: strings.Repeat(filler, n-around)})
	}
	for name, tc := range map[string]struct {
		check v1alpha1.HTTPCheck
		want  string // "" means that it is valid
	}{
		"no expression":                 {with(""), ""},
		"expressions":                   {with("body.ok", "size(body.signals) > 0"), ""},
		"an unknown name":               {with("body.ok", "", "true && bdy.ok"), "http.requests[2].expect.json: is not CEL: line 1, column 9: undeclared reference to 'bdy' (in container '')"},
		"on the second line":            {with("true &&\n  )"), "http.requests[0].expect.json: is not CEL: line 2, column 3: Syntax error: mismatched input ')'"},
		"no truth value":                {with("size(body)"), "http.requests[0].expect.json: gives a int, not true or false: compare it with what it must be"},
		"a bad path":                    {requests(v1alpha1.HTTPRequest{Path: "/%zz"}), "http.requests[0].path: is not the path of a URL"},
		"a path with query":             {requests(v1alpha1.HTTPRequest{Path: "/a%20b?c=d&e=f"}), ""},
		"as long as a Job can carry":    {sized(96<<10, "a"), ""},
		"one byte more":                 {sized(96<<10+1, "a"), "http.requests: are 98305 bytes as JSON, of which a Job can carry 98304"},
		"dollars, which take six bytes": {sized(20000, "$"), "http.requests: are "},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(tc.check)
			if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

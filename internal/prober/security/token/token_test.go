package token

import (
	"strings"
	"testing"
)

// Of a user's own token the claims are kept and nothing else; whatever it is,
// there are no more forgeries than are announced.
func TestForgeries(t *testing.T) {
	for name, tc := range map[string]struct {
		user string
		want int
	}{
		"nobody's":          {"", 7},
		"of another kind":   {"Basic aHVudGVyMg==", 7},
		"of no signature":   {"Bearer eyA.eyB.", 7},
		"a token":           {"Bearer eyA.eyB.Csig", 9},
		"it begins as ours": {"Bearer eyA.eyB.Asig", 9},
	} {
		t.Run(name, func(t *testing.T) {
			all := Forgeries(tc.user)
			if len(all) != tc.want || len(all) > Most {
				t.Errorf("%d forgeries", len(all))
			}
			for _, f := range all {
				if parts := strings.Split(f.Token, "."); len(parts) != 3 || "Bearer "+f.Token == tc.user {
					t.Errorf("%s is %q", f.What, f.Token)
				}
			}
		})
	}
}

func TestConfused(t *testing.T) {
	for name, tc := range map[string]struct {
		keys string
		want int
	}{
		"no JSON":         {"<html>", 0},
		"no keys":         {`{"keys":[]}`, 0},
		"another kind":    {`{"keys":[{"kty":"EC","x":"AQAB"}]}`, 0},
		"no base64":       {`{"keys":[{"n":"!","e":"AQAB"}]}`, 0},
		"a large power":   {`{"keys":[{"n":"AQAB","e":"AQABAQABAQAB"}]}`, 0},
		"a key":           {`{"keys":[{"n":"AQAB","e":"AQAB"}]}`, 1},
		"one among three": {`{"keys":[{},{"n":"AQAB","e":"AQAB"},{"n":""}]}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Confused(tc.keys); len(got) != tc.want {
				t.Errorf("%d tokens", len(got))
			}
		})
	}
}

package analysis

import (
	"testing"
	"time"
)

func TestExpand(t *testing.T) {
	for name, tc := range map[string]struct {
		query, release string
		window         time.Duration
		want           string
	}{
		"every variable":              {`x{n="${namespace}",a="${name}",s="${service}",r="${release}"}[${window}]`, "new", time.Minute, `x{n="prod",a="app",s="app",r="new"}[1m]`},
		"of the stable release":       {`x{r="${release}"}`, "old", time.Minute, `x{r="old"}`},
		"more than once":              {`${name}/${name}`, "new", time.Minute, `app/app`},
		"a window of several units":   {`[${window}]`, "new", 90 * time.Second, `[1m30s]`},
		"whole seconds":               {`[${window}]`, "new", 1999 * time.Millisecond, `[1s]`},
		"at least a second":           {`[${window}]`, "new", 0, `[1s]`},
		"before the judging began":    {`[${window}]`, "new", -time.Hour, `[1s]`},
		"what is not known is left":   {`${other} $name {name}`, "new", time.Minute, `${other} $name {name}`},
		"a value is not filled again": {`${release}`, "${name}", time.Minute, `${name}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Expand(tc.query, app, tc.release, tc.window); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

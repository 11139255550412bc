package leaks

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/test/leaky"
)

// The docs name every class and how many there are of everything.
func TestTheDocsSayWhatIsSent(t *testing.T) {
	text, err := os.ReadFile("../../../docs/leaks.md")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" \n,.`*()", r) })
	known := map[string]bool{}
	for _, word := range words {
		known[word] = true
	}
	for _, class := range fake.Classes() {
		if !known[class.Name] {
			t.Errorf("class %s is not named", class.Name)
		}
	}
	spec := leaky.Spec()
	for _, part := range []string{
		fmt.Sprintf("**%d classes**", len(fake.Classes())), fmt.Sprintf("**%d channels**", len(channels(spec))),
		fmt.Sprintf("1 + %d × (%d for each path + %d for each of `writePaths` + %d)", len(fake.Classes()), len(onPaths), len(onWritePaths), len(once)),
		fmt.Sprintf("the first %d MiB", maxLog>>20),
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("it does not say %q", part)
		}
	}
	if got := 1 + len(fake.Classes())*(len(onPaths)+len(onWritePaths)+len(once)); got != Requests(spec) {
		t.Errorf("%d requests by the formula of the docs, %d by the code", got, Requests(spec))
	}
}

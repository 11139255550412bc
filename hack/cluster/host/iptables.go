package host

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// CleanTables removes what kube-proxy, the kubelet and the CNI plugins leave
// in iptables, and no other rule. It runs after `kube-proxy --cleanup`, which
// leaves the canary chains and knows nothing of CNI.
func CleanTables(ctx context.Context) error {
	for _, family := range []string{"iptables", "ip6tables"} {
		if _, err := exec.LookPath("/usr/sbin/" + family); err != nil {
			continue
		}
		rules, err := run(ctx, family+"-save")
		if err != nil {
			return err
		}
		for table, chains := range ownedChains(rules) {
			if err := removeChains(ctx, family, table, rules, chains); err != nil {
				return fmt.Errorf("clean table %s of %s: %w", table, family, err)
			}
		}
	}
	return nil
}

// ownedChains lists the chains per table that Kubernetes and CNI own.
func ownedChains(rules string) map[string][]string {
	found := map[string][]string{}
	table := ""
	for line := range strings.SplitSeq(rules, "\n") {
		if strings.HasPrefix(line, "*") {
			table = line[1:]
		}
		if strings.HasPrefix(line, ":") && owned(strings.Fields(line)[0][1:]) {
			found[table] = append(found[table], strings.Fields(line)[0][1:])
		}
	}
	return found
}

func owned(chain string) bool {
	return strings.HasPrefix(chain, "KUBE-") || strings.HasPrefix(chain, "CNI-")
}

// removeChains is one transaction: jumps from built-in chains go, the chains
// are emptied, then deleted.
func removeChains(ctx context.Context, family, table, rules string, chains []string) error {
	var script strings.Builder
	fmt.Fprintf(&script, "*%s\n", table)
	for _, chain := range chains {
		fmt.Fprintf(&script, ":%s - [0:0]\n", chain) // declares and flushes
	}
	for _, rule := range jumps(rules, table) {
		fmt.Fprintf(&script, "-D %s\n", rule)
	}
	for _, chain := range chains {
		fmt.Fprintf(&script, "-X %s\n", chain)
	}
	script.WriteString("COMMIT\n")
	_, err := feed(ctx, script.String(), family+"-restore", "--noflush")
	return err
}

// jumps are the rules of other chains that lead into an owned one.
func jumps(rules, table string) []string {
	var found []string
	current := ""
	for line := range strings.SplitSeq(rules, "\n") {
		if strings.HasPrefix(line, "*") {
			current = line[1:]
		}
		words := strings.Fields(line)
		if current != table || len(words) < 2 || words[0] != "-A" || owned(words[1]) {
			continue
		}
		for i, word := range words[:len(words)-1] {
			if (word == "-j" || word == "-g") && owned(words[i+1]) {
				found = append(found, strings.TrimPrefix(line, "-A "))
			}
		}
	}
	return found
}

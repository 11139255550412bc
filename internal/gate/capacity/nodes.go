package capacity

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Facts are what is seen of the cluster's nodes.
type Facts struct {
	Unseen    string // why nodes are not seen: the rest of a sentence; empty when they are
	Nodes     []corev1.Node
	Blind     string                         // why it is not seen what runs on them; empty when it is
	Requested map[string]corev1.ResourceList // what their pods request, by node
}

// Nodes says whether enough nodes are ready, and have room for the release's
// pods at full strength. Nodes that are cordoned are left out.
func Nodes(name string, g v1alpha1.NodesGate, sd *v1alpha1.SignalDeployment, f Facts) verdict.Verdict {
	if f.Unseen != "" {
		return verdict.With(wait("NodesUnknown", "Gate %q does not know of any node: %s", name, f.Unseen), verdict.Evidence{Source: source})
	}
	v := healthy(name, g, f.Nodes)
	if v.Outcome != verdict.Passed || g.Room == v1alpha1.NodeRoomIgnored {
		return v
	}
	return roomy(name, sd, f)
}

const source = "nodes of the cluster"

// healthy says whether enough nodes are ready and under no pressure.
func healthy(name string, g v1alpha1.NodesGate, nodes []corev1.Node) verdict.Verdict {
	total, good := 0, 0
	var bad []string
	for _, node := range nodes {
		if node.Spec.Unschedulable {
			continue
		}
		total++
		if well(node) {
			good++
			continue
		}
		bad = append(bad, node.Name)
	}
	needs, least := enough(g, total)
	slices.Sort(bad)
	rests := verdict.Evidence{Value: fmt.Sprintf("%d of %d", good, total), Threshold: ">= " + needs, Source: source}
	switch {
	case total == 0:
		return verdict.With(wait("NodesNotReady", "Gate %q waits for a node that is not cordoned", name), rests)
	case good < least && len(bad) == 0:
		return verdict.With(wait("NodesNotReady", "Gate %q waits for %s ready nodes: the cluster has fewer that are not cordoned", name, needs), rests)
	case good < least:
		return verdict.With(wait("NodesNotReady", "Gate %q waits for %s of the nodes to be ready and under no pressure: %s", name, needs, verdict.Clip(strings.Join(bad, ", "), 512)), rests)
	}
	return verdict.With(pass("NodesReady", "At least %s of the nodes are ready and under no pressure", needs), rests)
}

// enough is how many nodes must be ready: as it was written, and as a number.
func enough(g v1alpha1.NodesGate, total int) (text string, least int) {
	if g.MinReady == nil {
		return "100%", total
	}
	text = g.MinReady.String()
	share, percentage := strings.CutSuffix(text, "%")
	var n int
	if _, err := fmt.Sscan(share, &n); err != nil { // the schema refuses it
		return text, total
	}
	if percentage {
		return text, (total*n + 99) / 100
	}
	return text, n
}

// well reports whether a node is ready, and under no pressure.
func well(node corev1.Node) bool {
	ready := false
	for _, c := range node.Status.Conditions {
		holds := c.Status == corev1.ConditionTrue
		if holds && slices.Contains(pressures, c.Type) {
			return false
		}
		ready = ready || holds && c.Type == corev1.NodeReady
	}
	return ready
}

// pressures are the conditions under which a node is not well, ready or not.
var pressures = []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeNetworkUnavailable}

// roomy says whether the nodes that admit the release's pods have room for
// them, beside the pods that are there.
func roomy(name string, sd *v1alpha1.SignalDeployment, f Facts) verdict.Verdict {
	spec, pods := sd.Spec.Template.Spec, strength(sd)
	rests := verdict.Evidence{Threshold: fmt.Sprintf("room for %d pods", pods), Source: source + ", and what their pods request"}
	if f.Blind != "" {
		return verdict.With(wait("NodeRoomUnknown", "Gate %q does not know whether nodes have room: %s", name, f.Blind), rests)
	}
	need, admits, fits := requests(spec), 0, int64(0)
	for _, node := range f.Nodes {
		if node.Spec.Unschedulable || !well(node) || !admitted(spec, node) {
			continue
		}
		admits++
		fits += room(need, node.Status.Allocatable, f.Requested[node.Name])
	}
	rests.Value = fmt.Sprintf("room for %d pods on %d nodes", fits, admits)
	switch {
	case admits == 0:
		return verdict.With(wait("NodesUnfit", "Gate %q waits for a ready node that takes the pods of the release: none has the labels that spec.template selects, and only taints that it tolerates", name), rests)
	case fits < pods:
		return verdict.With(wait("NodesFull", "Gate %q waits for room on nodes: the release adds %d pods, each of which requests %s", name, pods, told(need)), rests)
	}
	unseen := ""
	if all := unjudged(spec); len(all) > 0 {
		unseen = "; what its " + strings.Join(all, ", ") + " ask of nodes was not looked at"
	}
	return verdict.With(pass("NodeRoom", "Nodes are ready, and have room for the %d pods that the release adds%s", pods, unseen), rests)
}

// told is what a pod requests, for people.
func told(need corev1.ResourceList) string {
	var all []string
	for name, amount := range need {
		if name != corev1.ResourcePods {
			all = append(all, fmt.Sprintf("%s of %s", amount.String(), name))
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

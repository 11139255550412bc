package capacity

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

type change = func(*corev1.Node)

// node is ready, and has room for 10 pods, 4 CPUs and 8 GiB.
func node(name string, changes ...change) corev1.Node {
	n := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"zone": name, "disk": "ssd", "cores": "8"}},
		Status: corev1.NodeStatus{
			Allocatable: amounts("pods", "10", "cpu", "4", "memory", "8Gi"),
			Conditions:  []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse}, {Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, c := range changes {
		c(&n)
	}
	return n
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

func unready(n *corev1.Node) { n.Status.Conditions[1].Status = corev1.ConditionUnknown }

func pressed(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionTrue }

func silent(n *corev1.Node) { n.Status.Conditions = nil }

func tainted(effect corev1.TaintEffect) change {
	return func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: "gpu", Value: "yes", Effect: effect}} }
}

func TestNodesAreHealthy(t *testing.T) {
	ready := func(needs string) verdict.Verdict {
		return pass("NodesReady", "At least %s of the nodes are ready and under no pressure", needs)
	}
	ill := func(needs, which string) verdict.Verdict {
		return wait("NodesNotReady", `Gate "cluster" waits for %s of the nodes to be ready and under no pressure: %s`, needs, which)
	}
	for name, tc := range map[string]struct {
		minReady any
		nodes    []corev1.Node
		want     verdict.Verdict
	}{
		"all, as nothing else is said":  {nil, []corev1.Node{node("a"), node("b")}, ready("100%")},
		"one is not":                    {nil, []corev1.Node{node("a"), node("b", unready)}, ill("100%", "b")},
		"one is under pressure":         {nil, []corev1.Node{node("b", pressed), node("a")}, ill("100%", "b")},
		"one says nothing":              {nil, []corev1.Node{node("a", silent)}, ill("100%", "a")},
		"told in one order":             {nil, []corev1.Node{node("b", unready), node("a", pressed)}, ill("100%", "a, b")},
		"just enough percent":           {"66%", []corev1.Node{node("a"), node("b"), node("c", unready)}, ready("66%")},
		"a little too few":              {"67%", []corev1.Node{node("a"), node("b"), node("c", unready)}, ill("67%", "c")},
		"one percent is one node":       {"1%", []corev1.Node{node("a", unready), node("b", unready)}, ill("1%", "a, b")},
		"just enough of them":           {2, []corev1.Node{node("a"), node("b"), node("c", unready)}, ready("2")},
		"too few":                       {3, []corev1.Node{node("a"), node("b"), node("c", unready)}, ill("3", "c")},
		"all are ready, but too few":    {3, []corev1.Node{node("a"), node("b")}, wait("NodesNotReady", `Gate "cluster" waits for 3 ready nodes: the cluster has fewer that are not cordoned`)},
		"who is cordoned is left out":   {nil, []corev1.Node{node("a"), node("b", cordoned, unready)}, ready("100%")},
		"and counts for nothing":        {2, []corev1.Node{node("a"), node("b", cordoned)}, wait("NodesNotReady", `Gate "cluster" waits for 2 ready nodes: the cluster has fewer that are not cordoned`)},
		"there is none":                 {"1%", nil, wait("NodesNotReady", `Gate "cluster" waits for a node that is not cordoned`)},
		"all are cordoned":              {1, []corev1.Node{node("a", cordoned)}, wait("NodesNotReady", `Gate "cluster" waits for a node that is not cordoned`)},
		"a hundred percent of nothing?": {"100%", nil, wait("NodesNotReady", `Gate "cluster" waits for a node that is not cordoned`)},
	} {
		t.Run(name, func(t *testing.T) {
			g := v1alpha1.NodesGate{Room: v1alpha1.NodeRoomIgnored}
			switch least := tc.minReady.(type) {
			case int:
				g.MinReady = new(intstr.FromInt(least))
			case string:
				g.MinReady = new(intstr.FromString(least))
			}
			if diff := cmp.Diff(tc.want, Nodes("cluster", g, testkit.SignalDeployment(), Facts{Nodes: tc.nodes}), untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhoSeesNothingKnowsNothing(t *testing.T) {
	got := Nodes("cluster", v1alpha1.NodesGate{Room: v1alpha1.NodeRoomIgnored}, testkit.SignalDeployment(), Facts{Unseen: "the operator may not"})
	if diff := cmp.Diff(wait("NodesUnknown", `Gate "cluster" does not know of any node: the operator may not`), got, untold); diff != "" {
		t.Error(diff)
	}
	got = Nodes("cluster", v1alpha1.NodesGate{}, testkit.SignalDeployment(), Facts{Nodes: []corev1.Node{node("a")}, Blind: "pods are not seen"})
	if diff := cmp.Diff(wait("NodeRoomUnknown", `Gate "cluster" does not know whether nodes have room: pods are not seen`), got, untold); diff != "" {
		t.Error(diff)
	}
}

// on is a pod that runs on a node.
func on(name string, requests corev1.ResourceList, phase corev1.PodPhase) corev1.Pod {
	return corev1.Pod{Spec: corev1.PodSpec{NodeName: name, Containers: []corev1.Container{asks(requests, nil)}}, Status: corev1.PodStatus{Phase: phase}}
}

func in(key string, operator corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: operator, Values: values}
}

func must(terms ...corev1.NodeSelectorTerm) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}
	}
}

func expressions(all ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: all}
}

// Four pods of 1 CPU and 1 GiB each are to find room.
func TestNodesHaveRoom(t *testing.T) {
	fits := pass("NodeRoom", "Nodes are ready, and have room for the 4 pods that the release adds")
	full := wait("NodesFull", `Gate "cluster" waits for room on nodes: the release adds 4 pods, each of which requests 1 of cpu, 1Gi of memory`)
	unfit := wait("NodesUnfit", `Gate "cluster" waits for a ready node that takes the pods of the release: none has the labels that spec.template selects, and only taints that it tolerates`)
	nothing := func(*corev1.PodSpec) {}
	half := node("a", func(n *corev1.Node) { n.Status.Allocatable = amounts("pods", "10", "cpu", "2900m", "memory", "8Gi") })
	for name, tc := range map[string]struct {
		template func(*corev1.PodSpec)
		nodes    []corev1.Node
		pods     []corev1.Pod
		want     verdict.Verdict
	}{
		"an empty node":              {nothing, []corev1.Node{node("a")}, nil, fits},
		"one pod's CPU is taken":     {nothing, []corev1.Node{node("a")}, []corev1.Pod{on("a", amounts("cpu", "1m"), corev1.PodRunning)}, full},
		"by a pod that has ended":    {nothing, []corev1.Node{node("a")}, []corev1.Pod{on("a", amounts("cpu", "4"), corev1.PodSucceeded), on("a", amounts("cpu", "4"), corev1.PodFailed)}, fits},
		"by a pod that starts":       {nothing, []corev1.Node{node("a")}, []corev1.Pod{on("a", amounts("cpu", "1"), corev1.PodPending)}, full},
		"by a pod without a node":    {nothing, []corev1.Node{node("a")}, []corev1.Pod{on("", amounts("cpu", "4"), corev1.PodPending)}, fits},
		"memory":                     {nothing, []corev1.Node{node("a")}, []corev1.Pod{on("a", amounts("memory", "5Gi"), corev1.PodRunning)}, full},
		"places for pods":            {nothing, []corev1.Node{node("a", func(n *corev1.Node) { n.Status.Allocatable["pods"] = resource.MustParse("3") })}, nil, full},
		"on two nodes":               {nothing, []corev1.Node{half, node("b", func(n *corev1.Node) { n.Status.Allocatable["cpu"] = resource.MustParse("2") })}, nil, fits},
		"halves of a pod do not add": {nothing, []corev1.Node{half, node("b", func(n *corev1.Node) { n.Status.Allocatable["cpu"] = resource.MustParse("1900m") })}, nil, full},
		"more than all is taken":     {nothing, []corev1.Node{node("a"), node("b")}, []corev1.Pod{on("b", amounts("cpu", "40"), corev1.PodRunning)}, fits},
		"what no node has":           {func(s *corev1.PodSpec) { s.Containers[0].Resources.Limits = amounts("example.com/gpu", "1") }, []corev1.Node{node("a")}, nil, wait("NodesFull", `Gate "cluster" waits for room on nodes: the release adds 4 pods, each of which requests 1 of cpu, 1 of example.com/gpu, 1Gi of memory`)},
		"nothing is requested":       {func(s *corev1.PodSpec) { s.Containers[0].Resources = corev1.ResourceRequirements{} }, []corev1.Node{node("a", func(n *corev1.Node) { n.Status.Allocatable = amounts("pods", "4") })}, nil, fits},
		"and there are too few places": {
			func(s *corev1.PodSpec) { s.Containers[0].Resources = corev1.ResourceRequirements{} },
			[]corev1.Node{node("a", func(n *corev1.Node) { n.Status.Allocatable = amounts("pods", "3") })},
			nil,
			wait("NodesFull", `Gate "cluster" waits for room on nodes: the release adds 4 pods, each of which requests nothing`),
		},
		"cordoned":                 {nothing, []corev1.Node{node("a", cordoned), half}, nil, full},
		"selected":                 {func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{"disk": "ssd"} }, []corev1.Node{node("a")}, nil, fits},
		"not selected":             {func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{"disk": "hdd"} }, []corev1.Node{node("a")}, nil, unfit},
		"a taint":                  {nothing, []corev1.Node{node("a", tainted(corev1.TaintEffectNoSchedule))}, nil, unfit},
		"a taint that drives away": {nothing, []corev1.Node{node("a", tainted(corev1.TaintEffectNoExecute))}, nil, unfit},
		"a taint that only asks":   {nothing, []corev1.Node{node("a", tainted(corev1.TaintEffectPreferNoSchedule))}, nil, fits},
		"tolerated": {func(s *corev1.PodSpec) {
			s.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
		}, []corev1.Node{node("a", tainted(corev1.TaintEffectNoSchedule))}, nil, fits},
		"tolerated for another":       {func(s *corev1.PodSpec) { s.Tolerations = []corev1.Toleration{{Key: "gpu", Value: "no"}} }, []corev1.Node{node("a", tainted(corev1.TaintEffectNoSchedule))}, nil, unfit},
		"affinity":                    {must(expressions(in("zone", corev1.NodeSelectorOpIn, "a", "b"), in("disk", corev1.NodeSelectorOpExists))), []corev1.Node{node("a")}, nil, fits},
		"one of its terms holds":      {must(expressions(in("zone", corev1.NodeSelectorOpIn, "x")), expressions(in("cores", corev1.NodeSelectorOpGt, "4"))), []corev1.Node{node("a")}, nil, fits},
		"one of a term does not":      {must(expressions(in("zone", corev1.NodeSelectorOpIn, "a"), in("cores", corev1.NodeSelectorOpLt, "8"))), []corev1.Node{node("a")}, nil, unfit},
		"a number that is none":       {must(expressions(in("zone", corev1.NodeSelectorOpGt, "4"))), []corev1.Node{node("a")}, nil, unfit},
		"keeps away":                  {must(expressions(in("zone", corev1.NodeSelectorOpNotIn, "a"))), []corev1.Node{node("a"), half}, nil, unfit},
		"keeps away from what is not": {must(expressions(in("arm", corev1.NodeSelectorOpDoesNotExist))), []corev1.Node{node("a")}, nil, fits},
		"a term of nothing":           {must(corev1.NodeSelectorTerm{}), []corev1.Node{node("a")}, nil, unfit},
		"no terms":                    {must(), []corev1.Node{node("a")}, nil, unfit},
		"by the node's name":          {must(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{in("metadata.name", corev1.NodeSelectorOpIn, "a")}}), []corev1.Node{node("a")}, nil, fits},
		"by another node's name":      {must(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{in("metadata.name", corev1.NodeSelectorOpIn, "b")}}), []corev1.Node{node("a")}, nil, unfit},
		"something is not looked at": {func(s *corev1.PodSpec) {
			s.SchedulerName, s.HostNetwork = "mine", true
			s.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80}}
			s.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{}}}}
		}, []corev1.Node{node("a")}, nil, pass("NodeRoom", "Nodes are ready, and have room for the 4 pods that the release adds; what its podAntiAffinity, host ports, schedulerName ask of nodes was not looked at")},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Template.Spec.Containers = []corev1.Container{asks(amounts("cpu", "1", "memory", "1Gi"), nil)}
				tc.template(&sd.Spec.Template.Spec)
			})
			got := Nodes("cluster", v1alpha1.NodesGate{Room: v1alpha1.NodeRoomRequired}, sd, Facts{Nodes: tc.nodes, Requested: Requested(tc.pods)})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is said to fit can be put there, one pod after the other; what is not,
// cannot.
func TestRoomIsWhatCanBePlaced(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	quantity := func(most int64) resource.Quantity {
		return *resource.NewMilliQuantity(random.Int64N(most), resource.DecimalSI)
	}
	for range 500 {
		need := corev1.ResourceList{"pods": resource.MustParse("1"), "cpu": *resource.NewMilliQuantity(1+random.Int64N(900), resource.DecimalSI), "memory": *resource.NewMilliQuantity(1+random.Int64N(900), resource.DecimalSI)}
		has := corev1.ResourceList{"pods": *resource.NewQuantity(random.Int64N(12), resource.DecimalSI), "cpu": quantity(5000), "memory": quantity(5000)}
		used := corev1.ResourceList{"pods": *resource.NewQuantity(random.Int64N(4), resource.DecimalSI), "cpu": quantity(2000), "memory": quantity(2000)}
		fits, placed := room(need, has, used), int64(0)
		for ; placed < 100; placed++ {
			held := true
			for name, amount := range need {
				sum := used[name].DeepCopy()
				sum.Add(amount)
				used[name] = sum
				held = held && sum.Cmp(has[name]) <= 0
			}
			if !held {
				break
			}
		}
		if fits != placed {
			t.Fatalf("%v on %v: said %d, placed %d", need, has, fits, placed)
		}
	}
}

package capacity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// untold are the parts of a verdict that a test says nothing about.
var untold = cmpopts.IgnoreFields(verdict.Verdict{}, "Evidence", "Name", "Kind")

// amounts is a list of resources: a name, how much, a name, how much.
func amounts(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

func asks(requests, limits corev1.ResourceList) corev1.Container {
	return corev1.Container{Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits}}
}

func quota(hard, used corev1.ResourceList, scopes ...corev1.ResourceQuotaScope) corev1.ResourceQuota {
	q := corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Scopes: scopes}, Status: corev1.ResourceQuotaStatus{Hard: hard, Used: used}}
	q.Name = "few"
	return q
}

func TestAQuota(t *testing.T) {
	room := pass("QuotaRoom", "Every ResourceQuota has room for the 4 pods that the release adds")
	full := func(need, what string) verdict.Verdict {
		return wait("QuotaFull", `Gate "room" waits for room in ResourceQuota "few": the release adds 4 pods, which need %s of %s`, need, what)
	}
	cpu := asks(amounts("cpu", "500m"), nil)
	for name, tc := range map[string]struct {
		container corev1.Container
		quota     corev1.ResourceQuota
		want      verdict.Verdict
	}{
		"just enough pods":     {cpu, quota(amounts("pods", "8"), amounts("pods", "4")), room},
		"one pod too few":      {cpu, quota(amounts("pods", "8"), amounts("pods", "5")), full("4", "pods")},
		"counted as objects":   {cpu, quota(amounts("count/pods", "3"), nil), full("4", "count/pods")},
		"just enough CPU":      {cpu, quota(amounts("requests.cpu", "2"), nil), room},
		"a thousandth too few": {cpu, quota(amounts("requests.cpu", "2"), amounts("requests.cpu", "1m")), full("2", "requests.cpu")},
		"by its short name":    {cpu, quota(amounts("cpu", "1"), nil), full("2", "cpu")},
		"already over":         {cpu, quota(amounts("cpu", "1"), amounts("cpu", "9")), full("2", "cpu")},
		"limits":               {asks(nil, amounts("memory", "1Gi")), quota(amounts("limits.memory", "3Gi"), nil), full("4Gi", "limits.memory")},
		"a limit is a request": {asks(nil, amounts("memory", "1Gi")), quota(amounts("requests.memory", "3Gi"), nil), full("4Gi", "requests.memory")},
		"nothing of it asked":  {cpu, quota(amounts("requests.memory", "0"), nil), room},
		"something else":       {cpu, quota(amounts("services", "0", "requests.nvidia.com/gpu", "0"), nil), room},
		"the first by name":    {cpu, quota(amounts("requests.cpu", "1", "pods", "1", "cpu", "1"), nil), full("2", "cpu")},
		"not yet counted":      {cpu, corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Hard: amounts("pods", "0")}}, room},

		"for pods with a deadline":       {cpu, quota(amounts("pods", "0"), nil, corev1.ResourceQuotaScopeTerminating), room},
		"for pods without":               {cpu, quota(amounts("pods", "0"), nil, corev1.ResourceQuotaScopeNotTerminating), full("4", "pods")},
		"for pods that ask for nothing":  {cpu, quota(amounts("pods", "0"), nil, corev1.ResourceQuotaScopeBestEffort), room},
		"which this one does":            {corev1.Container{}, quota(amounts("pods", "0"), nil, corev1.ResourceQuotaScopeBestEffort), full("4", "pods")},
		"for pods that ask for anything": {cpu, quota(amounts("pods", "0"), nil, corev1.ResourceQuotaScopeNotBestEffort), full("4", "pods")},
		"which this one does not":        {corev1.Container{}, quota(amounts("pods", "0"), nil, corev1.ResourceQuotaScopeNotBestEffort), room},
		"for a priority class": {cpu, func() corev1.ResourceQuota {
			q := quota(amounts("pods", "0"), nil)
			q.Spec.ScopeSelector = &corev1.ScopeSelector{}
			return q
		}(), room},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Template.Spec.Containers = []corev1.Container{tc.container}
			})
			generous := quota(amounts("pods", "1000", "cpu", "1000", "requests.cpu", "1000", "limits.memory", "1Ti"), nil)
			generous.Name = "zzz"
			got := Quotas("room", sd, []corev1.ResourceQuota{generous, tc.quota})
			if diff := cmp.Diff(tc.want, got, untold); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatAPodNeeds(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	sidecar := asks(amounts("cpu", "2"), nil)
	sidecar.RestartPolicy = &always
	for name, tc := range map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"nothing":                       {corev1.PodSpec{Containers: []corev1.Container{{}}}, "0"},
		"all containers":                {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil), asks(amounts("cpu", "500m"), nil)}}, "1500m"},
		"a small init container":        {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, InitContainers: []corev1.Container{asks(amounts("cpu", "1"), nil)}}, "1"},
		"a large one":                   {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, InitContainers: []corev1.Container{asks(amounts("cpu", "3"), nil)}}, "3"},
		"a sidecar":                     {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, InitContainers: []corev1.Container{sidecar}}, "3"},
		"a large one after the sidecar": {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, InitContainers: []corev1.Container{sidecar, asks(amounts("cpu", "3"), nil)}}, "5"},
		"a large one before it":         {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, InitContainers: []corev1.Container{asks(amounts("cpu", "4"), nil), sidecar}}, "4"},
		"overhead":                      {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, Overhead: amounts("cpu", "250m")}, "1250m"},
		"the pod says it for all":       {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), nil)}, Resources: &corev1.ResourceRequirements{Requests: amounts("cpu", "7")}}, "7"},
		"a limit alone":                 {corev1.PodSpec{Containers: []corev1.Container{asks(nil, amounts("cpu", "6"))}}, "6"},
		"a request below the limit":     {corev1.PodSpec{Containers: []corev1.Container{asks(amounts("cpu", "1"), amounts("cpu", "6"))}}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := perPod(tc.spec, corev1.ResourceCPU, requested); got.Cmp(resource.MustParse(tc.want)) != 0 {
				t.Errorf("needs %s, want %s", got.String(), tc.want)
			}
		})
	}
}

// Judging changes nothing that it is given.
func TestAQuotaIsLeftAsItIs(t *testing.T) {
	sd, quotas := testkit.SignalDeployment(), []corev1.ResourceQuota{quota(amounts("pods", "8"), amounts("pods", "1"))}
	sd.Spec.Template.Spec.Containers = []corev1.Container{asks(amounts("cpu", "1"), amounts("cpu", "2"))}
	was, before := sd.DeepCopy(), quotas[0].DeepCopy()
	Quotas("room", sd, quotas)
	if diff := cmp.Diff(was, sd) + cmp.Diff(*before, quotas[0]); diff != "" {
		t.Error(diff)
	}
}

package artifact

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

var (
	config  = "sha256:" + strings.Repeat("c", 64)
	alias   = repository + "@" + elsewise
	ownName = repository + "@" + pinned
)

// run is a pod that was given an image, and whose node reports another.
func run(name, given, reported string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "proxy", Image: "proxy:1"}, {Name: "app", Image: given}}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "proxy", ImageID: "proxy@sha256:0"}, {Name: "app", ImageID: reported}}},
	}
}

func recorded(accepted ...string) v1alpha1.Release {
	r := rel
	r.Artifact = &v1alpha1.ArtifactRecord{Accepted: accepted}
	return r
}

// comparing are the Job and the pod that looked at a reference.
func comparing(t *testing.T, ref string, code int32, message string) []client.Object {
	t.Helper()
	c := cluster(t)
	if err := Compare(t.Context(), c, app(), rel, []string{ref}, settings); err != nil {
		t.Fatal(err)
	}
	list := &batchv1.JobList{}
	if err := c.List(t.Context(), list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%d Jobs, %v", len(list.Items), err)
	}
	job := own(&list.Items[0], complete)
	job.ResourceVersion = ""
	return []client.Object{job, podOf(job, code, message)}
}

func found(digest string, accepted ...string) string {
	return answer(digest, &v1alpha1.ArtifactRecord{Accepted: accepted}, good("Resolved"))
}

func TestProve(t *testing.T) {
	for name, tc := range map[string]struct {
		rel     v1alpha1.Release
		pods    []corev1.Pod
		objects []client.Object
		outcome v1alpha1.Outcome
		reason  string
		says    string
		asks    []string
	}{
		"the digest":                      {rel, []corev1.Pod{run("a", ownName, ownName), run("b", ownName, ownName)}, nil, verdict.Passed, ReasonProven, "All 2 pods", nil},
		"as docker says it":               {rel, []corev1.Pod{run("a", ownName, "docker-pullable://"+ownName)}, nil, verdict.Passed, ReasonProven, "All 1 pods", nil},
		"by a mirror":                     {rel, []corev1.Pod{run("a", "mirror.example/app@"+pinned, "mirror.example/app@"+pinned)}, nil, verdict.Passed, ReasonProven, "All 1 pods", nil},
		"the manifest of the index":       {recorded(elsewise), []corev1.Pod{run("a", ownName, alias)}, nil, verdict.Passed, ReasonProven, "All 1 pods", nil},
		"the configuration of the image":  {recorded(config), []corev1.Pod{run("a", ownName, config)}, nil, verdict.Passed, ReasonProven, "All 1 pods", nil},
		"no pod yet":                      {rel, nil, nil, verdict.Unknown, ReasonUnproven, "not reported", nil},
		"a pod that has not started":      {rel, []corev1.Pod{run("a", ownName, ownName), run("b", ownName, "")}, nil, verdict.Unknown, ReasonUnproven, `"b"`, nil},
		"a pod that was given another":    {rel, []corev1.Pod{run("a", repository+":v1", ownName)}, nil, verdict.Failed, ReasonOtherImage, `"every" of pod "a" runs proxy:1, registry.example/acme/app:v1`, nil},
		"another configuration":           {recorded(config), []corev1.Pod{run("a", ownName, elsewise)}, nil, verdict.Failed, ReasonOtherImage, `"app" of pod "a"`, nil},
		"one among many":                  {recorded(config), []corev1.Pod{run("a", ownName, ownName), run("b", ownName, elsewise)}, nil, verdict.Failed, ReasonOtherImage, `pod "b"`, nil},
		"another name":                    {recorded(config), []corev1.Pod{run("a", ownName, alias)}, nil, verdict.Unknown, ReasonUnproven, "compared", []string{alias}},
		"another name, of a given digest": {rel, []corev1.Pod{run("a", ownName, alias)}, nil, verdict.Unknown, ReasonUnproven, "compared", []string{alias, ownName}},
		"another name of the same":        {recorded(config), []corev1.Pod{run("a", ownName, alias), run("b", ownName, alias)}, comparing(t, alias, 0, found(elsewise, config)), verdict.Passed, ReasonProven, "All 2 pods", nil},
		"another name of something else":  {recorded(config), []corev1.Pod{run("a", ownName, alias)}, comparing(t, alias, 0, found(elsewise, "sha256:3")), verdict.Failed, ReasonOtherImage, alias, nil},
		"a name that no registry knows":   {recorded(config), []corev1.Pod{run("a", ownName, alias)}, comparing(t, alias, 0, answer("", nil, fail("ImageNotFound", "no"))), verdict.Failed, ReasonOtherImage, alias, nil},
		"a registry that does not say":    {recorded(config), []corev1.Pod{run("a", ownName, alias)}, comparing(t, alias, 1, answer("", nil, wait("RegistryUnavailable", "no answer"))), verdict.Unknown, ReasonUnproven, "compared", []string{alias}},
		"the same, of a given digest":     {rel, []corev1.Pod{run("a", ownName, alias)}, slices.Concat(comparing(t, alias, 0, found(elsewise, config)), comparing(t, ownName, 0, found(pinned, config))), verdict.Passed, ReasonProven, "All 1 pods", nil},
		"not the same, of a given digest": {rel, []corev1.Pod{run("a", ownName, alias)}, slices.Concat(comparing(t, alias, 0, found(elsewise, "sha256:3")), comparing(t, ownName, 0, found(pinned, config))), verdict.Failed, ReasonOtherImage, alias, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, asks, err := Prove(t.Context(), cluster(t, tc.objects...), app(), tc.rel, tc.pods)
			if err != nil || v.Outcome != tc.outcome || v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v, %v", v, err)
			}
			if diff := cmp.Diff(tc.asks, asks); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package check

import (
	"context"
	"errors"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/internal/owned"
)

func jobsIn(t *testing.T, c client.Client) map[string]batchv1.Job {
	t.Helper()
	list := &batchv1.JobList{}
	if err := c.List(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	all := map[string]batchv1.Job{}
	for _, job := range list.Items {
		all[job.Name] = job
	}
	return all
}

func TestChecksStartOnce(t *testing.T) {
	sd, c := deployment(alive, own), cluster(t)
	var versions []string
	for range 2 {
		if err := Ensure(t.Context(), c, sd, rel, target, prober); err != nil {
			t.Fatal(err)
		}
		all := jobsIn(t, c)
		first, second := all["app-v2-3-alive"], all["app-v2-3-own"]
		if len(all) != 2 || !owned.Owns(sd, &first) || !owned.Owns(sd, &second) {
			t.Fatalf("got %v", all)
		}
		versions = append(versions, first.ResourceVersion+" "+second.ResourceVersion)
	}
	if versions[0] != versions[1] {
		t.Errorf("the second time wrote: %v", versions)
	}
}

func TestWithoutChecksNothingStarts(t *testing.T) {
	c := cluster(t)
	if err := Ensure(t.Context(), c, deployment(), rel, target, ""); err != nil || len(jobsIn(t, c)) != 0 {
		t.Errorf("error %v, Jobs %v", err, jobsIn(t, c))
	}
}

// Failure mode 45: a late cache must not make an error of a Job that exists.
func TestAJobThatTheCacheHasNotSeenIsNoError(t *testing.T) {
	sd, c := deployment(alive), cluster(t)
	for range 2 {
		if err := Ensure(t.Context(), late{c}, sd, rel, target, prober); err != nil {
			t.Fatalf("AlreadyExists is success: %v", err)
		}
	}
}

func TestAForeignJobIsLeftAlone(t *testing.T) {
	foreign := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app-v2-3-alive"}}
	c := cluster(t, foreign)
	err := Ensure(t.Context(), c, deployment(alive, own), rel, target, prober)
	var refused *owned.ForeignError
	if !errors.As(err, &refused) || refused.Name != "app-v2-3-alive" {
		t.Errorf("got %v", err)
	}
	all := jobsIn(t, c)
	if len(all) != 2 || len(all["app-v2-3-alive"].Labels) != 0 {
		t.Errorf("the foreign one changed, or the other did not start: %v", all)
	}
}

func TestABuiltInCheckNeedsTheProber(t *testing.T) {
	c := cluster(t)
	err := Ensure(t.Context(), c, deployment(alive, own), rel, target, "")
	if err == nil || !strings.Contains(err.Error(), `check "alive"`) || !strings.Contains(err.Error(), "--prober-image") {
		t.Errorf("got %v", err)
	}
	if all := jobsIn(t, c); len(all) != 1 {
		t.Errorf("the other check needs none: %v", all)
	}
}

// late reads nothing, as a cache that is behind.
type late struct{ client.Client }

func (late) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewNotFound(batchv1.Resource("jobs"), "app")
}

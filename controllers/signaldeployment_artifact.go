package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/artifact"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/workload"
)

// observeArtifact reads what the Job that resolves the image has found, unless
// something else is asked for by now.
func (r *SignalDeploymentReconciler) observeArtifact(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	if sd.Status.Candidate.Asked != w.Asked {
		return nil
	}
	reading, err := artifact.Read(ctx, r, sd, *sd.Status.Candidate)
	if err != nil {
		return err
	}
	w.Artifact, w.Digest, w.Record = reading.Verdicts, reading.Digest, reading.Record
	if w.Digest != "" {
		w.Hash = release.Hash(&sd.Spec, w.inputs, w.Digest)
	}
	return nil
}

// observeProof says whether the candidate's pods run its digest.
func (r *SignalDeploymentReconciler) observeProof(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world, sides map[string]workload.Side) (err error) {
	c := sd.Status.Candidate
	if c == nil || c.Digest == "" {
		return nil
	}
	side, there := w.Sides[c.Hash]
	if !there {
		return nil
	}
	side.Proof, w.compare, err = artifact.Prove(ctx, r, sd, *c, sides[c.Hash].Pods)
	w.Sides[c.Hash] = side
	return err
}

// observeSeal reads what the registry says once the release is over.
func (r *SignalDeploymentReconciler) observeSeal(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (err error) {
	if !release.Sealed(&sd.Spec) || r.ProberImage == "" {
		w.Sealed = true
		return nil
	}
	w.Seal, w.Sealed, err = artifact.ReadSeal(ctx, r, sd, *sd.Status.Candidate)
	return err
}

// applyArtifact starts the Jobs that look at the registry.
func (r *SignalDeploymentReconciler) applyArtifact(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	compare := d.Want.Start != nil && len(w.compare) > 0
	if !compare && !d.Want.Resolve && !d.Want.Seal || d.Next.Candidate.Asked != w.Asked {
		return nil
	}
	offered, err := r.platforms(ctx)
	if err != nil {
		return err
	}
	settings := artifact.Settings{ProberImage: r.ProberImage, Insecure: r.Insecure, Offered: offered}
	var problems []error
	if d.Want.Resolve {
		problems = append(problems, artifact.Ensure(ctx, r, sd, *d.Next.Candidate, settings))
	}
	if compare {
		problems = append(problems, artifact.Compare(ctx, r, sd, *d.Want.Start, w.compare, settings))
	}
	if d.Want.Seal && release.Sealed(&sd.Spec) {
		problems = append(problems, artifact.Seal(ctx, r, sd, *d.Next.Candidate, settings))
	}
	return errors.Join(problems...)
}

// platforms of the cluster's nodes, sorted; none where they may not be seen.
func (r *SignalDeploymentReconciler) platforms(ctx context.Context) ([]string, error) {
	if !r.NodesKnown {
		return nil, nil
	}
	nodes := nodeList()
	if err := r.List(ctx, nodes); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	var all []string
	for _, node := range nodes.Items {
		system, machine := node.Labels[corev1.LabelOSStable], node.Labels[corev1.LabelArchStable]
		if system != "" && machine != "" {
			all = append(all, system+"/"+machine)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// nodeList is a list of nodes of which only names and labels are read.
func nodeList() *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "NodeList"})
	return list
}

// nodesKnown reports whether the operator may see the nodes: in namespaced
// mode it may not, and a watch that is refused would hold every release.
func nodesKnown(ctx context.Context, live client.Reader) bool {
	return live.List(ctx, nodeList(), client.Limit(1)) == nil
}

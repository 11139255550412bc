package stage

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Rest waits until the condition holds, everything has drained, the route is as
// the user wrote it and the report is written.
func (y *Story) Rest(what string, holds Condition) {
	y.Helper()
	y.Until(what+", drained and reported", func(sd *v1alpha1.SignalDeployment) bool {
		return holds(sd) && len(sd.Status.Draining) == 0 && y.scaled(sd) && y.routed() && y.reported(sd)
	})
}

// scaled reports whether only the stable release has pods.
func (y *Story) scaled(sd *v1alpha1.SignalDeployment) bool {
	list := &appsv1.DeploymentList{}
	y.list(list)
	for i := range list.Items {
		d := &list.Items[i]
		stable := sd.Status.Stable != nil && d.Labels[v1alpha1.LabelRelease] == sd.Status.Stable.Hash
		if !stable && (*d.Spec.Replicas != 0 || d.Status.Replicas != 0) || stable && d.Status.ReadyReplicas != *sd.Spec.Replicas {
			return false
		}
	}
	return true
}

// routed reports whether no route has anything of the operator's.
func (y *Story) routed() bool {
	routes := &gatewayv1.HTTPRouteList{}
	y.list(routes)
	return !slices.ContainsFunc(routes.Items, func(r gatewayv1.HTTPRoute) bool { return len(r.Annotations) > 0 || shareOf(&r) >= 0 })
}

func (y *Story) reported(sd *v1alpha1.SignalDeployment) bool {
	cm := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: y.Namespace, Name: release.ArchiveName(Name, *sd.Status.Candidate)}
	return sd.Status.Rollout.EndTime.IsZero() || y.Client.Get(y.Context(), key, cm) == nil
}

func (y *Story) list(list client.ObjectList) {
	y.Helper()
	if err := y.Client.List(y.Context(), list, client.InNamespace(y.Namespace)); err != nil {
		y.Fatal(err)
	}
}

// End is the state of the story's namespace in words that are the same in
// every run: releases by their version, without times, names of hashes and
// resource versions.
func (y *Story) End() string {
	y.Helper()
	y.Read()
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	s := y.SD.Status
	say("status %s %s step %s weight %d verdict %s", s.Phase, s.Reason, s.Step, s.Weight, s.Verdict)
	say("stable %s candidate %s attempt %d", s.Stable.Version, s.Candidate.Version, s.Candidate.Attempt)
	for _, ended := range s.History {
		say("history %s %s %s attempt %d", ended.Version, ended.Result, ended.Reason, ended.Attempt)
	}
	for _, c := range s.Conditions {
		say("condition %s %s %s", c.Type, c.Status, c.Reason)
	}
	y.sayObjects(say)
	text := strings.Join(lines, "\n")
	for hash, version := range y.versions() {
		text = strings.ReplaceAll(text, hash, version)
	}
	lines = strings.Split(strings.ReplaceAll(text, "-"+y.Namespace, ""), "\n")
	sort.Strings(lines) // by version now, not by hash
	return strings.Join(lines, "\n")
}

// versions of the releases, by hash and by what was asked.
func (y *Story) versions() map[string]string {
	out := map[string]string{}
	for _, r := range append([]v1alpha1.EndedRelease{{Release: *y.SD.Status.Stable}, {Release: *y.SD.Status.Candidate}}, y.SD.Status.History...) {
		if r.Hash != "" {
			out[r.Hash] = r.Version
		}
		if r.Asked != "" {
			out[r.Asked] = r.Version
		}
	}
	return out
}

func (y *Story) sayObjects(say func(string, ...any)) {
	y.Helper()
	deployments, services, jobs := &appsv1.DeploymentList{}, &corev1.ServiceList{}, &batchv1.JobList{}
	configs, budgets, routes := &corev1.ConfigMapList{}, &policyv1.PodDisruptionBudgetList{}, &gatewayv1.HTTPRouteList{}
	for _, list := range []client.ObjectList{deployments, services, jobs, configs, budgets, routes} {
		y.list(list)
	}
	for _, d := range deployments.Items {
		say("deployment %s replicas %d", d.Name, *d.Spec.Replicas)
	}
	for _, svc := range services.Items {
		say("service %s selects %s", svc.Name, svc.Spec.Selector[v1alpha1.LabelRelease])
	}
	for _, job := range jobs.Items {
		say("job %s", job.Name)
	}
	for _, cm := range configs.Items {
		if cm.Name != "kube-root-ca.crt" {
			say("configmap %s", cm.Name)
		}
	}
	for _, b := range budgets.Items {
		say("budget %s selects %s", b.Name, b.Spec.Selector.MatchLabels[v1alpha1.LabelRelease])
	}
	for _, r := range routes.Items {
		for i, rule := range r.Spec.Rules {
			for _, ref := range rule.BackendRefs {
				say("route rule %d %s weight %d", i, ref.Name, *ref.Weight)
			}
		}
		say("route %s annotations %d", r.Name, len(r.Annotations))
	}
}

package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/internal/prober"
)

// probe runs what a pod of the prober would: the same code, with what the pod
// has in its environment and mounted, against the real registry.
func (w *World) probe(ctx context.Context, pod *corev1.Pod) (end *corev1.ContainerStateTerminated, err error) {
	root, err := os.MkdirTemp("", "stage-pod-")
	if err != nil {
		return nil, fmt.Errorf("mount the volumes of %s: %w", pod.Name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	if err := w.mount(ctx, pod, root); err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, variable := range pod.Spec.Containers[0].Env {
		env[variable.Name] = variable.Value
	}
	if f := w.faultsOf(pod.Namespace); f.Candidate != "" { // no Service of this world can be called
		target, stable := f.Candidate, f.Stable
		if env["SIGNAL_KNOWN"] != "" { // the candidate serves all
			target, stable = cmp.Or(f.Entry, f.Candidate), f.Candidate
		}
		scheme, _, isURL := strings.Cut(env["SIGNAL_TARGET"], "//")
		if isURL && pod.Spec.Containers[0].Args[0] == "load" {
			target = scheme + "//" + target
		}
		env["SIGNAL_TARGET"] = target
		if env["SIGNAL_STABLE"] != "" {
			env["SIGNAL_STABLE"] = stable
		}
	}
	job := prober.Prober{Env: func(name string) string { return env[name] }, Root: root, Clock: clock.RealClock{}}
	if api := w.faultsOf(pod.Namespace).API; api.Token != "" {
		env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"], env["SIGNAL_POD_NAME"] = api.Host, api.Port, pod.Name
		job.Clock = brisk{}
		if err := write(filepath.Join(root, "api"), map[string]string{"token": api.Token, "ca.crt": api.Authority}); err != nil {
			return nil, fmt.Errorf("mount the token of %s: %w", pod.Name, err)
		}
	}
	answer, code, err := job.Run(ctx, pod.Spec.Containers[0].Args)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", pod.Name, err)
	}
	return &corev1.ContainerStateTerminated{ExitCode: int32(code), Message: string(answer.Encode())}, nil
}

// brisk is a clock by which nobody waits long: the world stands still meanwhile.
type brisk struct{ clock.RealClock }

func (brisk) After(d time.Duration) <-chan time.Time { return time.After(d / 100) }

// mount writes the ConfigMaps and the keys of Secrets that a pod mounts below
// /signal.
func (w *World) mount(ctx context.Context, pod *corev1.Pod, root string) error {
	for _, at := range pod.Spec.Containers[0].VolumeMounts {
		i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == at.Name })
		if i >= 0 && pod.Spec.Volumes[i].Secret != nil {
			if err := w.mountSecret(ctx, pod.Namespace, pod.Spec.Volumes[i].Secret, filepath.Join(root, strings.TrimPrefix(at.MountPath, "/signal"))); err != nil {
				return fmt.Errorf("mount %s: %w", at.Name, err)
			}
		}
		if i < 0 || pod.Spec.Volumes[i].ConfigMap == nil {
			continue
		}
		cm := &corev1.ConfigMap{}
		err := w.client.Get(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Spec.Volumes[i].ConfigMap.Name}, cm)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err := write(filepath.Join(root, strings.TrimPrefix(at.MountPath, "/signal")), cm.Data); err != nil {
			return fmt.Errorf("mount %s: %w", at.Name, err)
		}
	}
	return nil
}

// mountSecret writes the keys of a Secret that are asked for; one that is not
// there is an empty folder.
func (w *World) mountSecret(ctx context.Context, namespace string, source *corev1.SecretVolumeSource, dir string) error {
	secret := &corev1.Secret{}
	err := w.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: source.SecretName}, secret)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	files := map[string]string{}
	for _, item := range source.Items {
		if text, has := secret.Data[item.Key]; has {
			files[item.Path] = string(text)
		}
	}
	return write(dir, files)
}

// write puts files into a folder.
func write(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

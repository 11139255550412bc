package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

func create(t *testing.T, sd *v1alpha1.SignalDeployment) {
	t.Helper()
	if err := shared.Create(t.Context(), sd); err != nil {
		t.Fatal(err)
	}
}

func ended(sd *v1alpha1.SignalDeployment) bool {
	return sd.Status.Phase == v1alpha1.PhaseSucceeded || sd.Status.Phase == v1alpha1.PhaseFailed
}

// pullSecret makes a Secret as `kubectl create secret docker-registry` does.
func pullSecret(t *testing.T, namespace, name, address, password string) {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeDockerConfigJson,
		StringData: map[string]string{corev1.DockerConfigJsonKey: fmt.Sprintf(`{"auths":{%q:{"username":"robot","password":%q}}}`, address, password)},
	}
	if err := shared.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

// guarded is a registry that asks for a password, which the Secret right of the
// namespace has.
func guarded(t *testing.T, namespace string) *cluster.GuardedRegistry {
	t.Helper()
	guard, err := shared.Guard(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := guard.Close(); err != nil {
			t.Error(err)
		}
	})
	pullSecret(t, namespace, "right", guard.Address, guard.Password)
	return guard
}

func answers(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func slow(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(time.Minute):
	}
}

func huge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	line := []byte(strings.Repeat(" ", 1<<16))
	for range 200 {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}

// malicious sends something else than it says.
func malicious(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
	fmt.Fprint(w, `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`)
}

// Whatever a registry answers, the release ends as it should, and says why.
func TestRegistriesAnswer(t *testing.T) {
	namespace := space(t, "e2e-registry")
	guard := guarded(t, namespace)
	pullSecret(t, namespace, "wrong", guard.Address, "something-else")
	type situation struct {
		image   string // of the guarded registry, or whole
		fault   http.HandlerFunc
		secrets []string
		phase   v1alpha1.Phase
		reason  string
		says    string
	}
	situations := map[string]situation{
		"public":         {image: image("v1.0.0"), phase: v1alpha1.PhaseSucceeded},
		"right-secret":   {secrets: []string{"right"}, phase: v1alpha1.PhaseSucceeded},
		"among-others":   {secrets: []string{"wrong", "right"}, phase: v1alpha1.PhaseSucceeded},
		"wrong-secret":   {secrets: []string{"wrong"}, phase: v1alpha1.PhaseFailed, reason: "AccessDenied", says: "wrong"},
		"no-secret":      {phase: v1alpha1.PhaseFailed, reason: "AccessDenied", says: "imagePullSecrets"},
		"lost-secret":    {secrets: []string{"nowhere"}, phase: v1alpha1.PhaseFailed, reason: "AccessDenied", says: "nowhere"},
		"no-such-image":  {image: shared.Registry + "/acme/nothing:v1", phase: v1alpha1.PhaseFailed, reason: "ImageNotFound", says: "push it"},
		"status-401":     {fault: answers(http.StatusUnauthorized), phase: v1alpha1.PhaseFailed, reason: "AccessDenied"},
		"status-403":     {fault: answers(http.StatusForbidden), phase: v1alpha1.PhaseFailed, reason: "AccessDenied"},
		"status-404":     {fault: answers(http.StatusNotFound), phase: v1alpha1.PhaseFailed, reason: "ImageNotFound"},
		"status-429":     {fault: answers(http.StatusTooManyRequests), phase: v1alpha1.PhaseFailed, reason: "DeadlineExceeded", says: "limits how often"},
		"status-500":     {fault: answers(http.StatusInternalServerError), phase: v1alpha1.PhaseFailed, reason: "DeadlineExceeded", says: "status 500"},
		"status-503":     {fault: answers(http.StatusServiceUnavailable), phase: v1alpha1.PhaseFailed, reason: "DeadlineExceeded", says: "status 503"},
		"slow":           {fault: slow, phase: v1alpha1.PhaseFailed, reason: "DeadlineExceeded", says: "no answer"},
		"huge-manifest":  {fault: huge, phase: v1alpha1.PhaseFailed, reason: "UnsupportedManifest"},
		"another-digest": {fault: malicious, phase: v1alpha1.PhaseFailed, reason: "UnsupportedManifest", says: "do not trust it"},
	}
	all := map[string]*v1alpha1.SignalDeployment{} // side by side: most of them wait
	for name, tc := range situations {
		repository := "acme/signal-service"
		if tc.fault != nil {
			repository = "acme/" + name
			guard.Misbehave(repository, tc.fault)
		}
		if tc.image == "" {
			tc.image = guard.Address + "/" + repository + ":v1.0.0"
		}
		all[name] = cluster.Plain(namespace, name, tc.image)
		for _, secret := range tc.secrets {
			spec := &all[name].Spec.Template.Spec
			spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
		}
		create(t, all[name])
	}
	for name, tc := range situations {
		t.Run(name, func(t *testing.T) {
			sd := all[name]
			until(t, sd, ended)
			if sd.Status.Phase != tc.phase || tc.reason != "" && sd.Status.Reason != tc.reason || !strings.Contains(sd.Status.Rollout.Message, tc.says) {
				t.Errorf("%s, %s: %s", sd.Status.Phase, sd.Status.Reason, sd.Status.Rollout.Message)
			}
		})
	}
}

// A registry that is down is waited for, and says so meanwhile.
func TestARegistryComesBack(t *testing.T) {
	namespace := space(t, "e2e-registry-down")
	guard := guarded(t, namespace)
	guard.Misbehave("acme/signal-service", answers(http.StatusServiceUnavailable))
	sd := cluster.Plain(namespace, "patient", guard.Address+"/acme/signal-service:v1.0.0")
	sd.Spec.Strategy.ProgressDeadlineSeconds = new(int32(300))
	sd.Spec.Template.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "right"}}
	create(t, sd)
	until(t, sd, func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Phase == v1alpha1.PhaseResolving && strings.Contains(sd.Status.Rollout.Message, "status 503")
	})
	guard.Misbehave("acme/signal-service", nil)
	until(t, sd, ended)
	if sd.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Errorf("%s: %s", sd.Status.Phase, sd.Status.Rollout.Message)
	}
}

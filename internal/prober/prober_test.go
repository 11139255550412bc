package prober

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/signing"
)

// hasty is a clock that goes by itself: whoever waits for it need not.
type hasty struct {
	clock.RealClock
	now *atomic.Int64
}

func (h hasty) Now() time.Time                  { return time.Unix(0, h.now.Load()) }
func (h hasty) Since(t time.Time) time.Duration { return h.Now().Sub(t) }

func (h hasty) After(d time.Duration) <-chan time.Time {
	h.now.Add(int64(d))
	done := make(chan time.Time, 1)
	done <- h.Now()
	return done
}

// look runs `prober image resolve` against a registry.
func look(ctx context.Context, t *testing.T, answers http.HandlerFunc, env map[string]string) (verdict.Answer, int, error) {
	t.Helper()
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	job := Prober{Root: t.TempDir(), Clock: hasty{now: &atomic.Int64{}}, Env: func(key string) string {
		return strings.ReplaceAll(map[string]string{
			"SIGNAL_ARTIFACT": `{"image":"HOST/app:v1"}`, "SIGNAL_INSECURE_REGISTRIES": "HOST", "SIGNAL_TIMEOUT": "1m",
		}[key]+env[key], "HOST", host)
	}}
	return job.Run(ctx, []string{"image", "resolve"})
}

func TestASilentRegistryIsAskedForAWhile(t *testing.T) {
	var asked atomic.Int32
	answer, code, err := look(t.Context(), t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			asked.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}, nil)
	if err != nil || code != Failed || len(answer.Verdicts) != 1 || answer.Verdicts[0].Outcome != verdict.Unknown || !strings.Contains(answer.Verdicts[0].Message, "503") {
		t.Errorf("code %d, %+v, %v", code, answer, err)
	}
	if got := asked.Load(); got != 5 { // at 0, 1, 3, 7 and 15 seconds
		t.Errorf("asked %d times", got)
	}
}

func TestADecidedAnswerIsNotAskedForAgain(t *testing.T) {
	var asked atomic.Int32
	answer, code, err := look(t.Context(), t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			asked.Add(1)
			w.WriteHeader(http.StatusNotFound)
		}
	}, nil)
	if err != nil || code != Decided || answer.Verdicts[0].Outcome != verdict.Failed || asked.Load() != 1 {
		t.Errorf("code %d, asked %d times, %+v, %v", code, asked.Load(), answer, err)
	}
}

// What is not signed has no digest in the answer, whatever is cut from it.
func TestAnUnsignedImageHasNoDigest(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(host + "/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	key := signing.New(t)
	spec, err := json.Marshal(v1alpha1.ArtifactSpec{Image: tag.String(), Signatures: []v1alpha1.SignaturePolicy{
		{Name: "us", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: key.Public}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SIGNAL_ARTIFACT": string(spec), "SIGNAL_INSECURE_REGISTRIES": host}
	job := Prober{Root: t.TempDir(), Clock: clock.RealClock{}, Env: func(key string) string { return env[key] }}
	answer, code, err := job.Run(t.Context(), []string{"image", "resolve"})
	if err != nil || code != Decided || answer.Digest != "" || answer.Verdicts[len(answer.Verdicts)-1].Outcome != verdict.Failed {
		t.Errorf("code %d, %+v, %v", code, answer, err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	key.Sign(t, host+"/app", digest.String())
	if answer, _, err = job.Run(t.Context(), []string{"image", "resolve"}); err != nil || answer.Digest != digest.String() || answer.Artifact.Signer == "" {
		t.Errorf("signed: %+v, %v", answer, err)
	}
}

func TestAnEndIsAnswered(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer, code, err := look(ctx, t, func(http.ResponseWriter, *http.Request) {}, nil)
	if err != nil || code != Failed || answer.Verdicts[0].Outcome != verdict.Unknown {
		t.Errorf("code %d, %+v, %v", code, answer, err)
	}
}

func TestMisuse(t *testing.T) {
	for title, tc := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"nothing to do":        {nil, nil, "usage:"},
		"something else to do": {[]string{"image", "paint"}, nil, "usage:"},
		"no artifact":          {[]string{"image", "resolve"}, nil, "SIGNAL_ARTIFACT"},
		"an empty artifact":    {[]string{"image", "seal"}, map[string]string{"SIGNAL_ARTIFACT": "{}"}, "neither image nor build"},
		"no time":              {[]string{"http"}, map[string]string{"SIGNAL_TIMEOUT": "soon"}, "SIGNAL_TIMEOUT"},
		"no load":              {[]string{"load"}, nil, "SIGNAL_LOAD"},
		"no end of the load":   {[]string{"load"}, map[string]string{"SIGNAL_LOAD": "{}"}, "SIGNAL_LASTS"},
		"load without a side":  {[]string{"load"}, map[string]string{"SIGNAL_LOAD": `{"requests":[{"path":"/"}]}`, "SIGNAL_LASTS": "1s"}, "SIGNAL_TARGET"},
		"load without a word":  {[]string{"load"}, map[string]string{"SIGNAL_LOAD": "{}", "SIGNAL_LASTS": "1s", "SIGNAL_TARGET": "http://a"}, "no requests"},
		"no target":            {[]string{"http"}, map[string]string{"SIGNAL_HTTP_CHECK": "{}"}, "SIGNAL_TARGET"},
		"no requests":          {[]string{"http"}, map[string]string{"SIGNAL_HTTP_CHECK": "{}", "SIGNAL_TARGET": "http://a"}, "no requests"},
		"no gRPC check":        {[]string{"grpc"}, nil, "SIGNAL_GRPC_CHECK"},
		"gRPC without target":  {[]string{"grpc"}, map[string]string{"SIGNAL_GRPC_CHECK": "{}"}, "SIGNAL_TARGET"},
		"no TLS":               {[]string{"grpc"}, map[string]string{"SIGNAL_GRPC_CHECK": "{}", "SIGNAL_TARGET": "https://a", "SIGNAL_TLS": "yes"}, "SIGNAL_TLS"},
		"no authority":         {[]string{"grpc"}, map[string]string{"SIGNAL_GRPC_CHECK": "{}", "SIGNAL_TARGET": "https://a", "SIGNAL_TLS": `{"caConfigMapName":"ca"}`}, "ca"},
	} {
		t.Run(title, func(t *testing.T) {
			job := Prober{Root: t.TempDir(), Clock: clock.RealClock{}, Env: func(key string) string { return tc.env[key] }}
			_, code, err := job.Run(t.Context(), tc.args)
			if code != Misused || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("code %d, %v", code, err)
			}
		})
	}
}

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/load"
)

const (
	rate     = 200 // requests a second through the Gateway
	lookback = 4   // scrapes that a query of a server covers
)

// A way to find out that a release is bad.
type way struct {
	title  string
	server string        // of the metric; empty: none, only the default alert rules
	scrape time.Duration // S of the limit
	poll   time.Duration // P of the limit: how often the operator asks a server; the built-in source calls
	port   int           // of the Prometheus to start
	good   time.Duration // how long the release is good, until a Prometheus has found its pod and scraped it a few times
	times  int           // releases
}

var ways = []way{
	{title: "built-in", scrape: time.Second, good: 4 * time.Second, times: 10},
	{title: "prometheus-5s", server: "five", scrape: 5 * time.Second, poll: time.Second, port: 19095, good: 25 * time.Second, times: 4},
	{title: "prometheus-15s", server: "fifteen", scrape: 15 * time.Second, poll: time.Second, port: 19096, good: 60 * time.Second, times: 2},
}

// BenchmarkReaction is a release that fails half of its requests at a weight of
// 10 %, once it has had traffic for a while. It prints how long users saw bad
// responses, from the first to the last, and how many; and as a ratio of the
// limit S + E + F + P + A + D: scrape, evaluation (none: metrics are asked for,
// and the built-in source evaluates what it has scraped), for (none), poll, and
// what a bare write of the route takes until the last response, A + D. The limit
// leaves out how long it takes until there are enough bad responses to tell.
func BenchmarkReaction(b *testing.B) {
	image := func(version string, faults ...string) string {
		reference, err := shared.PushService(b.Context(), cluster.Service{Version: version, Faults: faults})
		if err != nil {
			b.Fatal(err)
		}
		return reference
	}
	good := image("v1.0.0")
	var bare time.Duration
	b.Run("bare-route-write", func(b *testing.B) {
		for b.Loop() {
			bare = bareWrites(b, good, image("v1.1.0"))
		}
	})
	args := []string{}
	for _, w := range ways {
		if w.server == "" {
			continue
		}
		address, stop, err := shared.StartPrometheus(b.Context(), w.port, namespaceOf(w), w.scrape)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := stop(); err != nil {
				b.Error(err)
			}
		})
		args = append(args, "--set", "prometheus.servers."+w.server+"="+address)
	}
	if err := shared.Install(b.Context(), args...); err != nil {
		b.Fatal(err)
	}
	for _, w := range ways {
		bad := image("v1.2.0-"+w.title, "FAULT_ERROR_RATE=0.5", "FAULT_AFTER_TRAFFIC="+w.good.String())
		b.Run(w.title, func(b *testing.B) {
			for b.Loop() {
				w.react(b, good, bad, bare)
			}
		})
	}
}

func namespaceOf(w way) string { return namespace + "-" + w.title }

// react releases the bad version again and again.
func (w way) react(b *testing.B, good, bad string, bare time.Duration) {
	b.Helper()
	sd, traffic := begin(b, namespaceOf(w), w.deployment(good))
	var took []time.Duration
	errorsSeen := []int{}
	for n := range w.times {
		from := time.Now()
		before := sd.DeepCopy()
		sd.Spec.Artifact.Image = bad
		metav1.SetMetaDataAnnotation(&sd.ObjectMeta, v1alpha1.AnnotationRetry, fmt.Sprint(n))
		if err := shared.Patch(b.Context(), sd, client.MergeFrom(before)); err != nil {
			b.Fatal(err)
		}
		attempt := int32(n + 1)
		err := shared.Until(b.Context(), sd, 2*patience, nil, func(sd *v1alpha1.SignalDeployment) bool {
			return cluster.Ended(v1alpha1.PhaseRolledBack, "v1.2.0-"+w.title)(sd) && sd.Status.Candidate.Attempt == attempt
		})
		if err != nil {
			b.Fatal(err)
		}
		time.Sleep(time.Second) // what was sent is answered
		r := traffic.Snapshot().Between(from, time.Now())
		if r.Errors == 0 || r.Lost > 0 {
			b.Fatalf("%d errors, %d lost: %v", r.Errors, r.Lost, r.Problems)
		}
		took, errorsSeen = append(took, r.LastBad.Sub(r.FirstBad)), append(errorsSeen, r.Errors)
		b.Logf("%s after the first bad response, the last of %d: %s", took[n].Round(time.Millisecond), r.Errors, sd.Status.Rollout.Message)
		if err := drained(b.Context(), sd); err != nil {
			b.Fatal(err)
		}
		if w.server != "" { // which remembers the release's errors for as long as the query looks back
			time.Sleep(lookback * w.scrape)
		}
	}
	slices.Sort(took)
	slices.Sort(errorsSeen)
	limit := w.scrape + w.poll + bare
	b.ReportMetric(took[len(took)/2].Seconds(), "s-median")
	b.ReportMetric(took[len(took)-1].Seconds(), "s-worst")
	b.ReportMetric(limit.Seconds(), "s-limit")
	b.ReportMetric(float64(took[len(took)-1])/float64(limit), "worst/limit")
	b.ReportMetric(float64(errorsSeen[len(errorsSeen)/2]), "bad-median")
	b.ReportMetric(float64(errorsSeen[len(errorsSeen)-1]), "bad-worst")
	b.ReportMetric(0, "ns/op")
}

// deployment has nothing but defaults to find out by, or one metric of a
// server.
func (w way) deployment(image string) *v1alpha1.SignalDeployment {
	sd := cluster.SignalDeployment(namespaceOf(w), image)
	sd.Spec.Analysis, sd.Spec.Alerts, sd.Spec.Checks = v1alpha1.AnalysisSpec{}, v1alpha1.AlertsSpec{}, v1alpha1.ChecksSpec{}
	sd.Spec.Strategy = v1alpha1.StrategySpec{
		Steps:         []v1alpha1.Step{{Name: "tenth", Weight: 10, HoldSeconds: new(int32(120))}},
		VerifySeconds: new(int32(0)), ProgressDeadlineSeconds: new(int32(180)), DrainSeconds: new(int32(1)),
	}
	if w.server == "" {
		return sd
	}
	most, window := intstr.FromString("0.01"), lookback*w.scrape
	selector := `http_requests_total{namespace="${namespace}",delivery_signal_dev_release="${release}"%s}[` + window.String() + `]`
	sd.Spec.Analysis.Metrics = []v1alpha1.Metric{{
		Name: "errors", Server: w.server, Max: &most, ConsecutiveFailures: 1, MinSamples: 1,
		Query: "sum(increase(" + fmt.Sprintf(selector, `,code=~"5.."`) + ")) / sum(increase(" + fmt.Sprintf(selector, "") + "))",
	}}
	sd.Spec.Alerts.Library.Mode = v1alpha1.LibraryDisabled
	return sd
}

// begin releases what serves, and sends it traffic until the benchmark is over.
func begin(b *testing.B, namespace string, sd *v1alpha1.SignalDeployment) (*v1alpha1.SignalDeployment, *load.Load) {
	b.Helper()
	ctx := b.Context()
	err := errors.Join(shared.Namespace(ctx, namespace), shared.Create(ctx, cluster.Route(namespace)), shared.Create(ctx, sd))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { gone(b, namespace, sd) })
	traffic, err := shared.Traffic(ctx, namespace, rate, 30*time.Minute, patience)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { traffic.Stop() })
	if err := shared.Until(ctx, sd, patience, nil, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.0.0")); err != nil {
		b.Fatal(err)
	}
	return sd, traffic
}

func gone(b *testing.B, namespace string, sd *v1alpha1.SignalDeployment) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := shared.Kubectl(ctx, "-n", namespace, "delete", "sigdep", sd.Name, "--timeout=60s")
	_, space := shared.Kubectl(ctx, "delete", "namespace", namespace, "--timeout=60s")
	if err := errors.Join(err, space); err != nil {
		b.Error(err)
	}
}

// drained waits until no pod of the bad release is left, so that the next
// attempt begins with one that has had no traffic.
func drained(ctx context.Context, sd *v1alpha1.SignalDeployment) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		deployment := &appsv1.Deployment{}
		pods := &corev1.PodList{}
		hash := sd.Status.Candidate.Hash
		err := errors.Join(
			shared.Get(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: sd.Name + "-" + hash}, deployment),
			shared.List(ctx, pods, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelRelease: hash}),
		)
		if err != nil || len(pods.Items) == 0 {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the pods of %s: %w", hash, ctx.Err())
		}
	}
}

// bareWrites is how long it takes at most from a write of a route, by nobody's
// operator, until the last response of the backend that it takes the traffic
// from: A + D.
func bareWrites(b *testing.B, one, other string) time.Duration {
	b.Helper()
	ctx, place := b.Context(), namespace+"-bare"
	stable, canary := cluster.Plain(place, cluster.ServiceName, one), cluster.Plain(place, "other", other)
	sd, traffic := begin(b, place, stable)
	if err := shared.Create(ctx, canary); err != nil {
		b.Fatal(err)
	}
	if err := shared.Until(ctx, canary, patience, nil, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0")); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for range 10 {
		weigh(b, sd, 10)
		time.Sleep(2 * time.Second)
		from := time.Now()
		weigh(b, sd, 0)
		time.Sleep(2 * time.Second)
		took = append(took, traffic.Snapshot().Between(from.Add(-2*time.Second), time.Now()).Last("v1.1.0").Sub(from))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds(), "s-median")
	b.ReportMetric(took[len(took)-1].Seconds(), "s-worst")
	b.ReportMetric(0, "ns/op")
	return took[len(took)-1]
}

// weigh writes the weight of the other backend.
func weigh(b *testing.B, sd *v1alpha1.SignalDeployment, weight int32) {
	b.Helper()
	route := &gatewayv1.HTTPRoute{}
	if err := shared.Get(b.Context(), client.ObjectKeyFromObject(sd), route); err != nil {
		b.Fatal(err)
	}
	before := route.DeepCopy()
	first := route.Spec.Rules[0].BackendRefs[0]
	second := *first.DeepCopy()
	second.Name = "other"
	first.Weight, second.Weight = new(100-weight), &weight
	route.Spec.Rules[0].BackendRefs = []gatewayv1.HTTPBackendRef{first, second}
	if err := shared.Patch(b.Context(), route, client.MergeFrom(before)); err != nil {
		b.Fatal(err)
	}
}

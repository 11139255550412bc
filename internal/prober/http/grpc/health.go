// Package grpcprobe asks a candidate's gRPC health service whether it is
// serving. It asks nothing else, and repeats nothing of an answer but the
// status that it knows by name.
package grpcprobe

import (
	"context"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on health.
const (
	ReasonServing    = "Serving"         // it is
	ReasonNotServing = "NotServing"      // it says another status
	ReasonNoHealth   = "NoHealthService" // it has no health service, or none that knows the service
	ReasonNoAnswer   = "NoAnswer"        // it did not answer
)

const (
	patience = 10 * time.Second       // for the first connection
	pace     = 200 * time.Millisecond // between two tries at it
	noAnswer = "no answer"
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Probe asks.
type Probe struct {
	Clock  Clock
	Target target.Target
}

// Run asks once the candidate can be reached. While it cannot, that is tried
// again for ten seconds: a node's proxy learns of a Service's new endpoints
// later than the API does.
func (p Probe) Run(ctx context.Context, check v1alpha1.GRPCCheck) verdict.Verdict {
	start := p.Clock.Now()
	err := p.Target.Reach(ctx)
	for err != nil && !target.Connected(err) && p.Clock.Since(start) < patience && ctx.Err() == nil {
		p.pause(ctx)
		err = p.Target.Reach(ctx)
	}
	evidence := verdict.Evidence{Query: query(check), Source: p.Target.Authority(), Threshold: "SERVING", Value: noAnswer}
	v := fail(ReasonNoAnswer, "%s was not answered: %s", query(check), target.Cause(err))
	if err == nil {
		asked := p.Clock.Now()
		var led bool
		v, evidence.Value, led = p.ask(ctx, check)
		for !led && p.Clock.Since(start) < patience && ctx.Err() == nil { // a gateway may take a moment to learn of a route
			p.pause(ctx)
			v, evidence.Value, led = p.ask(ctx, check)
		}
		evidence.Window = p.Clock.Since(asked).Round(time.Millisecond).String()
	}
	logr.FromContextOrDiscard(ctx).Info("Asked", "service", check.Service, "outcome", v.Outcome, "reason", v.Reason, "value", evidence.Value)
	return verdict.With(v, evidence)
}

func (p Probe) pause(ctx context.Context) {
	select {
	case <-p.Clock.After(pace):
	case <-ctx.Done():
	}
}

// ask is one call, and what it came to; led is false when it was not the
// candidate that answered.
func (p Probe) ask(ctx context.Context, check v1alpha1.GRPCCheck) (v verdict.Verdict, seen string, led bool) {
	options := []grpc.DialOption{grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry()}
	if p.Target.Secure() { // with TLS, gRPC asks for the name of the certificate
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(p.Target.Config())))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(p.Target.Authority()))
	}
	conn, err := grpc.NewClient("passthrough:///"+p.Target.Dialled(), options...)
	if err != nil {
		return fail(ReasonNoAnswer, "%s was not asked: the address is none that gRPC can dial", query(check)), noAnswer, true
	}
	defer func() { _ = conn.Close() }() // what was asked has been answered
	for _, h := range append(slices.Clone(p.Target.Headers), p.Target.Lead) {
		if h.Name != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, h.Name, h.Value)
		}
	}
	var head metadata.MD
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: check.Service}, grpc.Header(&head))
	if elsewhere := p.Target.Led(head.Get(p.Target.Lead.Name)); elsewhere != nil && (err == nil || len(head) > 0) {
		return fail(ReasonNoAnswer, "%s was not answered: %s", query(check), target.Cause(elsewhere)), noAnswer, false
	}
	if err != nil {
		v, seen = refused(check, status.Code(err))
		return v, seen, true
	}
	seen = named(answer.GetStatus())
	if answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		return fail(ReasonNotServing, "%s was answered with %s, not with SERVING", query(check), seen), seen, true
	}
	return verdict.Pass(v1alpha1.SignalSmoke, ReasonServing, "%s was answered with SERVING", query(check)), seen, true
}

// refused is the verdict on a call that failed. The words that came with it
// are the candidate's, and are not repeated.
func refused(check v1alpha1.GRPCCheck, code codes.Code) (v verdict.Verdict, seen string) {
	seen = "code " + code.String()
	switch code { //nolint:exhaustive // the others mean nothing particular of health
	case codes.Unimplemented:
		return fail(ReasonNoHealth, "%s was not answered: the server has no grpc.health.v1.Health", query(check)), seen
	case codes.NotFound:
		return fail(ReasonNoHealth, "%s was not answered: the server's health service does not know it", query(check)), seen
	case codes.DeadlineExceeded:
		return fail(ReasonNoAnswer, "%s was not answered: the time was up", query(check)), seen
	case codes.Canceled:
		return fail(ReasonNoAnswer, "%s was not answered: the check was stopped", query(check)), seen
	case codes.Unavailable:
		return fail(ReasonNoAnswer, "%s was not answered: the connection was closed, or does not speak gRPC", query(check)), seen
	}
	return fail(ReasonNoAnswer, "%s was answered with code %s", query(check), code), seen
}

// named is a status by its name; one that is not known has none.
func named(s healthv1.HealthCheckResponse_ServingStatus) string {
	if name, known := healthv1.HealthCheckResponse_ServingStatus_name[int32(s)]; known {
		return name
	}
	return "a status that gRPC does not know"
}

// query is the question in a message.
func query(check v1alpha1.GRPCCheck) string {
	if check.Service == "" {
		return "gRPC health of the server"
	}
	return "gRPC health of " + verdict.Clip(check.Service, 253)
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalSmoke, reason, format, args...)
}

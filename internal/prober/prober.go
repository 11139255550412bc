// Package prober is what the Jobs of the operator run: it reads from the
// environment what is to be done, has the room for it do it, and answers with
// verdicts. It knows no cluster, but for the check of leaks, which is given a
// token to read logs with.
package prober

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/internal/prober/grafana"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Exit codes.
const (
	Decided = iota // the answer is in
	Failed         // a check did not pass, or a registry gave no answer: the Job may try again
	Misused        // the environment does not say what is to be done
)

// Prober runs one Job.
type Prober struct {
	Env   func(string) string
	Root  string // directory of what the Job has mounted
	Clock clock.Clock
}

// Run does what the arguments say: http, grpc, security, leaks, load, watermark, load test, secret, image resolve, image seal,
// grafana import or grafana find. An error says that they, or the environment,
// do not say what is to be done.
func (p Prober) Run(ctx context.Context, args []string) (verdict.Answer, int, error) {
	if text := p.Env("SIGNAL_TIMEOUT"); text != "" {
		timeout, err := time.ParseDuration(text)
		if err != nil {
			return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_TIMEOUT: %w", err)
		}
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limited
	}
	switch strings.Join(args, " ") {
	case "http":
		return p.http(ctx)
	case "grpc":
		return p.grpc(ctx)
	case "security":
		return p.security(ctx)
	case "leaks":
		return p.leaks(ctx)
	case "load":
		return p.load(ctx)
	case "secret":
		return p.secret()
	case "load test":
		return p.loadTest(ctx)
	case "watermark":
		return p.watermark(ctx)
	case "image resolve":
		return p.image(ctx, task.resolve)
	case "image seal":
		return p.image(ctx, task.seal)
	case "grafana import":
		return p.grafana(ctx, grafana.Task.Import)
	case "grafana find":
		return p.grafana(ctx, grafana.Task.Find)
	}
	return verdict.Answer{}, Misused, errors.New("usage: prober http | prober grpc | prober security | prober leaks | prober load | prober watermark | prober load test | prober secret | prober image resolve | prober image seal | prober grafana import | prober grafana find")
}

// image looks at a registry, again and again for a while when it is silent.
func (p Prober) image(ctx context.Context, do func(task, context.Context) verdict.Answer) (verdict.Answer, int, error) {
	t, err := p.task()
	if err != nil {
		return verdict.Answer{}, Misused, err
	}
	start := p.Clock.Now()
	for wait := time.Second; ; wait *= 2 {
		answer := do(t, ctx)
		if outcome := verdict.All(verdict.Verdict{}, answer.Verdicts...).Outcome; outcome != verdict.Unknown {
			return answer, Decided, nil
		}
		if p.Clock.Since(start) >= patience {
			return answer, Failed, nil
		}
		select {
		case <-ctx.Done():
			return answer, Failed, nil
		case <-p.Clock.After(wait):
		}
	}
}

// patience is how long one pod goes on asking; after it, it says what it waits
// for, and its Job starts another.
const patience = 10 * time.Second

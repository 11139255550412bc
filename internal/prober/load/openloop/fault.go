package openloop

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	sending "github.com/signal-delivery/operator/internal/prober/load"
)

// faults sends the requests that switch the service's faults, each at its time,
// and tells the status of the answers; 0 is none.
func (s Sender) faults(ctx context.Context, spec v1alpha1.LoadTest) []int {
	client, start := &http.Client{Transport: s.transport(), Timeout: time.Duration(max(1, spec.AnswerSeconds)) * time.Second}, time.Now()
	defer client.CloseIdleConnections()
	statuses := make([]int, 0, len(spec.Faults))
	for _, fault := range spec.Faults {
		sleep(ctx, time.Until(start.Add(time.Duration(fault.AtSeconds)*time.Second)))
		statuses = append(statuses, s.switchFault(ctx, client, fault))
	}
	return statuses
}

func (s Sender) switchFault(ctx context.Context, client *http.Client, fault v1alpha1.LoadFault) int {
	method := fault.Method
	if method == "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, s.URL+fault.Path, strings.NewReader(fault.Body))
	if err != nil {
		return 0
	}
	request.Host = s.Host
	request.Header.Set(sending.HeaderSynthetic, s.Release)
	request.Header.Set("User-Agent", sending.UserAgent)
	if fault.Body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // what it says is of no interest
	_ = response.Body.Close()
	return response.StatusCode
}

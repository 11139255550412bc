package flaw

import (
	"net/http"
	"os"
	"sync"
	"time"
)

// costing does something at each request of a client.
func costing(cost func()) func(http.Handler) http.Handler {
	return before(func(_ http.ResponseWriter, r *http.Request) bool {
		if business(r) {
			cost()
		}
		return false
	})
}

// keeping never gives memory back.
func keeping(bytes int) func(http.Handler) http.Handler {
	var (
		mu   sync.Mutex
		kept [][]byte
	)
	return costing(func() {
		memory := make([]byte, bytes)
		for i := 0; i < bytes; i += 4096 {
			memory[i] = 1 // what is not touched is not there
		}
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, memory)
	})
}

// running starts what never ends.
var running = costing(func() { go func() { select {} }() })

// opening never closes a file.
func opening() func(http.Handler) http.Handler {
	var (
		mu   sync.Mutex
		open []*os.File // else they were closed once nobody knows them
	)
	return costing(func() {
		if file, err := os.Open(os.DevNull); err == nil {
			mu.Lock()
			defer mu.Unlock()
			open = append(open, file)
		}
	})
}

func waiting(latency time.Duration) func(http.Handler) http.Handler {
	return costing(func() { time.Sleep(latency) })
}

// crashing ends the service when more requests come in one second than it was
// made for.
func crashing(rate int, crash func()) func(http.Handler) http.Handler {
	var (
		mu     sync.Mutex
		second int64
		count  int
	)
	return costing(func() {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now().Unix(); now != second {
			second, count = now, 0
		}
		if count++; count > rate {
			crash()
		}
	})
}

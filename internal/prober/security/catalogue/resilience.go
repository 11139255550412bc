package catalogue

import (
	"bytes"
	"compress/gzip"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

const (
	largeBody  = 8 << 20  // bytes after which a body must be refused
	saidBody   = 1 << 30  // that are announced
	largeHead  = 48       // headers of 32 KiB
	deepJSON   = 100_000  // levels
	inflatesTo = 16 << 20 // bytes
)

// resilienceChecks ask for more than a service should give.
func resilienceChecks() []Check {
	return []Check{
		{
			ID: 56, Group: Resilience, Name: "a caller may hold or exhaust the service", Standard: "ASVS 4.2.5, 15.2.2", Advice: "limit heads, bodies and what they unpack to, and set timeouts for reading both",
			Probes: burdens, Judge: borne, Hangs: true,
		},
		{
			ID: 57, Group: Resilience, Name: "a strange page may open a WebSocket", Standard: "ASVS 4.4.2, WSTG-CLNT-10", Advice: "compare Origin with a list before the upgrade",
			Probes: func(s Site) []Probe {
				return each(append(s.paths(), "/ws", "/websocket"), func(path string) []Probe {
					return []Probe{{Where: path, Request: wire.Get(path, wire.Header{Name: "Connection", Value: "Upgrade"}, wire.Header{Name: "Upgrade", Value: "websocket"},
						wire.Header{Name: "Sec-WebSocket-Version", Value: "13"}, wire.Header{Name: "Sec-WebSocket-Key", Value: "c2lnbmFsLXByb2JlLTAwMA=="}, wire.Header{Name: "Origin", Value: evil})}}
				})
			},
			Judge: func(_ *Exam, p Probe, a wire.Answer) Say {
				if a.Status == 101 {
					return found("%s opens a WebSocket for %s", p.Where, evil)
				}
				return Say{}
			},
		},
	}
}

// burdens are few and end by themselves.
func burdens(s Site) []Probe {
	path := s.paths()[0]
	flood := make([]wire.Header, largeHead)
	for i := range flood {
		flood[i] = wire.Header{Name: "X-Signal-Probe", Value: strings.Repeat("a", 32<<10)}
	}
	slow := wire.Get(path)
	slow.Cut, slow.Patient = true, true
	return append(each(s.writable(), func(path string) []Probe {
		stalls, large := wire.Post(path, `{"signalProbe":`), wire.Post(path, `{"signalProbe":"`)
		stalls.Declare, stalls.Patient = 100, true
		large.Fill, large.Declare, large.Patient = largeBody, saidBody, true
		deep := wire.Post(path, strings.Repeat("[", deepJSON)+strings.Repeat("]", deepJSON))
		bomb := wire.Post(path, string(packed()), wire.Header{Name: "Content-Encoding", Value: "gzip"})
		return []Probe{
			{Where: path, What: "a body that does not end", Request: stalls},
			{Where: path, What: "a body of 8 MiB", Request: large},
			{Where: path, What: "JSON of 100000 levels", Request: deep},
			{Where: path, What: "a body that unpacks to 16 MiB", Request: bomb},
		}
	}),
		Probe{Where: path, What: "a head that does not end", Request: slow},
		Probe{Where: path, What: "a head of 1.5 MiB", Request: wire.Get(path, flood...)})
}

func borne(_ *Exam, p Probe, a wire.Answer) Say {
	switch {
	case p.Request.Patient && a.Late:
		return found("%s waits for %s", p.Where, p.What)
	case p.Request.Patient:
		return Say{}
	case strings.HasPrefix(p.What, "JSON") && a.Status >= 500:
		return found("%s fails of %s", p.Where, p.What)
	case !strings.HasPrefix(p.What, "JSON") && (a.OK() || a.Status >= 500):
		return found("%s takes %s", p.Where, p.What)
	}
	return Say{}
}

// packed is a JSON string that is far longer than it seems.
func packed() []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		panic("catalogue: pack: " + err.Error()) // the level is one
	}
	line := bytes.Repeat([]byte("a"), 64<<10)
	w.Write([]byte(`"`)) //nolint:errcheck,gosec // a buffer takes all
	for range inflatesTo / len(line) {
		w.Write(line) //nolint:errcheck,gosec // a buffer takes all
	}
	w.Write([]byte(`"`)) //nolint:errcheck,gosec // a buffer takes all
	w.Close()            //nolint:errcheck,gosec // a buffer takes all
	return out.Bytes()
}

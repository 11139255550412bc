package load

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var refusedError = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

// dial is a connection that was tried so many seconds after noon.
type dial struct {
	at      int
	refused bool
	givenUp bool
}

func TestGone(t *testing.T) {
	for name, tc := range map[string]struct {
		dials     []dial
		at        int // seconds after noon
		want      bool
		unreached int
	}{
		"nothing tried":                    {nil, 60, false, 0},
		"connected":                        {[]dial{{at: 1}}, 60, false, 0},
		"refused for less than 5 s":        {[]dial{{at: 1}, {at: 2, refused: true}, {at: 6, refused: true}}, 6, false, 0},
		"refused for 5 s":                  {[]dial{{at: 1}, {at: 2, refused: true}, {at: 7, refused: true}}, 7, true, 0},
		"back before 5 s":                  {[]dial{{at: 1}, {at: 2, refused: true}, {at: 3, refused: true}, {at: 5}}, 9, false, 2},
		"back, and refused again":          {[]dial{{at: 1}, {at: 2, refused: true}, {at: 5}, {at: 6, refused: true}}, 10, false, 1},
		"given up, as its request was":     {[]dial{{at: 1}, {at: 2, refused: true, givenUp: true}}, 60, false, 0},
		"never connected for 29 s":         {[]dial{{at: 0, refused: true}}, 29, false, 0},
		"never connected for 30 s":         {[]dial{{at: 0, refused: true}}, 30, true, 0},
		"connected at last, which is long": {[]dial{{at: 0, refused: true}, {at: 29}}, 60, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &side{}
			for _, d := range tc.dials {
				var err error
				if d.refused {
					err = refusedError
				}
				s.dialled(noon.Add(time.Duration(d.at)*time.Second), err, d.givenUp)
			}
			if got := s.gone(noon.Add(time.Duration(tc.at)*time.Second), noon); got != tc.want || s.unreached != tc.unreached {
				t.Errorf("gone %t, want %t; %d unreached, want %d", got, tc.want, s.unreached, tc.unreached)
			}
		})
	}
}

func TestWhatBecameOfTheRequests(t *testing.T) {
	s := &side{answers: map[int]int{}, unreached: 2, leftOut: 1}
	for _, answer := range []struct {
		status int
		err    error
	}{{200, nil}, {204, nil}, {503, nil}, {301, nil}, {0, errors.New("cut off")}, {0, refusedError}} {
		s.open()
		s.close(answer.status, answer.err)
	}
	want := "5 sent, 2 answered 2xx, 1 answered 3xx, 1 answered 5xx, 1 not answered, 2 without a connection, 1 left out"
	if got := s.text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if s.pending != 0 {
		t.Errorf("%d pending", s.pending)
	}
}

func TestRequestsTakeTurnsByWeight(t *testing.T) {
	for name, tc := range map[string]struct {
		weights []int32
		want    string
	}{
		"one":           {[]int32{1}, "aaaaaa"},
		"absent is one": {[]int32{0, 0, 0}, "abcabc"},
		"equal":         {[]int32{7, 7}, "ababab"},
		"evenly spread": {[]int32{5, 1, 1}, "aabacaaaabacaa"},
		"heavy last":    {[]int32{1, 3}, "babbbabb"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests []v1alpha1.LoadRequest
			for i, weight := range tc.weights {
				requests = append(requests, v1alpha1.LoadRequest{Path: string(rune('a' + i)), Weight: weight})
			}
			next, got := Cycle(requests), ""
			for range tc.want {
				got += next().Path
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	long := make([]v1alpha1.LoadRequest, 16)
	for i := range long {
		long[i] = v1alpha1.LoadRequest{Path: "/", Body: strings.Repeat("$", 4096)}
	}
	for name, tc := range map[string]struct {
		spec v1alpha1.BackgroundLoad
		want string
	}{
		"good":               {get(1), ""},
		"a path that is not": {v1alpha1.BackgroundLoad{Requests: []v1alpha1.LoadRequest{{Path: "/"}, {Path: "/a%zz"}}}, "requests[1].path: is not the path of a URL: escape what is not allowed in one"},
		"too long for a Job": {v1alpha1.BackgroundLoad{Requests: long}, "of which a Job can carry 98304"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(tc.spec)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

package host

import (
	"reflect"
	"testing"
)

const saved = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A KUBE-SERVICES -j CNI-HOSTPORT-DNAT
-A DOCKER -j RETURN
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -j ACCEPT
COMMIT
`

func TestOwnedChainsSpareOtherPeoplesChains(t *testing.T) {
	want := map[string][]string{"nat": {"KUBE-SERVICES", "CNI-HOSTPORT-DNAT"}}
	if got := ownedChains(saved); !reflect.DeepEqual(got, want) {
		t.Errorf("ownedChains = %v, want %v", got, want)
	}
}

func TestJumpsAreThoseOfOtherChains(t *testing.T) {
	want := []string{`PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`}
	if got := jumps(saved, "nat"); !reflect.DeepEqual(got, want) {
		t.Errorf("jumps = %q, want %q", got, want)
	}
	if got := jumps(saved, "filter"); got != nil {
		t.Errorf("jumps of filter = %q, want none", got)
	}
}

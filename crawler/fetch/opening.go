package fetch

import (
	"net/netip"
	"slices"
	"sync"
)

// opening is what is open because the operator named a host: its port, and the
// networks that its name led into when it was first looked up. Whoever has the
// name in hand can not lead it elsewhere afterwards (DNS rebinding). A nil opening
// opens nothing. It is safe for concurrent use.
type opening struct {
	mu       sync.Mutex
	learned  bool
	networks []netip.Prefix
}

// metadata are addresses that no name opens: clouds give credentials away there.
// Who means one writes it as an address.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), // link-local: AWS, Google, Azure and others
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google
}

// IsMetadata reports whether a cloud may give credentials away at an address.
func IsMetadata(a netip.Addr) bool {
	return slices.ContainsFunc(faces(a.Unmap().WithZone("")), func(face netip.Addr) bool { return within(metadata, face) })
}

// learn notes where the host's name leads to, the first time that it is asked.
func (o *opening) learn(name string, to []netip.AddrPort) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.learned {
		return
	}
	o.learned = true
	_, err := netip.ParseAddr(name)
	written := err == nil
	for _, at := range to {
		for _, face := range faces(at.Addr().Unmap().WithZone("")) {
			network, private := reservedAt(face)
			switch {
			case !private:
			case written:
				o.networks = append(o.networks, netip.PrefixFrom(face, face.BitLen()))
			case !within(metadata, face):
				o.networks = append(o.networks, network.network)
			}
		}
	}
}

// opens reports whether an address is open that lies in a reserved network.
func (o *opening) opens(a netip.Addr, in reserved) bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	one := netip.PrefixFrom(a, a.BitLen())
	return slices.Contains(o.networks, one) || slices.Contains(o.networks, in.network) && !within(metadata, a)
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

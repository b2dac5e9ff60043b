package guard

import (
	"net/netip"
	"slices"
	"sync"
)

// opening is what is open because the operator named a host: its port, and the addresses
// that its name resolved to at first. So whoever controls the name cannot point it at
// another internal machine later (DNS rebinding). A nil opening opens nothing. It is safe
// for concurrent use.
type opening struct {
	mu        sync.Mutex
	learned   bool
	addresses []netip.Addr // including those hidden in them
}

// metadata are addresses where clouds hand out credentials. No name opens them; the
// operator has to write the address itself.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), // link-local: AWS, Google, Azure and others
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google
}

// IsMetadata reports whether a cloud may hand out credentials at an address.
func IsMetadata(a netip.Addr) bool {
	return slices.ContainsFunc(faces(a.Unmap().WithZone("")),
		func(face netip.Addr) bool { return within(metadata, face) })
}

// Learn stores the addresses of the host's name, the first time that it is called.
func (o *opening) Learn(name string, to []netip.AddrPort) {
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
			if written || !within(metadata, face) {
				o.addresses = append(o.addresses, face)
			}
		}
	}
}

// opens reports whether an address in a reserved network is open.
func (o *opening) opens(a netip.Addr) bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.addresses, a)
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

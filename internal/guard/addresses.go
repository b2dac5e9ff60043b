package guard

import (
	"encoding/binary"
	"net/netip"
)

// reserved is a network whose addresses are not on the public internet.
type reserved struct {
	network netip.Prefix
	name    string // describes one address in it, with an article
}

// reservedNetworks follow the IANA special-purpose address registries for IPv4 and IPv6
// (RFC 6890). They also include addresses that clouds reserve.
var reservedNetworks = []reserved{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address of a carrier's network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's metadata address"},
	{netip.MustParsePrefix("169.254.169.254/32"), "a cloud's metadata address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a documentation address"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a documentation address"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a documentation address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "the broadcast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},

	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an address of a local translator"},
	{netip.MustParsePrefix("100::/64"), "a discard address"},
	{netip.MustParsePrefix("2001:2::/48"), "a benchmarking address"},
	{netip.MustParsePrefix("2001:10::/28"), "a reserved address"},
	{netip.MustParsePrefix("2001:20::/28"), "a reserved address"},
	{netip.MustParsePrefix("2001:db8::/32"), "a documentation address"},
	{netip.MustParsePrefix("3fff::/20"), "a documentation address"},
	{netip.MustParsePrefix("5f00::/16"), "a reserved address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// Only one network of IPv6 has been assigned for global unicast (RFC 3513, 4; IANA's
// registry of IPv6 address space). NAT64 reaches the internet through another one.
var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	unassigned    = reserved{netip.MustParsePrefix("::/0"), "an address that nobody was given"}
)

// reservedAt returns the reserved network that contains a.
func reservedAt(a netip.Addr) (reserved, bool) {
	for _, r := range reservedNetworks {
		if r.network.Contains(a) {
			return r, true
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) && !nat64.Contains(a) {
		return unassigned, true
	}
	return reserved{}, false
}

// Networks of IPv6 whose addresses contain an IPv4 address, and its place in the 16 bytes.
var (
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291, 2.5.5.1: the last 4
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, 2.1: the last 4
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052, 2.1: the last 4
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056, 2: from byte 2
	// RFC 4380, 4: server from byte 4, client the last 4, inverted.
	teredo = netip.MustParsePrefix("2001::/32")
)

// isatap reports whether an address, in any network, ends in an IPv4 address as in RFC
// 5214, 6.1.
func isatap(b [16]byte) bool {
	return (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// hidden returns the IPv4 addresses contained in the IPv6 address a. A packet to a may end
// up there.
func hidden(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	switch {
	case compatible.Contains(a), translated.Contains(a), nat64.Contains(a), isatap(b):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:]))}
	case sixToFour.Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	case teredo.Contains(a):
		var client [4]byte
		binary.BigEndian.PutUint32(client[:], ^binary.BigEndian.Uint32(b[12:]))
		return []netip.Addr{netip.AddrFrom4([4]byte(b[4:8])), netip.AddrFrom4(client)}
	}
	return nil
}

package crawler

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Host is what politeness is owed to: a lower-case host name, with ":port" when
// it is not the scheme's default. http://example.com and https://example.com
// are one Host.
type Host string

// Name returns the host name without a port, and IPv6 addresses without their
// brackets.
func (h Host) Name() string {
	name := string(h)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	return strings.Trim(name, "[]")
}

// Port returns the port, or "" for the scheme's default.
func (h Host) Port() string {
	i := strings.LastIndexByte(string(h), ':')
	if i < 0 || strings.HasSuffix(string(h), "]") {
		return ""
	}
	return string(h[i+1:])
}

// Address returns the IP address that the host is written as, if it is one.
func (h Host) Address() (netip.Addr, bool) {
	a, err := netip.ParseAddr(h.Name())
	return a, err == nil
}

// Domain returns the registrable domain by the Public Suffix List, and the
// whole name where there is none, as for addresses and "localhost".
func (h Host) Domain() string {
	name := strings.TrimSuffix(h.Name(), ".")
	if _, ok := h.Address(); ok {
		return name
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return domain
}

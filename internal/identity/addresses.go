package identity

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// AddressList lists the addresses that a crawler's requests come from, in the format in which
// Google, Bing and others publish theirs. A card names its URL as ips_uri.
type AddressList struct {
	CreationTime string          `json:"creationTime"` // UTC, without a zone
	Prefixes     []AddressPrefix `json:"prefixes"`
}

// AddressPrefix is a network. Exactly one of the fields is set.
type AddressPrefix struct {
	IPv6 string `json:"ipv6Prefix,omitempty"`
	IPv4 string `json:"ipv4Prefix,omitempty"`
}

// NewAddressList returns a list of addresses and networks, sorted and without duplicates. The error
// quotes the first text that is neither, or that no site on the internet can see.
func NewAddressList(texts []string, at time.Time) (AddressList, error) {
	if len(texts) == 0 {
		return AddressList{}, errors.New("no addresses: name those that your workers send from, such as 192.0.2.7 or 2001:db8::/48")
	}
	var networks []netip.Prefix
	for _, text := range texts {
		network, err := parseNetwork(text)
		if err != nil {
			return AddressList{}, err
		}
		networks = append(networks, network)
	}
	slices.SortFunc(networks, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	list := AddressList{CreationTime: at.UTC().Format("2006-01-02T15:04:05.000000")}
	for _, network := range slices.Compact(networks) {
		if network.Addr().Is4() {
			list.Prefixes = append(list.Prefixes, AddressPrefix{IPv4: network.String()})
		} else {
			list.Prefixes = append(list.Prefixes, AddressPrefix{IPv6: network.String()})
		}
	}
	return list, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return network, fmt.Errorf("%q is neither an address nor a network: write 192.0.2.7 or 2001:db8::/48", text)
		}
		address = address.Unmap()
		network = netip.PrefixFrom(address, address.BitLen())
	}
	if network != network.Masked() {
		return network, fmt.Errorf("%q has bits beyond its length: write %s", text, network.Masked())
	}
	if a := network.Addr(); a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() ||
		a.IsMulticast() {
		return network, fmt.Errorf("%q is not an address that sites see: name the public address of your workers", text)
	}
	return network, nil
}

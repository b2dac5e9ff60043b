package guard

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	t.Parallel()
	g := New(Config{})
	for name, addresses := range map[string]string{
		"unspecified":    "0.0.0.0 0.1.2.3 ::",
		"private":        "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 fc00::1 fdff::1 fd00:ec2::254",
		"carrier":        "100.64.0.0 100.127.255.255 100.100.100.200",
		"loopback":       "127.0.0.1 127.255.255.255 ::1",
		"link-local":     "169.254.0.1 169.254.169.254 fe80::1 febf::1 fe80::1%eth0",
		"site-local":     "fec0::1 feff::1",
		"cloud":          "168.63.129.16 192.0.0.192",
		"reserved":       "192.0.0.1 192.88.99.1 240.0.0.1 255.255.255.254 255.255.255.255 100::1 5f00::1 2001:10::1 2001:2f::1",
		"documentation":  "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1",
		"benchmarking":   "198.18.0.1 198.19.255.255 2001:2::1",
		"multicast":      "224.0.0.1 239.255.255.255 ff02::1",
		"mapped":         "::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1",
		"compatible":     "::10.0.0.1 ::127.0.0.1",
		"SIIT":           "::ffff:0:127.0.0.1",
		"NAT64":          "64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8",
		"6to4":           "2002:a00:1:: 2002:7f00:1::1 2002:a9fe:a9fe::",
		"Teredo, client": "2001:0:808:808::f5ff:fffe",
		"Teredo, server": "2001:0:a00:1::f7f7:f7f7",
		"ISATAP":         "2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:127.0.0.1",
		"unassigned":     "1::1 4000::1 8000::1 e000::1 ::1:0:0 ::8.8.8.8 ::ffff:0:8.8.8.8",
	} {
		for a := range strings.FieldsSeq(addresses) {
			if g.Judge(netip.MustParseAddr(a), 443, nil) == nil {
				t.Errorf("%s: %s is let through", name, a)
			}
		}
	}
}

func TestPublicAddressesAreOpen(t *testing.T) {
	t.Parallel()
	g := New(Config{})
	for a := range strings.FieldsSeq(`1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
		128.0.0.1 169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 198.17.255.255 198.20.0.0
		223.255.255.255 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808:: 2001:0:808:808::f7f7:f7f7
		2606:4700::5efe:8.8.8.8`) {
		if r := g.Judge(netip.MustParseAddr(a), 443, nil); r != nil {
			t.Errorf("%s is refused: %v", a, r)
		}
	}
}

func TestAllowedNetworksAreOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, network, open, shut string }{
		{"a network of IPv4", "10.1.0.0/16", "10.1.2.3", "10.2.0.1"},
		{"the same where IPv6 hides it", "10.1.0.0/16", "64:ff9b::10.1.2.3", "64:ff9b::10.2.0.1"},
		{"the same, mapped", "10.1.0.0/16", "::ffff:10.1.2.3", "::ffff:10.2.0.1"},
		{"a mapped network", "::ffff:10.1.0.0/112", "10.1.2.3", "10.2.0.1"},
		{"a network of IPv6", "fd00::/16", "fd00::1", "fd01::1"},
		{"a network that hides IPv4", "2002:a00::/32", "2002:a00:1::", "2002:a01:1::"},
		{"loopback of IPv6", "::1/128", "::1", "127.0.0.1"},
	} {
		g := New(Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix(c.network)}})
		if r := g.Judge(netip.MustParseAddr(c.open), 443, nil); r != nil {
			t.Errorf("%s: %s is refused: %v", c.name, c.open, r)
		}
		if g.Judge(netip.MustParseAddr(c.shut), 443, nil) == nil {
			t.Errorf("%s: %s is let through", c.name, c.shut)
		}
	}
}

func TestARefusalSaysTheWayOut(t *testing.T) {
	t.Parallel()
	g := New(Config{})
	for address, want := range map[string]string{
		"10.1.2.3":        "10.1.2.3 is a private address: --allow-cidr 10.0.0.0/8 or --allow-private opens it",
		"::1":             "::1 is a loopback address: --allow-cidr ::1/128 or --allow-private opens it",
		"64:ff9b::7f00:1": "64:ff9b::7f00:1 leads to 127.0.0.1, which is a loopback address: --allow-cidr 127.0.0.0/8 or --allow-private opens it",
	} {
		if got := g.Judge(netip.MustParseAddr(address), 443, nil).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAnAllowedHostIsComparedWithWhatIsDialled(t *testing.T) {
	t.Parallel()
	g := New(Config{AllowHosts: []crawler.Host{"intranet", "wiki:8080", "[::1]", "[::1]:8080"}})
	for dialled, want := range map[string]bool{
		"intranet:80": true, "intranet:443": true, "intranet:22": false, "intranet:8080": false,
		"wiki:8080": true, "wiki:80": false, "wiki:443": false,
		"[::1]:80": true, "[::1]:8080": true, "[::1]:81": false,
		"www.intranet:80": false,
	} {
		if got := g.Opening(dialled) != nil; got != want {
			t.Errorf("%s: got %t, want %t", dialled, got, want)
		}
	}
}

func TestAHostThatWasNamedOpensTheAddressesThatItHadAtFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, host, first, then, want string }{
		{"a private name", "intranet", "10.1.2.3", "10.1.2.3", ""},
		{"one that moves within its network", "intranet", "10.1.2.3", "10.1.2.4", "private"},
		{"one that is led elsewhere", "intranet", "10.1.2.3", "127.0.0.1", "loopback"},
		{"a public name that is led inside", "example.org", "9.9.9.9", "10.1.2.3", "private"},
		{"a public name", "example.org", "9.9.9.9", "9.9.9.10", ""},
		{"a name of a cloud's metadata", "intranet", "169.254.169.254", "169.254.169.254", "metadata"},
		{"the same among others", "intranet", "100.64.0.1", "100.100.100.200", "carrier"},
		{"the same, hidden", "intranet", "64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "metadata"},
		{"its address, written", "169.254.169.254", "169.254.169.254", "169.254.169.254", ""},
		{"an address hidden in IPv6, written", "64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe", ""},
		{"an address, which opens itself alone", "10.1.2.3", "10.1.2.3", "10.1.2.4", "private"},
	} {
		g := New(Config{AllowHosts: []crawler.Host{crawler.Host(c.host)}})
		if strings.Contains(c.host, ":") {
			g = New(Config{AllowHosts: []crawler.Host{crawler.Host("[" + c.host + "]")}})
		}
		named := g.Opening(net.JoinHostPort(c.host, "80"))
		for _, lookedUp := range []string{c.first, c.then} {
			named.Learn(c.host, []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(lookedUp), 80)})
		}
		err := g.Judge(netip.MustParseAddr(c.then), 80, named)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

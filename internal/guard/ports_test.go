package guard

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPortsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ports string
		open, shut  []int
	}{
		{"none", "", []int{80, 443, 8000, 8443, 9000}, []int{1, 22, 79, 81, 444, 3306, 6379, 7999, 9001, 65535}},
		{"one", "9200", []int{9200}, []int{80, 443, 9199, 9201}},
		{"ranges", "80 3000-3010", []int{80, 3000, 3005, 3010}, []int{443, 2999, 3011}},
		{"any", "80 any", []int{1, 22, 80, 65535}, []int{0}},
	} {
		p, err := ParsePorts(strings.Fields(c.ports))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, port := range c.open {
			if !p.open(port, false) {
				t.Errorf("%s: %d is shut", c.name, port)
			}
		}
		for _, port := range c.shut {
			if p.open(port, false) {
				t.Errorf("%s: %d is open", c.name, port)
			}
		}
	}
}

func TestWhatIsNoPortIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "-1", "http", "65536", "90-80", "80-", "80-90-100", "ANY", "8 0"} {
		if _, err := ParsePorts([]string{"80", text}); err == nil || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestByDefaultAllPortsOfPrivateNetworksThatAreOpenedAreOpen(t *testing.T) {
	t.Parallel()
	g := New(Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("9.9.9.0/24")}})
	everything := New(Config{AllowPrivate: true})
	for _, c := range []struct {
		name, address string
		guard         *Guard
		open          bool
	}{
		{"a network", "10.1.2.3", g, true},
		{"a public network", "9.9.9.9", g, true},
		{"the same where IPv6 hides it", "64:ff9b::10.1.2.3", g, true},
		{"elsewhere", "8.8.8.8", g, false},
		{"all private ones", "192.168.1.1", everything, true},
		{"all private ones, hidden", "2002:a00:1::", everything, true},
		{"but not public ones", "8.8.8.8", everything, false},
	} {
		refused := c.guard.Judge(netip.MustParseAddr(c.address), 6379, nil)
		if (refused == nil) != c.open {
			t.Errorf("%s: got %v, want open %t", c.name, refused, c.open)
		}
		if refused := c.guard.Judge(netip.MustParseAddr(c.address), 8080, nil); refused != nil {
			t.Errorf("%s: 8080 is refused: %v", c.name, refused)
		}
	}
}

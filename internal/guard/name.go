package guard

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// inside are suffixes of names that have no public address: RFC 6761, RFC 6762, RFC 8375,
// and those that ICANN reserves for private use.
var inside = []string{"localhost", "local", "internal", "intranet", "corp", "home", "lan", "home.arpa"}

// JudgeName returns why a name may not be given to a proxy that resolves it; nil if it may.
// Its address is not known here. So the name is refused if it is itself a forbidden
// address, or a kind of name that is used in private networks.
func (g *Guard) JudgeName(name, port string, portOpen bool) error {
	number, _ := strconv.ParseUint(port, 10, 16)
	if portOpen {
		number = 0
	}
	named := g.Opening(net.JoinHostPort(name, port))
	if a, err := netip.ParseAddr(name); err == nil {
		named.Learn(name, []netip.AddrPort{netip.AddrPortFrom(a, uint16(number))})
		return g.Judge(a, int(number), named)
	}
	if named != nil {
		return nil
	}
	if !g.everything && isInside(name) {
		return NameRefusal{name, g.words}
	}
	if number != 0 && !g.ports.open(int(number), g.everything && isInside(name)) {
		return PortRefusal{int(number), g.words}
	}
	return nil
}

func isInside(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if !strings.Contains(name, ".") {
		return true
	}
	for _, last := range inside {
		if strings.HasSuffix(name, "."+last) {
			return true
		}
	}
	return false
}

// NameRefusal is the error for a name that must not be given to a proxy.
type NameRefusal struct {
	name  string
	words Words
}

func (n NameRefusal) Error() string {
	return "a proxy is not asked for " + strconv.Quote(n.name) +
		", which is a name inside of a network: " + n.words.Private + " opens all of those"
}

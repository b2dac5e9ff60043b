package guard

import (
	"fmt"
	"strconv"
	"strings"
)

// Ports are TCP ports that may be connected to. The zero value is 80, 443 and 8000-9000,
// where web servers listen; other ports are mostly used by services that a stranger's link
// should not make us talk to. In private networks that are opened, the zero value is every
// port, because those are the operator's own.
type Ports struct {
	ranges []portRange // nil in the zero value
}

// portRange includes both low and high.
type portRange struct{ low, high int }

var (
	defaultRanges = []portRange{{80, 80}, {443, 443}, {8000, 9000}}
	anyPort       = []portRange{{1, 65535}}
)

// ParsePorts parses ports such as "8080", ranges such as "8000-9000", and "any". No texts
// mean the zero Ports. The error quotes an invalid text.
func ParsePorts(texts []string) (Ports, error) {
	var p Ports
	for _, text := range texts {
		if text == "any" {
			return Ports{anyPort}, nil
		}
		from, to, isRange := strings.Cut(text, "-")
		if !isRange {
			to = from
		}
		low, errLow := strconv.ParseUint(from, 10, 16)
		high, errHigh := strconv.ParseUint(to, 10, 16)
		if errLow != nil || errHigh != nil || low == 0 || high < low {
			return Ports{}, fmt.Errorf("ports: %q is no port: write 8080, 8000-9000 or any", text)
		}
		p.ranges = append(p.ranges, portRange{int(low), int(high)})
	}
	return p, nil
}

// open reports whether a port is open. opened says that its address is in a network that
// the operator opened.
func (p Ports) open(port int, opened bool) bool {
	ranges := p.ranges
	if ranges == nil {
		if opened {
			return true
		}
		ranges = defaultRanges
	}
	for _, r := range ranges {
		if r.low <= port && port <= r.high {
			return true
		}
	}
	return false
}

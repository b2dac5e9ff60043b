package simweb

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Naming is how the hosts of a web are called.
type Naming interface {
	// Name is the host of URLs, with its port if it has one.
	Name(host int) string
	// Number reads such a name. ok is false of all others; the number may be of
	// a host that there is not.
	Number(name string) (host int, ok bool)
}

// Names are names that nobody else has (RFC 6761, 6.5).
type Names struct{}

const (
	namePrefix = "www.site-"
	nameSuffix = ".sim.example"
)

// Name returns a name such as www.site-7.sim.example.
func (Names) Name(host int) string { return namePrefix + strconv.Itoa(host) + nameSuffix }

// Number reads it.
func (Names) Number(name string) (int, bool) {
	name, ours := strings.CutSuffix(name, nameSuffix)
	name, named := strings.CutPrefix(name, namePrefix)
	host, err := strconv.Atoi(name)
	return host, ours && named && err == nil && host >= 0
}

// Addresses are addresses of the loopback interface, from 127.1.0.1 on, with one
// port. One listener at 0.0.0.0 serves them all.
type Addresses struct{ Port int }

// mostAddresses is how many there are: the last byte is never 0 or 255.
const mostAddresses = 254 * 256 * 254

// Name returns an address such as 127.1.0.8:4711.
func (a Addresses) Name(host int) string {
	return fmt.Sprintf("127.%d.%d.%d:%d", 1+host/254/256, host/254%256, 1+host%254, a.Port)
}

// Number reads it.
func (a Addresses) Number(name string) (int, bool) {
	address, port, err := net.SplitHostPort(name)
	ip := net.ParseIP(address).To4()
	if err != nil || port != strconv.Itoa(a.Port) || ip == nil || ip[0] != 127 || ip[1] == 0 || ip[3] == 0 ||
		ip[3] == 255 {
		return 0, false
	}
	host := (int(ip[1]-1)*256+int(ip[2]))*254 + int(ip[3]) - 1
	return host, host < mostAddresses
}

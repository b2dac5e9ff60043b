package dns

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Bounds of queries to name servers.
const (
	serverTime   = 2 * time.Second // for one answer
	serverRounds = 2               // over all servers
	maxAliases   = 16              // CNAMEs in a row
	udpSize      = 1232            // of an answer over UDP; longer ones use TCP (DNS flag day 2020)
)

// nameServers are recursive resolvers, in the order in which they are asked.
type nameServers []netip.AddrPort

var loopback = found{[]netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}, longestLife}

// ask returns the addresses of a name: IPv6 and IPv4 alternately, as in RFC 8305, 4, those
// that this machine has a route to first.
func (s nameServers) ask(ctx context.Context, name string) (found, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761, 6.3
		return loopback, nil
	}
	var six, four found
	var noSix, noFour error
	var both sync.WaitGroup
	both.Go(func() { six, noSix = s.askFor(ctx, name, dnsmessage.TypeAAAA) })
	both.Go(func() { four, noFour = s.askFor(ctx, name, dnsmessage.TypeA) })
	both.Wait()
	switch {
	case len(six.addresses)+len(four.addresses) > 0:
		life := min(lifeOf(six), lifeOf(four))
		return found{byTurns(six.addresses, four.addresses), life}, nil
	case noFour != nil:
		return found{}, noFour
	case noSix != nil:
		return found{}, noSix
	}
	return found{}, &net.DNSError{Err: "no address", Name: name, IsNotFound: true}
}

func lifeOf(f found) time.Duration {
	if len(f.addresses) == 0 {
		return math.MaxInt64
	}
	return f.life
}

// askFor asks for the addresses of one type. It is not an error if a server says that there
// are none.
func (s nameServers) askFor(ctx context.Context, name string, kind dnsmessage.Type) (found, error) {
	asked, err := dnsmessage.NewName(name + ".")
	if err != nil || !representable(name) {
		return found{}, &net.DNSError{Err: "not a valid name", Name: name, IsNotFound: true}
	}
	q := dnsmessage.Question{Name: asked, Type: kind, Class: dnsmessage.ClassINET}
	last := &net.DNSError{Err: "no name server answers", Name: name, IsTemporary: true}
	for range serverRounds {
		for _, server := range s {
			addresses, err := askServer(ctx, q, server)
			switch {
			case ctx.Err() != nil:
				return found{}, &net.DNSError{Err: "no answer in time", Name: name, IsTimeout: true}
			case errors.Is(err, errNoName):
				return found{}, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
			case err != nil:
				last.Err = reason(err)
			default:
				return addresses, nil
			}
		}
	}
	return found{}, last
}

// representable reports whether each label of a name has 1 to 63 octets (RFC 1035, 2.3.4).
func representable(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}

// errNoName says that a name server knows that the name does not exist.
var errNoName = errors.New("no such host")

// askServer asks one server.
func askServer(ctx context.Context, q dnsmessage.Question, server netip.AddrPort) (found, error) {
	answer, err := exchange(ctx, q, server)
	if err != nil {
		return found{}, err
	}
	switch code := answer.rcode(); code {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return found{}, errNoName
	default:
		return found{}, errors.New("the name server answers " + rcodeName(code))
	}
	records, err := answer.records()
	if err != nil {
		return found{}, err
	}
	return addressesIn(records, q), nil
}

// addressesIn follows the aliases of the name that was asked for, and ignores records of
// other names.
func addressesIn(records []record, q dnsmessage.Question) found {
	f := found{life: longestLife}
	name := q.Name.String()
	for range maxAliases {
		alias := ""
		for _, r := range records {
			if !strings.EqualFold(r.name, name) {
				continue
			}
			f.life = min(f.life, r.life)
			if r.alias != "" {
				alias = r.alias
			} else if r.kind == q.Type {
				f.addresses = append(f.addresses, r.address)
			}
		}
		if alias == "" || len(f.addresses) > 0 {
			return f
		}
		name = alias
	}
	return f
}

// byTurns alternates addresses of both types. Those without a route come last.
func byTurns(six, four []netip.Addr) []netip.Addr {
	if len(six) > 0 && len(four) > 0 && !routed(six[0]) {
		return slices.Concat(four, six)
	}
	all := make([]netip.Addr, 0, len(six)+len(four))
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			all = append(all, six[i])
		}
		if i < len(four) {
			all = append(all, four[i])
		}
	}
	return all
}

// routed reports whether this machine has a route to an address. It sends nothing:
// connecting a UDP socket is enough to find out.
func routed(a netip.Addr) bool {
	conn, err := net.Dial("udp", netip.AddrPortFrom(a, 9).String())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// reason returns the text of an error for users: short, without addresses.
func reason(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return err.Error()
}

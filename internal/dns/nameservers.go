package dns

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
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
	both.Go(func() { six, noSix = s.askFor(ctx, name, dns.TypeAAAA) })
	both.Go(func() { four, noFour = s.askFor(ctx, name, dns.TypeA) })
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
func (s nameServers) askFor(ctx context.Context, name string, kind uint16) (found, error) {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(name), kind)
	query.SetEdns0(udpSize, false)
	last := &net.DNSError{Err: "no name server answers", Name: name, IsTemporary: true}
	for range serverRounds {
		for _, server := range s {
			answer, err := exchange(ctx, query, server.String())
			switch {
			case ctx.Err() != nil:
				return found{}, &net.DNSError{Err: "no answer in time", Name: name, IsTimeout: true}
			case err != nil:
				last.Err = reason(err)
			case answer.Rcode == dns.RcodeNameError:
				return found{}, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
			case answer.Rcode != dns.RcodeSuccess:
				last.Err = "the name server answers " + dns.RcodeToString[answer.Rcode]
			default:
				return addressesIn(answer, kind), nil
			}
		}
	}
	return found{}, last
}

var errOtherQuestion = errors.New("the name server answers another question")

// exchange asks one server, over TCP if the answer is too long for UDP.
func exchange(ctx context.Context, query *dns.Msg, server string) (*dns.Msg, error) {
	query = query.Copy()
	query.Id = dns.Id()
	client := dns.Client{Timeout: serverTime, UDPSize: udpSize}
	answer, _, err := client.ExchangeContext(ctx, query, server)
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.ExchangeContext(ctx, query, server)
	}
	if err == nil && !slices.Equal(answer.Question, query.Question) {
		err = errOtherQuestion
	}
	return answer, err
}

// addressesIn follows the aliases of the name that was asked for, and ignores records of
// other names.
func addressesIn(answer *dns.Msg, kind uint16) found {
	f := found{life: longestLife}
	name := answer.Question[0].Name
	for range maxAliases {
		alias := ""
		for _, record := range answer.Answer {
			head := record.Header()
			if !strings.EqualFold(head.Name, name) {
				continue
			}
			var a netip.Addr
			switch r := record.(type) {
			case *dns.CNAME:
				alias = r.Target
			case *dns.A:
				a, _ = netip.AddrFromSlice(r.A.To4())
			case *dns.AAAA:
				a, _ = netip.AddrFromSlice(r.AAAA)
			default:
				continue
			}
			f.life = min(f.life, time.Duration(head.Ttl)*time.Second)
			if a.IsValid() && head.Rrtype == kind {
				f.addresses = append(f.addresses, a)
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
	}
	return err.Error()
}

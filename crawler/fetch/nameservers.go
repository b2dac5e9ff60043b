package fetch

import (
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Bounds of asking name servers.
const (
	serverTime   = 2 * time.Second // for one answer
	serverRounds = 2               // over all servers
	mostAliases  = 16              // CNAMEs, one after the other
	udpSize      = 1232            // of an answer in a datagram; more come by TCP (DNS flag day 2020)
)

// nameServers are recursive resolvers, in the order in which they are asked.
type nameServers []netip.AddrPort

var loopback = found{[]netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}, longestLife}

// ask returns the addresses of a name: IPv6 and IPv4 by turns, as RFC 8305, 4
// has it, those first that this machine has a way to.
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

// askFor asks for the addresses of one kind. None is no error where a server
// says so.
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
				last.Err = plain(err)
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

// exchange asks one server, by TCP where the answer is too long for a datagram.
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

// addressesIn follows the name that was asked for through its aliases. Records
// of other names are not for us.
func addressesIn(answer *dns.Msg, kind uint16) found {
	f := found{life: longestLife}
	name := answer.Question[0].Name
	for range mostAliases {
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

// byTurns takes addresses of both kinds by turns, and puts those behind that
// there is no way to.
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

// routed reports whether this machine has a way to an address. Nothing is sent:
// that a datagram's socket can be connected tells.
func routed(a netip.Addr) bool {
	conn, err := net.Dial("udp", netip.AddrPortFrom(a, 9).String())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

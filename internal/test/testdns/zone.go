// Package testdns is a name server for tests, over UDP and TCP on the loopback interface.
package testdns

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// Zone is a name server of a test: records by "name. TYPE", in the form of a
// zone file. A name that has none does not exist.
type Zone struct {
	At    netip.AddrPort // where it answers
	Asked atomic.Int64   // for addresses of IPv4

	mu      sync.Mutex
	records map[string][]string
	Rcode   int           // of every answer; change it, and the next two, with Behave
	Gate    chan struct{} // an answer waits until it can be received from; nil: none does
	Cut     bool          // datagrams are too short for an answer
}

// New returns a running name server with these records, such as "a.test. 60 IN A 127.0.0.1". It
// ends with the test.
func New(t testing.TB, records ...string) *Zone {
	t.Helper()
	z := &Zone{}
	z.Set(records...)
	packets, streams := listenBoth(t)
	z.At = packets.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, s := range []*dns.Server{
		{PacketConn: packets, Handler: z.handler(true)}, {Listener: streams, Handler: z.handler(false)},
	} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { defer close(ended); s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { s.Shutdown(); <-ended })
	}
	return z
}

// listenBoth listens for datagrams and for connections at one port.
func listenBoth(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		streams, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, streams
		}
		packets.Close() // the port is another's for connections
	}
}

// Behave changes how the zone answers.
func (z *Zone) Behave(change func()) {
	z.mu.Lock()
	defer z.mu.Unlock()
	change()
}

// Set replaces the records, such as "a.test. 60 IN A 127.0.0.1".
func (z *Zone) Set(records ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = make(map[string][]string)
	for _, r := range records {
		f := strings.Fields(r)
		z.records[f[0]] = append(z.records[f[0]], r)
	}
}

func (z *Zone) handler(packets bool) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		q := query.Question[0]
		if q.Qtype == dns.TypeA {
			z.Asked.Add(1)
		}
		z.mu.Lock()
		gate, cut := z.Gate, z.Cut
		answer := z.answer(query)
		z.mu.Unlock()
		if gate != nil {
			<-gate
		}
		if packets && cut {
			answer.Truncated, answer.Answer = true, nil
		}
		w.WriteMsg(answer)
	}
}

func (z *Zone) answer(query *dns.Msg) *dns.Msg {
	q := query.Question[0]
	answer := new(dns.Msg).SetRcode(query, z.Rcode)
	if len(z.records[q.Name]) == 0 && z.Rcode == dns.RcodeSuccess {
		answer.Rcode = dns.RcodeNameError
	}
	for name, left := q.Name, 8; name != "" && left > 0; left-- {
		next := ""
		for _, text := range z.records[name] {
			r, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			if c, ok := r.(*dns.CNAME); ok {
				next = c.Target
			} else if r.Header().Rrtype != q.Qtype {
				continue
			}
			answer.Answer = append(answer.Answer, r)
		}
		name = next
	}
	return answer
}

package hostile

import (
	"net"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// nameServer answers for names that end with "hostile.test". Names without configured
// records do not exist.
type nameServer struct {
	addr    string
	servers []*dns.Server
	ended   sync.WaitGroup

	mu      sync.Mutex
	answers map[string]func(asked int) []string // records by name, without the name itself
	queries map[string]int                      // number of queries for IPv4 addresses so far
}

// zoneName is the suffix of all names of a web.
const zoneName = ".hostile.test"

func newNameServer(w *Web) *nameServer {
	w.t.Helper()
	s := &nameServer{answers: make(map[string]func(int) []string), queries: make(map[string]int)}
	packets, streams := listenBoth(w)
	s.addr = packets.LocalAddr().String()
	s.servers = []*dns.Server{{PacketConn: packets, Handler: s}, {Listener: streams, Handler: s}}
	for _, server := range s.servers {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		s.ended.Go(func() { _ = server.ActivateAndServe() })
		<-started
	}
	return s
}

// listenBoth listens for datagrams and for connections at the same port.
func listenBoth(w *Web) (net.PacketConn, net.Listener) {
	w.t.Helper()
	for {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		streams, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err == nil {
			return packets, streams
		}
		packets.Close() // another process has the TCP port
	}
}

// name configures the records of a name, such as "0 A 127.0.0.1", which may differ from
// one query to the next. It returns the full name.
func (s *nameServer) name(label string, records func(asked int) []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[label+zoneName] = records
	return label + zoneName
}

// ServeDNS answers one query.
func (s *nameServer) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	answer := new(dns.Msg).SetReply(query)
	q := query.Question[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
	s.mu.Lock()
	records, asked := s.answers[name], s.queries[name]
	if q.Qtype == dns.TypeA {
		s.queries[name]++
	}
	s.mu.Unlock()
	if records == nil {
		answer.Rcode = dns.RcodeNameError
		_ = w.WriteMsg(answer)
		return
	}
	for _, text := range records(asked) {
		if text == "nothing" {
			return // without an answer
		}
		r, err := dns.NewRR(q.Name + " " + text)
		if err == nil && (r.Header().Rrtype == q.Qtype || r.Header().Rrtype == dns.TypeCNAME) {
			answer.Answer = append(answer.Answer, r)
		}
	}
	if _, datagram := w.RemoteAddr().(*net.UDPAddr); datagram && answer.Len() > dns.MinMsgSize {
		answer.Truncated, answer.Answer = true, nil
	}
	_ = w.WriteMsg(answer)
}

func (s *nameServer) close() {
	for _, server := range s.servers {
		_ = server.Shutdown()
	}
	s.ended.Wait()
}

package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/trawlcrawler/trawl/crawler"
)

// zone is a name server of a test: records by "name. TYPE", in the form of a
// zone file. A name that has none does not exist.
type zone struct {
	at    netip.AddrPort
	asked atomic.Int64 // for addresses of IPv4

	mu      sync.Mutex
	records map[string][]string
	rcode   int           // of every answer
	gate    chan struct{} // an answer waits until it can be received from; nil: none does
	cut     bool          // datagrams are too short for an answer
}

func newZone(t testing.TB, records ...string) *zone {
	t.Helper()
	z := &zone{}
	z.set(records...)
	packets, streams := listenBoth(t)
	z.at = packets.LocalAddr().(*net.UDPAddr).AddrPort()
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

// behave changes how the zone answers.
func (z *zone) behave(change func()) {
	z.mu.Lock()
	defer z.mu.Unlock()
	change()
}

// set replaces the records, such as "a.test. 60 IN A 127.0.0.1".
func (z *zone) set(records ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = make(map[string][]string)
	for _, r := range records {
		f := strings.Fields(r)
		z.records[f[0]] = append(z.records[f[0]], r)
	}
}

func (z *zone) handler(packets bool) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		q := query.Question[0]
		if q.Qtype == dns.TypeA {
			z.asked.Add(1)
		}
		z.mu.Lock()
		gate, cut := z.gate, z.cut
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

func (z *zone) answer(query *dns.Msg) *dns.Msg {
	q := query.Question[0]
	answer := new(dns.Msg).SetRcode(query, z.rcode)
	if len(z.records[q.Name]) == 0 && z.rcode == dns.RcodeSuccess {
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

// lookup returns the addresses of a name, parted by spaces, or its error.
func lookup(t testing.TB, r *Resolver, name string) string {
	t.Helper()
	addresses, err := r.Lookup(t.Context(), name)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(fmt.Sprint(addresses), "[]")
}

func TestNamesAreLookedUp(t *testing.T) {
	t.Parallel()
	z := newZone(t,
		"one.test. 60 IN A 192.0.2.1",
		"two.test. 60 IN A 192.0.2.1", "two.test. 60 IN A 192.0.2.2",
		"six.test. 60 IN AAAA ::1",
		"both.test. 60 IN A 127.0.0.1", "both.test. 60 IN AAAA ::1",
		"alias.test. 60 IN CNAME further.test.", "further.test. 60 IN CNAME one.test.",
		"loop.test. 60 IN CNAME loop.test.",
		"mail.test. 60 IN MX 10 one.test.",
	)
	r := NewResolver([]netip.AddrPort{z.at})
	for name, want := range map[string]string{
		"one.test": "192.0.2.1", "one.test.": "192.0.2.1", "alias.test": "192.0.2.1", "two.test": "192.0.2.1 192.0.2.2",
		"six.test": "::1", "192.0.2.7": "192.0.2.7", "::1": "::1", "localhost": "127.0.0.1 ::1", "a.localhost.": "127.0.0.1 ::1",
		"mail.test": "lookup mail.test: no address", "loop.test": "lookup loop.test: no address", "no.test": "lookup no.test: no such host",
	} {
		if got := lookup(t, r, name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := lookup(t, r, "both.test"); len(got) != len("::1 127.0.0.1") {
		t.Errorf("both.test: got %s, want both addresses", got)
	}
}

func TestAnAnswerIsRememberedForItsTimeToLive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, record string
		life         time.Duration
	}{
		{"a minute", "a.test. 60 IN A 192.0.2.1", time.Minute},
		{"none, which is as good as a little", "a.test. 0 IN A 192.0.2.1", shortestLife},
		{"a week, which is as good as an hour", "a.test. 604800 IN A 192.0.2.1", longestLife},
		{"of an alias, where that is shorter", "a.test. 10 IN CNAME b.test.", 10 * time.Second},
	} {
		z := newZone(t, c.record, "b.test. 60 IN A 192.0.2.1")
		r := NewResolver([]netip.AddrPort{z.at})
		now := time.Now()
		r.now = func() time.Time { return now }
		lookup(t, r, "a.test")
		z.set("a.test. 60 IN A 192.0.2.2")
		now = now.Add(c.life - time.Millisecond)
		if got := lookup(t, r, "a.test"); got != "192.0.2.1" {
			t.Errorf("%s: got %s while it is good", c.name, got)
		}
		now = now.Add(time.Millisecond)
		if got := lookup(t, r, "a.test"); got != "192.0.2.2" {
			t.Errorf("%s: got %s after %s, want the new address", c.name, got, c.life)
		}
	}
}

func TestThatANameHasNoAddressIsRememberedForALittle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		rcode int
		life  time.Duration
	}{
		{"no such host", dns.RcodeSuccess, absentLife},
		{"trouble", dns.RcodeServerFailure, troubledLife},
	} {
		z := newZone(t)
		z.behave(func() { z.rcode = c.rcode })
		r := NewResolver([]netip.AddrPort{z.at})
		now := time.Now()
		r.now = func() time.Time { return now }
		_, err := r.Lookup(t.Context(), "a.test")
		var dnsError *net.DNSError
		if !errors.As(err, &dnsError) || dnsError.IsNotFound != (c.rcode == dns.RcodeSuccess) {
			t.Errorf("%s: got %v", c.name, err)
		}
		asked := z.asked.Load()
		now = now.Add(c.life - time.Millisecond)
		lookup(t, r, "a.test")
		if again := z.asked.Load() - asked; again != 0 {
			t.Errorf("%s: asked %d times again", c.name, again)
		}
		now = now.Add(time.Millisecond)
		lookup(t, r, "a.test")
		if z.asked.Load() == asked {
			t.Errorf("%s: not asked again after %s", c.name, c.life)
		}
	}
}

func TestTheNextNameServerIsAskedWhereOneFails(t *testing.T) {
	t.Parallel()
	refusing, good := newZone(t), newZone(t, "a.test. 60 IN A 192.0.2.1")
	refusing.behave(func() { refusing.rcode = dns.RcodeRefused })
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	absent := gone.LocalAddr().(*net.UDPAddr).AddrPort()
	gone.Close()
	if got := lookup(t, NewResolver([]netip.AddrPort{absent, refusing.at, good.at}), "a.test"); got != "192.0.2.1" {
		t.Errorf("got %s", got)
	}
	if got := lookup(t, NewResolver([]netip.AddrPort{refusing.at}), "a.test"); !strings.Contains(got, "REFUSED") {
		t.Errorf("got %s, want what the name server said", got)
	}
}

func TestALongAnswerComesByTCP(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 200 {
		records = append(records, fmt.Sprintf("a.test. 60 IN A 192.0.2.%d", i))
	}
	z := newZone(t, records...)
	z.behave(func() { z.cut = true })
	addresses, err := NewResolver([]netip.AddrPort{z.at}).Lookup(t.Context(), "a.test")
	if err != nil || len(addresses) != mostAddresses {
		t.Errorf("got %d addresses, %v, want %d", len(addresses), err, mostAddresses)
	}
}

func TestANameIsLookedUpOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	z := newZone(t, "a.test. 60 IN A 192.0.2.1")
	gate := make(chan struct{})
	z.behave(func() { z.gate = gate })
	r := NewResolver([]netip.AddrPort{z.at})
	impatient, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // the lookup is its, and outlives it
		if _, err := r.Lookup(impatient, "a.test"); err == nil {
			t.Error("a lookup went on when its context had ended")
		}
	})
	for z.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
	for range 50 {
		wg.Go(func() {
			if got := lookup(t, r, "a.test"); got != "192.0.2.1" {
				t.Errorf("got %s", got)
			}
		})
	}
	close(gate)
	wg.Wait()
	if n := z.asked.Load(); n != 1 {
		t.Errorf("the name server was asked %d times, want once", n)
	}
}

func TestOnlySoManyNamesAreRemembered(t *testing.T) {
	t.Parallel()
	n := newNames(3)
	now := time.Now()
	for i := range 10 {
		n.keep(&known{name: fmt.Sprint(i), until: now.Add(time.Minute)})
		n.recall("0", now) // is asked for again and again
	}
	for i, want := range []bool{0: true, 1: false, 7: false, 8: true, 9: true} {
		if _, got := n.recall(fmt.Sprint(i), now); got != want {
			t.Errorf("%d: remembered %t, want %t", i, got, want)
		}
	}
	if len(n.kept) != 3 || n.recent.Len() != 3 {
		t.Errorf("%d names are kept, %d in a list, want 3", len(n.kept), n.recent.Len())
	}
}

// resolved returns a fetcher that asks a zone, and the port of a server at
// 127.0.0.2 that says by which name it was asked.
func resolved(t *testing.T, z *zone, cfg Config) (f *Fetcher, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("this system has no 127.0.0.2")
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	cfg.Resolver = NewResolver([]netip.AddrPort{z.at})
	f, err = New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return f, port
}

func TestAnotherAddressIsTriedWhereOneDoesNotAnswer(t *testing.T) {
	t.Parallel()
	z := newZone(t, "a.test. 60 IN A 127.0.0.3", "a.test. 60 IN A 127.0.0.2")
	f, port := resolved(t, z, Config{AllowPrivate: true})
	host := crawler.Host("a.test:" + port)
	if at, err := f.Locate(t.Context(), host); err != nil || at.String() != "127.0.0.3" {
		t.Errorf("before: located at %s, %v, want 127.0.0.3", at, err)
	}
	page := get(t, f, request(t, "http://a.test:"+port+"/"))
	wantNoFault(t, page)
	if page.Address.Addr().String() != "127.0.0.2" {
		t.Errorf("connected to %s", page.Address)
	}
	if at, err := f.Locate(t.Context(), host); err != nil || at.String() != "127.0.0.2" {
		t.Errorf("after: located at %s, %v, want where it answers", at, err)
	}
}

// The name server says something else each time it is asked: a public address
// first, and a private one to whoever asks again (rebinding).
func TestTheAddressThatWasCheckedIsTheOneConnectedTo(t *testing.T) {
	t.Parallel()
	z := newZone(t, "a.test. 0 IN A 127.0.0.2")
	f, port := resolved(t, z, Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	now := time.Now()
	f.cfg.Resolver.now = func() time.Time { return now }
	host := crawler.Host("a.test:" + port)
	if at, err := f.Locate(t.Context(), host); err != nil || at.String() != "127.0.0.2" {
		t.Fatalf("located at %s, %v", at, err)
	}
	z.set("a.test. 0 IN A 127.0.0.1")
	page := get(t, f, request(t, "http://a.test:"+port+"/"))
	wantNoFault(t, page)
	if page.Address.Addr().String() != "127.0.0.2" {
		t.Errorf("connected to %s, want what was checked", page.Address)
	}
	f.Close() // no warm connection is left
	now = now.Add(shortestLife)
	page = get(t, f, request(t, "http://a.test:"+port+"/"))
	wantFault(t, page, crawler.FaultBlocked, false)
	if _, err := f.Locate(t.Context(), host); err == nil {
		t.Error("a refused address was located")
	}
}

func TestOfANamesAddressesOnlyOpenOnesAreConnectedTo(t *testing.T) {
	t.Parallel()
	z := newZone(t, "a.test. 60 IN A 127.0.0.1", "a.test. 60 IN A 10.0.0.1", "a.test. 60 IN A 127.0.0.2")
	f, port := resolved(t, z, Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	page := get(t, f, request(t, "http://a.test:"+port+"/"))
	wantNoFault(t, page)
	if page.Address.Addr().String() != "127.0.0.2" {
		t.Errorf("connected to %s", page.Address)
	}
}

func TestANameWithoutAddressIsAFault(t *testing.T) {
	t.Parallel()
	z := newZone(t)
	f, port := resolved(t, z, Config{})
	wantFault(t, get(t, f, request(t, "http://a.test:"+port+"/")), crawler.FaultResolve, false)
	z.behave(func() { z.rcode = dns.RcodeServerFailure })
	wantFault(t, get(t, f, request(t, "http://b.test:"+port+"/")), crawler.FaultResolve, true)
}

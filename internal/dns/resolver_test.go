package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/trawlcrawler/trawl/internal/test/testdns"
)

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
	z := testdns.New(t,
		"one.test. 60 IN A 192.0.2.1",
		"two.test. 60 IN A 192.0.2.1", "two.test. 60 IN A 192.0.2.2",
		"six.test. 60 IN AAAA ::1",
		"both.test. 60 IN A 127.0.0.1", "both.test. 60 IN AAAA ::1",
		"alias.test. 60 IN CNAME further.test.", "further.test. 60 IN CNAME one.test.",
		"loop.test. 60 IN CNAME loop.test.",
		"mail.test. 60 IN MX 10 one.test.",
	)
	r := NewResolver([]netip.AddrPort{z.At})
	for name, want := range map[string]string{
		"one.test": "192.0.2.1", "one.test.": "192.0.2.1", "alias.test": "192.0.2.1", "two.test": "192.0.2.1 192.0.2.2",
		"six.test": "::1", "192.0.2.7": "192.0.2.7", "::1": "::1", "localhost": "127.0.0.1 ::1",
		"a.localhost.": "127.0.0.1 ::1",
		"mail.test":    "lookup mail.test: no address", "loop.test": "lookup loop.test: no address",
		"no.test": "lookup no.test: no such host",
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
		z := testdns.New(t, c.record, "b.test. 60 IN A 192.0.2.1")
		r := NewResolver([]netip.AddrPort{z.At})
		now := time.Now()
		r.now = func() time.Time { return now }
		lookup(t, r, "a.test")
		z.Set("a.test. 60 IN A 192.0.2.2")
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
		z := testdns.New(t)
		z.Behave(func() { z.Rcode = c.rcode })
		r := NewResolver([]netip.AddrPort{z.At})
		now := time.Now()
		r.now = func() time.Time { return now }
		_, err := r.Lookup(t.Context(), "a.test")
		var dnsError *net.DNSError
		if !errors.As(err, &dnsError) || dnsError.IsNotFound != (c.rcode == dns.RcodeSuccess) {
			t.Errorf("%s: got %v", c.name, err)
		}
		asked := z.Asked.Load()
		now = now.Add(c.life - time.Millisecond)
		lookup(t, r, "a.test")
		if again := z.Asked.Load() - asked; again != 0 {
			t.Errorf("%s: asked %d times again", c.name, again)
		}
		now = now.Add(time.Millisecond)
		lookup(t, r, "a.test")
		if z.Asked.Load() == asked {
			t.Errorf("%s: not asked again after %s", c.name, c.life)
		}
	}
}

func TestTheNextNameServerIsAskedWhereOneFails(t *testing.T) {
	t.Parallel()
	refusing, good := testdns.New(t), testdns.New(t, "a.test. 60 IN A 192.0.2.1")
	refusing.Behave(func() { refusing.Rcode = dns.RcodeRefused })
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	absent := gone.LocalAddr().(*net.UDPAddr).AddrPort()
	gone.Close()
	if got := lookup(t, NewResolver([]netip.AddrPort{absent, refusing.At, good.At}), "a.test"); got != "192.0.2.1" {
		t.Errorf("got %s", got)
	}
	if got := lookup(t, NewResolver([]netip.AddrPort{refusing.At}), "a.test"); !strings.Contains(got, "REFUSED") {
		t.Errorf("got %s, want what the name server said", got)
	}
}

func TestALongAnswerComesByTCP(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 200 {
		records = append(records, fmt.Sprintf("a.test. 60 IN A 192.0.2.%d", i))
	}
	z := testdns.New(t, records...)
	z.Behave(func() { z.Cut = true })
	addresses, err := NewResolver([]netip.AddrPort{z.At}).Lookup(t.Context(), "a.test")
	if err != nil || len(addresses) != maxAddresses {
		t.Errorf("got %d addresses, %v, want %d", len(addresses), err, maxAddresses)
	}
}

func TestANameIsLookedUpOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	z := testdns.New(t, "a.test. 60 IN A 192.0.2.1")
	gate := make(chan struct{})
	z.Behave(func() { z.Gate = gate })
	r := NewResolver([]netip.AddrPort{z.At})
	impatient, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // the lookup is its, and outlives it
		if _, err := r.Lookup(impatient, "a.test"); err == nil {
			t.Error("a lookup went on when its context had ended")
		}
	})
	for z.Asked.Load() == 0 {
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
	if n := z.Asked.Load(); n != 1 {
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

package fetch

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"

	wire "github.com/miekg/dns"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testdns"
)

// resolved returns a fetcher that resolves names with a zone, and the port of a server at 127.0.0.2
// that answers with the requested host.
func resolved(t *testing.T, z *testdns.Zone, cfg Config) (f *Fetcher, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("this system has no 127.0.0.2")
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	cfg.Resolver = dns.NewResolver([]netip.AddrPort{z.At})
	f, err = New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return f, port
}

func TestAnotherAddressIsTriedIfOneDoesNotAnswer(t *testing.T) {
	t.Parallel()
	z := testdns.New(t, "a.test. 60 IN A 127.0.0.3", "a.test. 60 IN A 127.0.0.2")
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
		t.Errorf("after: located at %s, %v, want the address that answers", at, err)
	}
}

// The name server returns a public address first, and a private address for every later query (DNS
// rebinding).
func TestTheFetcherConnectsToTheCheckedAddress(t *testing.T) {
	t.Parallel()
	z := testdns.New(t, "a.test. 60 IN A 127.0.0.2")
	f, port := resolved(t, z, Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	host := crawler.Host("a.test:" + port)
	if at, err := f.Locate(t.Context(), host); err != nil || at.String() != "127.0.0.2" {
		t.Fatalf("located at %s, %v", at, err)
	}
	z.Set("a.test. 0 IN A 127.0.0.1")
	page := get(t, f, request(t, "http://a.test:"+port+"/"))
	wantNoFault(t, page)
	if page.Address.Addr().String() != "127.0.0.2" {
		t.Errorf("connected to %s, want the checked address", page.Address)
	}
	f.Close() // close idle connections
	f.cfg.Resolver.Forget("a.test")
	page = get(t, f, request(t, "http://a.test:"+port+"/"))
	wantFault(t, page, fetched.FaultBlocked, false)
	if _, err := f.Locate(t.Context(), host); err == nil {
		t.Error("a refused address was located")
	}
}

func TestTheFetcherConnectsOnlyToAllowedAddressesOfAName(t *testing.T) {
	t.Parallel()
	z := testdns.New(t, "a.test. 60 IN A 127.0.0.1", "a.test. 60 IN A 10.0.0.1", "a.test. 60 IN A 127.0.0.2")
	f, port := resolved(t, z, Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	page := get(t, f, request(t, "http://a.test:"+port+"/"))
	wantNoFault(t, page)
	if page.Address.Addr().String() != "127.0.0.2" {
		t.Errorf("connected to %s", page.Address)
	}
}

func TestANameWithoutAddressIsAFault(t *testing.T) {
	t.Parallel()
	z := testdns.New(t)
	f, port := resolved(t, z, Config{})
	wantFault(t, get(t, f, request(t, "http://a.test:"+port+"/")), fetched.FaultResolve, false)
	z.Behave(func() { z.Rcode = wire.RcodeServerFailure })
	wantFault(t, get(t, f, request(t, "http://b.test:"+port+"/")), fetched.FaultResolve, true)
}

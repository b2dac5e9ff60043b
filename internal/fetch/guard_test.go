package fetch

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestNoRequestIsSentToARefusedAddress(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server received a request") })
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	f, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"} {
		page := get(t, f, request(t, "http://"+host+":"+port+"/"))
		wantFault(t, page, fetched.FaultBlocked, false)
		if page.Address.IsValid() || page.Status != 0 || page.Body != nil {
			t.Errorf("%s: got a response: %+v", host, page)
		}
	}
}

func TestAnAllowedNetworkCanBeFetchedFrom(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	f, err := New(Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	page := get(t, f, request(t, server.URL))
	wantNoFault(t, page)
	if want := strings.TrimPrefix(server.URL, "http://"); page.Address.String() != want {
		t.Errorf("address: got %s, want %s", page.Address, want)
	}
}

func TestAnAllowedHostIsAllowedOnlyAtItsPort(t *testing.T) {
	t.Parallel()
	named := serve(t, func(http.ResponseWriter, *http.Request) {})
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the other port received a request") })
	f, err := New(Config{AllowHosts: []crawler.Host{parse(t, named.URL).Host()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	wantNoFault(t, get(t, f, request(t, named.URL)))
	wantFault(t, get(t, f, request(t, other.URL)), fetched.FaultBlocked, false)
	sameAddress := strings.Replace(named.URL, "127.0.0.1", "localhost", 1)
	wantFault(t, get(t, f, request(t, sameAddress)), fetched.FaultBlocked, false)
}

// The hosts are forms of 127.0.0.1, 169.254.169.254 and ::1 in URLs.
func TestEveryFormOfAnAddressIsRecognised(t *testing.T) {
	t.Parallel()
	f, err := New(Config{Ports: ports(t, "any")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "017700000001", "0x7f.0.0.1", "0177.0.0.01",
		"127.0.0.1.", "0", "0.0.0.0",
		"%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00::1]",
		"localhost", "LOCALHOST.", "a.localhost",
		"169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]",
		"169.254.43518",
	} {
		u, err := crawler.ParseURL("http://" + host + ":8080/")
		if err != nil {
			t.Logf("%s is refused as a URL", host)
			continue
		}
		req := request(t, u.String())
		req.Timeout = 20 * time.Second
		page := get(t, f, req)
		if page.Fault == nil || page.Fault.Kind != fetched.FaultBlocked && page.Fault.Kind != fetched.FaultResolve ||
			page.Address.IsValid() {
			t.Errorf("%s, which is %s, is allowed: %s", host, u.Host(), faultText(page))
		}
	}
}

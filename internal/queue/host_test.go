package queue

import (
	"net/netip"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheNameAndPortOfAHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[crawler.Host][2]string{
		"a.test":              {"a.test", ""},
		"a.test:8080":         {"a.test", "8080"},
		"a.test.":             {"a.test.", ""},
		"127.0.0.1":           {"127.0.0.1", ""},
		"127.0.0.1:4711":      {"127.0.0.1", "4711"},
		"[::1]":               {"::1", ""},
		"[::1]:8443":          {"::1", "8443"},
		"[2001:db8::1:80]":    {"2001:db8::1:80", ""},
		"[2001:db8::1:80]:80": {"2001:db8::1:80", "80"},
	} {
		if got := [2]string{host.Name(), host.Port()}; got != want {
			t.Errorf("%q has name and port %q, want %q", host, got, want)
		}
	}
}

func TestTheAddressOfAHostThatIsOne(t *testing.T) {
	t.Parallel()
	for host, want := range map[crawler.Host]string{
		"127.0.0.1": "127.0.0.1", "10.1.2.3:80": "10.1.2.3", "[::1]:8443": "::1", "[2001:db8::1]": "2001:db8::1",
	} {
		if got, ok := host.Address(); !ok || got != netip.MustParseAddr(want) {
			t.Errorf("%q has the address %v, %v; want %s", host, got, ok, want)
		}
	}
	for _, host := range []crawler.Host{"a.test", "localhost:80", "1.2.3", ""} {
		if got, ok := host.Address(); ok {
			t.Errorf("%q has the address %v, want none", host, got)
		}
	}
}

func TestTheRegistrableDomainOfAHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[crawler.Host]string{
		"example.com":           "example.com",
		"a.b.example.com:8080":  "example.com",
		"www.example.co.uk":     "example.co.uk",
		"someone.github.io":     "someone.github.io",
		"www.someone.github.io": "someone.github.io",
		"github.io":             "github.io", // a public suffix itself
		"com":                   "com",
		"localhost:80":          "localhost",
		"www.example.com.":      "example.com",
		"a.b.unheard-of":        "b.unheard-of",
		"127.0.0.1:80":          "127.0.0.1",
		"[::1]:80":              "::1",
		"xn--bcher-kva.example": "xn--bcher-kva.example",
	} {
		if got := host.Domain(); got != want {
			t.Errorf("%q has the domain %q, want %q", host, got, want)
		}
	}
}

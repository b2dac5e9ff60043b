package fetch

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/identity"
)

// Config configures a [Fetcher]. Zero fields have useful defaults.
type Config struct {
	// AllowPrivate allows every address. Default false: the guard refuses addresses that are
	// not on the public internet.
	AllowPrivate bool
	// AllowCIDR allows these networks. An IPv4 network also allows IPv6 addresses that
	// contain its addresses. Default none.
	AllowCIDR []netip.Prefix
	// AllowHosts allows the addresses that these hosts first resolve to, only at their port;
	// 80 and 443 if they name none. It is meant for hosts that the operator named as seeds.
	// Default none.
	AllowHosts []crawler.Host

	// Ports may be connected to, in addition to those of AllowHosts and of requests with
	// PortOpen. For the default see [Ports].
	Ports guard.Ports
	// Words are the user's terms for these settings, in errors. Default the flags of the
	// command.
	Words guard.Words
	// Resolver resolves names. Default a new one that asks the system.
	Resolver *dns.Resolver

	// Rules set headers, trust and proxies for hosts. Default none.
	Rules []Rule
	// Log receives a warning if a rule may not do what its author expects. Default none.
	Log *slog.Logger

	// Signer signs requests, each hop for itself, as Sign says. Its headers replace those of
	// Rules. Default none.
	Signer *identity.Signer
	// Sign is when requests are signed. Default [identity.ModeAlways].
	Sign identity.Mode

	// Transport is a program's own transport around [Below]. It makes all requests, above the
	// guard, the proxies and the recordings. Default none.
	Transport http.RoundTripper

	// ConnectTimeout bounds name resolution and TCP connect together, also when a proxy does
	// them. Default 10s.
	ConnectTimeout time.Duration
	// TLSTimeout bounds the TLS handshake. Default 10s.
	TLSTimeout time.Duration
	// HeaderTimeout bounds the time until an answer begins. Default 30s.
	HeaderTimeout time.Duration
	// MaxHeaderBytes bounds the headers of an answer, and those of interim answers (1xx)
	// before it. Default 64 KiB.
	MaxHeaderBytes int64
	// MaxHeaders is the most header lines of an answer. Default 512.
	MaxHeaders int
	// RateWindow is how long a body may arrive more slowly than the request's MinRate.
	// Default 20s.
	RateWindow time.Duration

	// IdleConns is how many idle connections are kept over all hosts, and again as many for
	// recorded requests. Default 512.
	IdleConns int
	// IdleTimeout is how long an idle connection is kept. Default 90s.
	IdleTimeout time.Duration

	// HeadBytes is how much of a body is held in memory; the rest goes to a file in TempDir.
	// Default 2 MiB, but at most Memory.
	HeadBytes int64
	// Memory bounds the total size of the heads of all bodies. A body that would exceed it
	// waits until others are released. It does not include the first 64 KiB of each body,
	// and the windows of gzip and deflate, which are 32 KiB. Default 128 MiB.
	Memory int64
	// Windows bounds the windows of br and zstd over all bodies: up to 24 and 16 MiB each.
	// Such a body is received before it is decoded, and waits until other decoders are done.
	// Default 64 MiB.
	Windows int64
	// TempDir is the folder for parts of bodies that exceed HeadBytes. The files are
	// unlinked as soon as they are open, so nothing is left behind however the process ends.
	// Default [os.TempDir].
	TempDir string

	rootCAs *x509.CertPool // for tests; nil means those of the system
}

// withDefaults returns c with defaults in its zero fields.
func (c Config) withDefaults() Config {
	orDefault(&c.ConnectTimeout, 10*time.Second)
	orDefault(&c.TLSTimeout, 10*time.Second)
	orDefault(&c.HeaderTimeout, 30*time.Second)
	orDefault(&c.MaxHeaderBytes, 64<<10)
	orDefault(&c.MaxHeaders, 512)
	orDefault(&c.RateWindow, 20*time.Second)
	orDefault(&c.IdleConns, 512)
	orDefault(&c.IdleTimeout, 90*time.Second)
	orDefault(&c.HeadBytes, 2<<20)
	orDefault(&c.Memory, 128<<20)
	orDefault(&c.Windows, 64<<20)
	c.HeadBytes = min(c.HeadBytes, c.Memory)
	if c.Resolver == nil {
		c.Resolver = dns.NewResolver(nil)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate returns an error for the first field that is out of range.
func (c Config) validate() error {
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"ConnectTimeout", int64(c.ConnectTimeout)},
		{"TLSTimeout", int64(c.TLSTimeout)},
		{"HeaderTimeout", int64(c.HeaderTimeout)},
		{"MaxHeaderBytes", c.MaxHeaderBytes},
		{"IdleConns", int64(c.IdleConns)},
		{"IdleTimeout", int64(c.IdleTimeout)},
		{"HeadBytes", c.HeadBytes},
		{"Memory", c.Memory},
		{"Windows", c.Windows},
		{"MaxHeaders", int64(c.MaxHeaders)},
		{"RateWindow", int64(c.RateWindow)},
	} {
		if field.value < 0 {
			return fmt.Errorf("fetch: %s is %d: want 0 (its default) or more", field.name, field.value)
		}
	}
	for _, p := range c.AllowCIDR {
		if !p.IsValid() {
			return fmt.Errorf("fetch: AllowCIDR has %q: want a network such as 10.0.0.0/8", p)
		}
	}
	return nil
}

package fetch

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Config are the limits of a [Fetcher]. The zero value is useful: each field
// says what it stands for.
type Config struct {
	// AllowPrivate opens every address. Default false: the guard refuses what is
	// not of the public internet.
	AllowPrivate bool
	// AllowCIDR opens these networks. An IPv4 network also opens its addresses
	// where IPv6 hides them. Default none.
	AllowCIDR []netip.Prefix
	// AllowHosts opens whatever these hosts resolve to, at their port alone:
	// without one, 80 and 443. It is meant for hosts that the operator himself
	// named as seeds. Default none.
	AllowHosts []crawler.Host

	// Ports may be connected to, besides those of AllowHosts and of requests that
	// say so. Default see there.
	Ports Ports
	// Resolver finds the addresses of names. Default one of its own that asks the
	// system.
	Resolver *Resolver

	// Rules are what hosts are shown, whom to trust, and proxies. Default none.
	Rules []Rule
	// Log gets a warning where a rule does not do what its author may expect. Default
	// none.
	Log *slog.Logger

	// ConnectTimeout bounds name resolution and TCP connect together, also those
	// that a proxy makes. Default 10s.
	ConnectTimeout time.Duration
	// TLSTimeout bounds the TLS handshake. Default 10s.
	TLSTimeout time.Duration
	// HeaderTimeout is how long an answer may take to begin. Default 30s.
	HeaderTimeout time.Duration
	// MaxHeaderBytes bounds the headers of an answer, and those of answers before
	// it (1xx). Default 64 KiB.
	MaxHeaderBytes int64
	// MaxHeaders is how many lines they may have. Default 512.
	MaxHeaders int
	// RateWindow is for how long a body may come more slowly than a request's
	// MinRate. Default 20s.
	RateWindow time.Duration

	// IdleConns is how many connections are kept warm, over all hosts; as many
	// again of those on which requests are recorded. Default 512.
	IdleConns int
	// IdleTimeout is for how long they are. Default 90s.
	IdleTimeout time.Duration

	// HeadBytes is how much of a body is held in memory; the rest goes to a file
	// in TempDir. Default 2 MiB, and never more than Memory.
	HeadBytes int64
	// Memory bounds the heads that are held at once, over all bodies. A body that
	// would exceed it waits until others are released. The first 64 KiB of a
	// body are not counted, nor what gzip and deflate need to look back, 32 KiB.
	// Default 128 MiB.
	Memory int64
	// Windows bounds what br and zstd need to look back, over all bodies: up to 24
	// and 16 MiB each. A body under them is taken in before it is decoded, and
	// waits until others are. Default 64 MiB.
	Windows int64
	// TempDir is where bodies spill to. Their files are unlinked as soon as they
	// are open, so that nothing is left behind however the process ends. Default
	// [os.TempDir].
	TempDir string

	rootCAs *x509.CertPool // for tests; nil means those of the system
}

// withDefaults returns c with its zero fields filled in.
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
		c.Resolver = NewResolver(nil)
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

// validate names the first field that is out of range.
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

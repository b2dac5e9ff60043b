package hostile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Limit is a bound that Trawl enforces on every server.
type Limit struct {
	Name    string
	Default string // as shown by --help, if the setting has a value
	Setting string // a flag of trawl crawl; "" for none
}

// The limits. Those without a setting are constants in the packages that enforce them.
var (
	limitBody       = Limit{"bytes of a body, after decoding", "32MiB", "--body-limit"}
	limitCoded      = Limit{"bytes of a body at each layer of codings", "its limit and 64KiB", ""}
	limitCodings    = Limit{"codings that are decoded", "4", ""}
	limitWindow     = Limit{"window of a zstd body", "8MiB (RFC 9659)", ""}
	limitHeader     = Limit{"bytes of headers, including interim responses", "64KiB", ""}
	limitHeaders    = Limit{"header lines", "512", ""}
	limitLinkHeader = Limit{"links in Link headers", "200", ""}
	limitFirst      = Limit{"time until a response begins", "30s", ""}
	limitRate       = Limit{"bytes of a body per second, over 20s", "100", "--min-rate"}
	limitTotal      = Limit{"time of a request", "1m0s", "--timeout"}
	limitConnect    = Limit{"time to resolve a name and connect", "10s", ""}
	limitHandshake  = Limit{"time of a TLS handshake", "10s", ""}
	limitHops       = Limit{"consecutive redirects", "10", ""}
	limitRetries    = Limit{"retries", "3", "--retries"}
	limitHostTries  = Limit{"consecutive refusals by a host", "8", "--host-tries"}
	limitPause      = Limit{"longest Retry-After", "24h", ""}
	limitLinks      = Limit{"links of a page", "50,000", ""}
	limitTitle      = Limit{"bytes of a title", "4KiB", ""}
	limitParse      = Limit{"time to parse a page", "2m0s", ""}
	limitTree       = Limit{"nesting of a tree for --select", "512", ""}
	limitWeight     = Limit{"memory of a tree for --select", "96MiB", ""}
	limitText       = Limit{"processor time for the main text of a page", "5s", ""}
	limitMainText   = Limit{"bytes of a main text, and of its Markdown", "8MiB", ""}
	limitEmbeds     = Limit{"consecutive resources", "5", ""}
	limitTraps      = Limit{"pages of one pattern without new content", "100", "--traps=false"}
	limitRepeats    = Limit{"occurrences of a segment in a path", "3", "--max-repeats"}
	limitParams     = Limit{"parameters of a URL", "32", "--max-params"}
	limitURL        = Limit{"bytes of a URL", "2048", "--max-url-length"}
	limitRobots     = Limit{"bytes of a robots.txt that are read", "512KiB (RFC 9309)", ""}
	limitRobotHops  = Limit{"redirects of a robots.txt", "5 (RFC 9309)", ""}
	limitRobotTries = Limit{"tries for a robots.txt", "5", "--robots-tries"}
	limitCrawlDelay = Limit{"longest Crawl-delay", "1m0s", "--crawl-delay-cap"}
	limitSitemap    = Limit{"bytes of a sitemap, decompressed", "50MiB", ""}
	limitAddresses  = Limit{"addresses that may be connected to", "public ones", "--allow-cidr"}
	limitRender     = Limit{"time of a page in the browser", "30s", "--render-time"}
	limitStuck      = Limit{"time that a page does not answer", "a tenth of its time", ""}
	limitPopups     = Limit{"dialogs and windows of a page", "20", ""}
	limitNodes      = Limit{"elements of a rendered page", "300,000", ""}
	limitRequests   = Limit{"requests of a rendered page", "200", ""}
	limitPage       = Limit{"memory of a page in the browser", "1GiB", ""}
	limitTTL        = Limit{"how long an address is valid", "its TTL, within bounds", ""}
)

// Holds fails a test if one of the named limits does not have its value. The packages that
// enforce the limits call it with their constants.
func Holds(t testing.TB, values map[string]any) {
	t.Helper()
	for name, value := range values {
		found := false
		for _, m := range List() {
			if m.Limit.Name != name {
				continue
			}
			found = true
			if want := written(value); m.Limit.Default != want && !strings.HasPrefix(m.Limit.Default, want+" ") {
				t.Errorf("%s: the limit of %s is %s, and docs/hostile.md says %s", m.Name, name, want, m.Limit.Default)
			}
		}
		if !found {
			t.Errorf("no misbehaviour has the limit of %s", name)
		}
	}
}

// Bytes is a number of bytes for [Holds].
type Bytes int64

// written formats a value as in [Limit.Default].
func written(value any) string {
	switch v := value.(type) {
	case Bytes:
		if v%(1<<30) == 0 {
			return fmt.Sprintf("%dGiB", v>>30)
		}
		if v%(1<<20) == 0 {
			return fmt.Sprintf("%dMiB", v>>20)
		}
		return fmt.Sprintf("%dKiB", v>>10)
	case time.Duration:
		if v%time.Hour == 0 {
			return strings.TrimSuffix(v.String(), "0m0s")
		}
		return v.String()
	case int:
		if v >= 10_000 {
			return fmt.Sprintf("%d,%03d", v/1000, v%1000)
		}
	}
	return fmt.Sprint(value)
}

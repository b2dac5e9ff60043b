package visit_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// fixedAddress is a locator that returns the same address for every host.
type fixedAddress netip.Addr

func (s fixedAddress) Locate(context.Context, crawler.Host) (netip.Addr, error) {
	return netip.Addr(s), nil
}

// crawlOneAddress crawls hosts that share an address, and returns its fetcher.
func crawlOneAddress(t *testing.T, change func(*crawler.Job)) *sender {
	t.Helper()
	g := testsite.Graph{Hosts: 6, PagesPerHost: 4, LinksPerPage: 3}
	site := g.Serve(t)
	c := newCrawl(t, site, change)
	c.tools.Locator = fixedAddress(netip.MustParseAddr("192.0.2.1"))
	s := recordSending(c)
	for _, root := range g.Roots() {
		c.admit(queue.Entry{URL: parseURL(t, site.URL(root.Host, g.Path(root.Page)))})
	}
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 24})
	return s
}

func TestHostsThatShareAnAddressShareItsDelay(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	s := crawlOneAddress(t, func(j *crawler.Job) { j.AddressDelay = delay })
	wantGaps(t, s.allGaps(), delay)
}

func TestHostsFoundByLinksShareTheDelayOfTheirAddress(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	// The hosts are in different domains.
	s := crawlOneAddress(t, func(j *crawler.Job) { j.Delay, j.Throttle = delay, 0 })
	wantGaps(t, s.allGaps(), delay)
}

func TestAnExemptAddressHasNoSharedDelay(t *testing.T) {
	t.Parallel()
	s := crawlOneAddress(t, func(j *crawler.Job) {
		j.AddressDelay, j.AddressExempt = time.Hour, []string{"192.0.2.0/24"}
	})
	if sent := len(s.sent); sent != 24+6 {
		t.Errorf("%d requests were sent, want 30", sent)
	}
}

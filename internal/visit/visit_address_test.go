package visit_test

import (
	"context"
	"net/netip"
	"slices"
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

// crawlOneAddress crawls hosts that share an address, and returns the times of the requests, in
// order.
func crawlOneAddress(t *testing.T, change func(*crawler.Job)) []time.Time {
	t.Helper()
	g := testsite.Graph{Hosts: 6, PagesPerHost: 4, LinksPerPage: 3}
	site := g.Serve(t)
	c := newCrawl(t, site, change)
	c.tools.Locator = fixedAddress(netip.MustParseAddr("192.0.2.1"))
	s := &sender{Fetcher: c.tools.Fetcher}
	c.tools.Fetcher = s
	for _, root := range g.Roots() {
		c.admit(queue.Entry{URL: parseURL(t, site.URL(root.Host, g.Path(root.Page)))})
	}
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 24})
	slices.SortFunc(s.sent, time.Time.Compare)
	return s.sent
}

func TestHostsThatShareAnAddressShareItsDelay(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	sent := crawlOneAddress(t, func(j *crawler.Job) { j.AddressDelay = delay })
	for i := 1; i < len(sent); i++ {
		if gap := sent[i].Sub(sent[i-1]); gap < delay {
			t.Errorf("request %d was sent %v after the last one, want %v", i, gap, delay)
		}
	}
}

func TestHostsFoundByLinksShareTheDelayOfTheirAddress(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	// The hosts are in different domains.
	sent := crawlOneAddress(t, func(j *crawler.Job) { j.Delay, j.Throttle = delay, 0 })
	for i := 1; i < len(sent); i++ {
		if gap := sent[i].Sub(sent[i-1]); gap < delay {
			t.Errorf("request %d was sent %v after the last one, want %v", i, gap, delay)
		}
	}
}

func TestAnExemptAddressHasNoSharedDelay(t *testing.T) {
	t.Parallel()
	sent := crawlOneAddress(t, func(j *crawler.Job) {
		j.AddressDelay, j.AddressExempt = time.Hour, []string{"192.0.2.0/24"}
	})
	if len(sent) != 24+6 {
		t.Errorf("%d requests were sent, want 30", len(sent))
	}
}

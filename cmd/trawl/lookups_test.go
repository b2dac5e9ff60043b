package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
)

func TestLookupsBeforeACrawlAreLimited(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := netip.MustParseAddrPort(socket.LocalAddr().String())
	socket.Close()
	resolver := dns.NewResolver([]netip.AddrPort{closed})
	var hosts []crawler.Host
	for i := range 3 * maxLookups {
		hosts = append(hosts, crawler.Host(fmt.Sprintf("h%d.invalid", i)))
	}
	if gone, unsure := unresolved(t.Context(), resolver, hosts); len(gone)+len(unsure) != maxLookups {
		t.Errorf("%d are gone and %d unsure, want %d together", len(gone), len(unsure), maxLookups)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if gone, unsure := unresolved(ctx, resolver, hosts); len(gone)+len(unsure) > 0 {
		t.Errorf("%d are gone and %d unsure in a cancelled crawl, want none", len(gone), len(unsure))
	}
}

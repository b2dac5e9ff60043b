package frontier

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func TestLinksAreTheSameAfterPacking(t *testing.T) {
	t.Parallel()
	via := url(t, "https://a.test/folder/page?x=1")
	links := []fetched.Outlink{
		{Entry: queue.Entry{URL: url(t, "https://a.test/folder/a"), Referrer: via, Depth: 1, Band: queue.BandNormal},
			Most: 3},
		{Entry: queue.Entry{URL: url(t, "https://a.test/folder/b"), Referrer: via, Depth: 1, Band: queue.BandNormal},
			Most: -1},
		{Entry: queue.Entry{URL: url(t, "http://b.test:8080/?q=%C3%A9"), Referrer: via, Band: queue.BandFirst, Hops: 2},
			Most: -1},
		{Entry: queue.Entry{URL: url(t, "http://xn--bcher-kva.test/"), Referrer: via, Depth: 1, Embeds: 3}, Most: -1},
		{Entry: queue.Entry{URL: url(t, "https://a.test/sitemap.xml"), Band: queue.BandLow, Sitemap: 2}, Most: 98},
	}
	for i := range 300 {
		links = append(links, fetched.Outlink{
			Entry: queue.Entry{URL: url(t, fmt.Sprintf("https://a.test/%d/%d", i%7, i)), Referrer: via, Depth: 1},
			Most:  3,
		})
	}
	var c linkCodec
	got, err := c.unpack(c.pack(links))
	if err != nil {
		t.Fatal(err)
	}
	byURL := func(a, b fetched.Outlink) int { return strings.Compare(a.Entry.URL.String(), b.Entry.URL.String()) }
	slices.SortFunc(links, byURL)
	slices.SortFunc(got, byURL)
	if diff := cmp.Diff(links, got, cmp.Comparer(func(a, b crawler.URL) bool { return a == b })); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestLinksOfADamagedPageAreAnError(t *testing.T) {
	t.Parallel()
	var c linkCodec
	if links, err := c.unpack(""); err != nil || links != nil {
		t.Errorf("an empty value is unpacked as %v, %v", links, err)
	}
	for _, plain := range []string{"x", "\x01", "\x00\x01\x04\x01\x00\x00\x00\xff\xff\x03",
		"\x00\x01\x04\x01\x00\x00\x00\x01\x00\x03abc"} {
		c.once.Do(c.start)
		if _, err := c.unpack(string(c.encoder.EncodeAll([]byte(plain), nil))); !errors.Is(err, errLinks) {
			t.Errorf("%q: got error %v", plain, err)
		}
	}
	if _, err := c.unpack("garbage"); !errors.Is(err, errLinks) {
		t.Errorf("garbage: got error %v", err)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add("\x00\x01\x04\x01\x00\x00\x00\x01\x00\x0ehttp://a.test/")
	f.Fuzz(func(t *testing.T, plain string) {
		var r linkReader
		r.rest = []byte(plain)
		var links []fetched.Outlink
		for len(r.rest) > 0 && r.err == nil {
			links = r.kind(links)
		}
		if r.err != nil {
			return
		}
		var c linkCodec
		again, err := c.unpack(c.pack(links))
		if err != nil || len(again) != len(links) {
			t.Errorf("%d links are unpacked as %d, %v", len(links), len(again), err)
		}
	})
}

func TestACachedURLHasItsDepth(t *testing.T) {
	t.Parallel()
	r := newRecent(func(string) uint64 { return 0x123456789abcdef })
	hash := r.hash("http://a.test/")
	if r.has(hash, 99) {
		t.Error("the URL is cached before it is added")
	}
	r.add(hash, 5)
	for depth, want := range map[int]bool{0: false, 4: false, 5: true, 6: true, 99: true} {
		if got := r.has(hash, depth); got != want {
			t.Errorf("cached at depth %d: %v, want %v", depth, got, want)
		}
	}
}

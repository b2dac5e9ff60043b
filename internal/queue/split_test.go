package queue

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAnEntryIsDividedIntoItsPathAndAttributes(t *testing.T) {
	t.Parallel()
	via := mustURL(t, "https://a.test/docs/index.html")
	var shared string
	for name, e := range map[string]Entry{
		"a seed":            {URL: mustURL(t, "http://a.test/")},
		"a link":            {URL: mustURL(t, "https://a.test/docs/1?q=2"), Referrer: via, Depth: 300},
		"a link to itself":  {URL: via, Referrer: via},
		"from another host": {URL: mustURL(t, "https://a.test/x"), Referrer: mustURL(t, "http://b.test/y"), Tries: 2},
		"all there is": {URL: mustURL(t, "https://a.test/x"), Referrer: via, Depth: 1, Hops: 2, Tries: 3, Spared: 4,
			Embeds: 5, Sitemap: 2, Chain: Chain{From: mustURL(t, "http://c.test/"), Seed: true}, Passed: "what is passed",
			Page: Tracked{Block: 7, At: 8, State: string(make([]byte, StateSize))}},
	} {
		path, attributes, ok := Split(e.Pack())
		if !ok || path != e.URL.Path() {
			t.Errorf("%s: path %q, %t", name, path, ok)
		}
		if got := Join(path, attributes); got != e.Pack() {
			t.Errorf("%s: joined to %q, want %q", name, got, e.Pack())
		}
	}
	for _, path := range []string{"/docs/1", "/other", "/docs/index.html"} {
		_, attributes, ok := Split(Entry{URL: mustURL(t, "https://a.test"+path), Referrer: via, Depth: 2}.Pack())
		if shared == "" {
			shared = attributes
		}
		if !ok || attributes != shared {
			t.Errorf("%s has the attributes %q, another link of its page %q", path, attributes, shared)
		}
	}
}

func TestWhatIsNoEntryIsNotDivided(t *testing.T) {
	t.Parallel()
	lost := Entry{URL: mustURL(t, "http://a.test/"), Lost: 1}.Pack()
	for _, packed := range []string{"", "\x00", "\x00\x04", "\x00\x06\x00\x00\x00\x01/\x05x", "garbage", lost} {
		if path, attributes, ok := Split(packed); ok {
			t.Errorf("%q is divided into %q and %q", packed, path, attributes)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(Entry{URL: crawler.CanonicalURL("http://a.test/x"), Referrer: crawler.CanonicalURL("http://a.test/y")}.Pack())
	f.Fuzz(func(t *testing.T, packed string) {
		if path, attributes, ok := Split(packed); ok && Join(path, attributes) != packed {
			t.Errorf("%q becomes %q", packed, Join(path, attributes))
		}
	})
}

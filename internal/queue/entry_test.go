package queue

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

// unpacked packs an entry and reads it back.
func unpacked(t testing.TB, e Entry) Entry {
	t.Helper()
	got, err := UnpackEntry(e.URL.Host(), e.Band, e.Pack())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

var compareURLs = cmp.AllowUnexported(crawler.URL{})

func TestAnEntryIsReadBackAsItWasPacked(t *testing.T) {
	t.Parallel()
	long := "http://a.test/" + strings.Repeat("long/", 1600)
	for name, c := range map[string]struct{ url, via string }{
		"a seed":                             {"http://a.test/", ""},
		"a secure seed":                      {"https://a.test/b?c", ""},
		"a link within the origin":           {"http://a.test/b/c", "http://a.test/b/d"},
		"a link from a page that it extends": {"http://a.test/b/c", "http://a.test/b"},
		"a link from a page below":           {"http://a.test/b", "http://a.test/b/c"},
		"a link to the page itself":          {"http://a.test/b", "http://a.test/b"},
		"a link from the root":               {"http://a.test/b", "http://a.test/"},
		"a link from another host":           {"http://a.test/b", "http://b.test/b"},
		"a link from the other scheme":       {"https://a.test/b", "http://a.test/b"},
		"a link from another port":           {"http://a.test:81/b", "http://a.test/b"},
		"a port":                             {"https://a.test:8443/b", "https://a.test:8443/c"},
		"an IPv6 address":                    {"http://[::1]/b", "http://[::1]/c"},
		"an IPv6 address with a port":        {"https://[2001:db8::1]:8443/b", "http://[::1]/c"},
		"a path with an at sign":             {"http://a.test/@b@c", "http://a.test/@b"},
		"a path that begins with slashes":    {"http://a.test///b", "http://a.test//b"},
		"a path that holds a URL":            {"http://a.test/http://b.test/", "http://b.test/http://a.test/"},
		"long paths":                         {long, long + "b"},
		"long paths of other hosts":          {long, strings.Replace(long, "a.test", "b.test", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := Entry{
				URL: mustURL(t, c.url), Depth: 300, Band: BandLow, Hops: 9, Tries: 130, Spared: 20, Embeds: 3, Lost: 2,
				Sitemap: SitemapLevels,
			}
			if c.via != "" {
				want.Referrer = mustURL(t, c.via)
			}
			if diff := cmp.Diff(want, unpacked(t, want), compareURLs); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAChainIsReadBackAsItWasPacked(t *testing.T) {
	t.Parallel()
	for _, chain := range []Chain{
		{},
		{From: mustURL(t, "http://b.test/c")},
		{From: mustURL(t, "https://b.test:8443/c?d"), Seed: true},
		{From: mustURL(t, "http://a.test/b"), Cookies: true},
		{From: mustURL(t, "http://b.test/"), Seed: true, Cookies: true},
		{From: mustURL(t, "http://a.test/b"), Cookies: true, Again: true},
	} {
		want := Entry{URL: mustURL(t, "http://a.test/b"), Referrer: mustURL(t, "http://b.test/c"), Hops: 2, Spared: 1,
			Embeds: 1, Chain: chain}
		if diff := cmp.Diff(want, unpacked(t, want), compareURLs); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	}
}

func TestTheFirstByteOfAPackedEntryCountsLostVisitsUpTo127(t *testing.T) {
	t.Parallel()
	e := Entry{URL: mustURL(t, "http://a.test/b"), Lost: 126}
	packed := []byte(e.Pack())
	packed[0]++
	got, err := UnpackEntry("a.test", BandNormal, string(packed))
	if err != nil || got.Lost != 127 {
		t.Errorf("lost %d, %v; want 127", got.Lost, err)
	}
	e.Lost = 1000
	if got := unpacked(t, e).Lost; got != 127 {
		t.Errorf("of 1000 lost visits %d are kept, want 127", got)
	}
}

func TestAnEntryIsSmall(t *testing.T) {
	t.Parallel()
	e := Entry{
		URL:      mustURL(t, "https://www.example.com/articles/2026/a-title-of-the-article"), // 60 characters
		Referrer: mustURL(t, "https://www.example.com/articles/2026/index"),
		Depth:    4,
	}
	if n := len(e.URL.String()); n != 60 {
		t.Fatalf("the URL has %d characters, want 60", n)
	}
	if n := len(e.Pack()); n > 70 {
		t.Errorf("it takes %d bytes, want at most 70", n)
	} else {
		t.Logf("it takes %d bytes", n)
	}
}

func TestWhatIsNoEntryIsRefusedAndQuoted(t *testing.T) {
	t.Parallel()
	whole := Entry{URL: mustURL(t, "http://a.test/b/c"), Referrer: mustURL(t, "http://a.test/b/d")}.Pack()
	for name, packed := range map[string]string{
		"nothing":                         "",
		"a count alone":                   "\x00",
		"an end within the path":          whole[:8],
		"an end before the shared prefix": whole[:len(whole)-2],
		"a path that is none":             "\x00\x00\x00\x00\x00\x01b",
		"a shared prefix beyond the path": "\x00\x06\x00\x00\x00\x02/b\x03",
		"a number without end":            "\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00",
		"a via that is empty":             "\x00\x02\x00\x00\x00\x02/b",
		"a via that is no URL":            "\x00\x02\x00\x00\x00\x02/bc",
		"a via without a path":            "\x00\x02\x00\x00\x00\x02/bhttp://a.test",
		"something behind the path":       "\x00\x00\x00\x00\x00\x02/bc",
		"something before the path":       "\x00\x00\x00\x00\x00\x03u/b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := UnpackEntry("a.test", BandNormal, packed)
			if err == nil {
				t.Fatalf("%q is read as %+v", packed, e)
			}
			if !strings.Contains(err.Error(), `host "a.test"`) {
				t.Errorf("%v does not name the host", err)
			}
		})
	}
}

func FuzzUnpackEntry(f *testing.F) {
	for _, e := range []Entry{
		{URL: mustURL(f, "http://a.test/b")},
		{URL: mustURL(f, "https://a.test/b"), Referrer: mustURL(f, "https://a.test/c"), Depth: 1},
		{URL: mustURL(f, "https://a.test/b"), Referrer: mustURL(f, "http://b.test/c"), Depth: 200, Hops: 3, Tries: 4,
			Embeds: 2, Lost: 5},
	} {
		f.Add(e.Pack())
	}
	f.Fuzz(func(t *testing.T, packed string) {
		e, err := UnpackEntry("a.test", BandFirst, packed)
		if err != nil {
			return
		}
		if diff := cmp.Diff(e, unpacked(t, e), compareURLs); diff != "" {
			t.Errorf("%q packs again as another entry:\n%s", packed, diff)
		}
	})
}

func FuzzPack(f *testing.F) {
	f.Add("http://a.test:81/b", "http://a.test/c", uint16(1), uint8(2), uint8(3))
	f.Add("https://a.test/b", "", uint16(70), uint8(0), uint8(0))
	f.Add("https://[::1]/b", "https://[::1]/bc", uint16(300), uint8(10), uint8(100))
	f.Fuzz(func(t *testing.T, url, via string, depth uint16, hops, tries uint8) {
		u, err := crawler.ParseURL(url)
		if err != nil {
			return
		}
		want := Entry{URL: u, Depth: int(depth), Hops: int(hops), Tries: int(tries), Band: BandNormal}
		want.Referrer, _ = crawler.ParseURL(via)
		if diff := cmp.Diff(want, unpacked(t, want), compareURLs); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkEntryPack(b *testing.B) {
	e := benchmarkEntry(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = e.Pack()
	}
}

func BenchmarkUnpackEntry(b *testing.B) {
	packed := benchmarkEntry(b).Pack()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := UnpackEntry("www.example.com", BandNormal, packed); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkEntry(b *testing.B) Entry {
	return Entry{
		URL:      mustURL(b, "https://www.example.com/articles/2026/a-title-of-the-article"),
		Referrer: mustURL(b, "https://www.example.com/articles/2026/index"),
		Depth:    4,
	}
}

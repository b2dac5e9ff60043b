package sitemap

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

var home = mustParse("https://example.com/maps/sitemap.xml")

func mustParse(s string) crawler.URL {
	u, err := crawler.ParseURL(s)
	if err != nil {
		panic(err)
	}
	return u
}

// readAll reads a sitemap of example.com.
func readAll(body string) readResult { return gather(Read(strings.NewReader(body), Config{At: home})) }

// paths returns the locations on example.com without their host.
func (h readResult) paths() string {
	return strings.ReplaceAll(strings.Join(h.urls(), " "), "https://example.com", "")
}

func TestTheLocationsOfASitemap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"a urlset", `<urlset><url><loc>https://example.com/a</loc></url></urlset>`, "/a"},
		{"a doctype without entities", `<!DOCTYPE urlset><urlset><url><loc>https://example.com/a</loc></url></urlset>`,
			"/a"},
		{"a bare ampersand", `<urlset><url><loc>https://example.com/?a=1&b=2&copy=3</loc></url></urlset>`,
			"/?a=1&b=2&copy=3"},
		{"entities of HTML", `<urlset><url><loc>https://example.com/?a=1&amp;b=&eacute;</loc></url></urlset>`,
			"/?a=1&b=%C3%A9"},
		{"comments and instructions",
			`<urlset><!-- x --><url><?x?><loc>https://example.com/<!-- x -->a</loc></url></urlset>`, "/a"},
		{"control characters", "<urlset><url><loc>\x01https://example.com/a\x02</loc></url></urlset>", "/a"},
		{"a fragment", `<urlset><url><loc>https://example.com/a#b</loc></url></urlset>`, "/a"},
		{"paths from the root", `<urlset><url><loc>/a</loc></url><url><loc>//example.com/b</loc></url></urlset>`,
			"/a /b"},
		{"no urls", `<urlset/>`, ""},
		{"garbage after the end", `<urlset><url><loc>https://example.com/a</loc></url></urlset><<<`, "/a"},

		{"a wrong namespace", `<urlset xmlns="http://nowhere"><url><loc>https://example.com/a</loc></url></urlset>`,
			"/a"},
		{"a prefix that is not declared", `<x:urlset><x:url><x:loc>https://example.com/a</x:loc></x:url></x:urlset>`,
			"/a"},
		{"a prefix below a root without one",
			`<urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"><s:url><s:loc>https://example.com/a</s:loc></s:url></urlset>`, "/a"},
		{"an extension's loc", `<urlset xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>https://example.com/a</loc><i:image><i:loc>https://example.com/i</i:loc><loc>https://example.com/j</loc></i:image><i:loc>https://example.com/k</i:loc></url></urlset>`, "/a"},
		{"an extension without a prefix",
			`<urlset><url><loc>https://example.com/a</loc><image xmlns="x"><loc>https://example.com/i</loc></image></url></urlset>`, "/a"},
		{"an extension with a url",
			`<urlset><url><loc>https://example.com/a</loc><v:v><url><loc>https://example.com/v</loc></url></v:v></url></urlset>`, "/a"},

		{"urls that are never closed", `<urlset>` + strings.Repeat(`<url><loc>https://example.com/a</loc>`, 2*deepest) +
			`</urlset>`, strings.TrimSpace(strings.Repeat("/a ", 2*deepest))},
		{"a loc that is never closed",
			`<urlset><url><loc>https://example.com/a</url><url><loc>https://example.com/b</url></urlset>`, "/a /b"},
		{"an end without a beginning", `<urlset></br></loc><url><loc>https://example.com/a</loc></url></urlset>`, "/a"},
		{"two locs in a url", `<urlset><url><loc>https://example.com/a</loc><loc>https://example.com/b</loc></url></urlset>`, "/a /b"},
		{"text outside a loc", `<urlset><url>https://example.com/a</url></urlset>`, "/a"},
		{"text around a loc", `<urlset><url>x <loc>https://example.com/a</loc></url></urlset>`, "/a"},

		{"RSS", `<rss><channel><link>https://example.com/</link><image><link>https://example.com/i</link></image><item><link>a</link></item><item><guid>https://example.com/b</guid></item><item><guid>c</guid></item></channel></rss>`, "/maps/a /b"},
		{"RSS with links of Atom",
			`<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel><atom:link href="/feed"/><item><atom:link href="/x"/><link>/a</link></item></channel></rss>`, "/a"},
		{"RSS 1.0", `<rdf:RDF xmlns="http://purl.org/rss/1.0/"><channel/><item><link>https://example.com/a</link></item></rdf:RDF>`, "/a"},
		{"Atom", `<feed><link href="/feed"/><entry><link rel="self" href="/x"/><link rel=" alternate " href="a"/><link href="/y"/></entry></feed>`, "/maps/a"},
		{"Atom with a prefix", `<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:link href="/a"/></a:entry></a:feed>`, "/a"},

		{"tags in capitals", `<URLSET><URL><LOC>https://example.com/a</LOC><LastMod>2024-01-01</LastMod></URL></URLSET>`, "/a"},
		{"end tags in another case", `<UrlSet><url><Loc>https://example.com/a</LOC></URL></urlset>`,
			"/a"},
		{"a document type", `<!DOCTYPE urlset SYSTEM "sitemap.dtd" [<!ELEMENT url (loc)><!ENTITY x "y"><!-- > -->]><urlset><url><loc>https://example.com/a</loc></url></urlset>`, "/a"},
		{"a host without a scheme",
			`<urlset><url><loc>example.com/a</loc></url><url><loc>www.example.com/b?c</loc></url><url><loc>EXAMPLE.com</loc></url></urlset>`, "/a https://www.example.com/b?c /"},
		{"another host without a scheme", `<urlset><url><loc>other.org/a</loc></url></urlset>`, "https://other.org/a"},
		{"a name of a file", `<urlset><url><loc>a.html</loc></url><url><loc>b/c.php?d=e</loc></url></urlset>`,
			"/maps/a.html /maps/b/c.php?d=e"},
		{"a warning before it", "\n<br />\n<b>Warning</b>:  x() is deprecated in <b>/y.php</b> on line <b>3</b> & more<br />\n<?xml version='1.0'?><urlset><url><loc>https://example.com/a</loc></url></urlset>", "/a"},
		{"text before it", "Deprecated: x < y\nin z.php <urlset xmlns='x'><url><loc>https://example.com/a</loc></url></urlset>", "/a"},
		{"text after its declaration",
			"<?xml version='1.0'?>Notice: x<p>y</p><urlset><url><loc>https://example.com/a</loc></url></urlset>", "/a"},

		{"text without schemes", "example.com/a\n/b\nwww.example.com/c", "/a /b https://www.example.com/c"},
		{"text", "https://example.com/a\r\n\r\n# no\r\n https://example.com/b", "/a /b"},
		{"text with old line ends", "https://example.com/a\n\n", "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := readAll(c.body)
			if got.paths() != c.want || got.fault != nil || got.refused != nil {
				t.Errorf("the sitemap lists %q, refuses %q, fault %v; want %q", got.paths(), got.refused, got.fault,
					c.want)
			}
		})
	}
}

func TestAnInvalidLocationIsRefusedAndReadingContinues(t *testing.T) {
	t.Parallel()
	long := "https://example.com/" + strings.Repeat("x", 100_000)
	for name, c := range map[string]struct{ body, refused string }{
		"words": {
			`<urlset><url><loc>no such page</loc></url><url><loc>/b</loc></url></urlset>`, "no such page",
		},
		"a declared entity": {
			`<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>/x&a;</loc></url><url><loc>/b</loc></url></urlset>`,
			"/x&a;",
		},
		"a line with another host": {"https://example.com/b\nother.org/a", "other.org/a"},
		"another scheme": {
			`<urlset><url><loc>ftp://example.com/a</loc></url><url><loc>/b</loc></url></urlset>`, "ftp://example.com/a",
		},
		"one that is too long": {
			`<urlset><url><loc>` + long + `</loc></url><url><loc>/b</loc></url></urlset>`, long[:maxShown] + "…",
		},
		"a line":                  {"https://example.com/b\nnot a url", "not a url"},
		"a line that is too long": {long + "\nhttps://example.com/b", long[:maxShown] + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readAll(c.body)
			if got.paths() != "/b" || !slices.Equal(got.refused, []string{c.refused}) || got.fault != nil {
				t.Errorf("the sitemap lists %q, refuses %.300q, fault %v", got.paths(), got.refused, got.fault)
			}
		})
	}
}

func TestAPathInASitemapWithoutAURLIsRefused(t *testing.T) {
	t.Parallel()
	got := gather(Read(strings.NewReader(`<urlset><url><loc>/a</loc></url></urlset>`), Config{}))
	if len(got.refused) != 1 || len(got.locations) != 0 {
		t.Errorf("the sitemap lists %q and refuses %q", got.urls(), got.refused)
	}
}

func TestItemsBeforeAFaultAreKept(t *testing.T) {
	t.Parallel()
	const a = `<urlset><url><loc>https://example.com/a</loc></url>`
	for _, c := range []struct{ name, body, want, fault string }{
		{"cut off between urls", a, "/a", "it ends before </urlset>"},
		{"cut off after a loc", a + `<url><loc>https://example.com/b</loc><last`, "/a /b", "unexpected EOF"},
		{"cut off in a loc", a + `<url><loc>https://example.com/b`, "/a", "it ends before </urlset>"},
		{"cut off in a bare url", a + `<url>https://example.com/b`, "/a", "it ends before </urlset>"},
		{"broken markup", a + `<url<loc></urlset>`, "/a", "it is not XML from line 1 on"},
		{"nested too deeply", a + strings.Repeat("<x>", 1_000_000), "/a", "nested more than 64 deep"},
		{"an endless tag", a + "<" + strings.Repeat("x", 2*longestToken), "/a", "more than 1048576 bytes"},
		{"an endless comment", a + "<!--" + strings.Repeat("x", 2*longestToken), "/a", "more than 1048576 bytes"},
		{"endless text", a + strings.Repeat("x", 2*longestToken), "/a", "more than 1048576 bytes"},
		{"a document type that never ends", `<!DOCTYPE x [<!ENTITY a "b">` + a, "", "it is not XML"},
		{"a page with a sitemap in it", "<!DOCTYPE html><html><body><p>" + a + "</urlset>", "",
			"its root element is <html>"},
		{"HTML", `<!doctype html><html><a href="https://example.com/a">`, "",
			"it is not a sitemap: its root element is <html>"},
		{"no element", `<?xml version="1.0"?>`, "", "it is not a sitemap: it has no element"},
		{"nothing", "", "", "it is not a sitemap: it is empty"},
		{"white space", " \n", "", "it is not a sitemap: it is empty"},
		{"prose", "Not found.\nSorry.", "", "it is not a sitemap: no line of it is a URL"},
		{"much prose", strings.Repeat("Not found.\n", 100_000), "", "it is not a sitemap: no line of it is a URL"},
		{"data that only begins like gzip", "\x1f\x8bxx", "", "it begins like gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := readAll(c.body)
			if got.paths() != c.want || got.fault == nil || !strings.Contains(got.fault.Error(), c.fault) {
				t.Errorf("the sitemap lists %q, fault %v; want %q, %q", got.paths(), got.fault, c.want, c.fault)
			}
		})
	}
}

func TestAReadErrorIsAFault(t *testing.T) {
	t.Parallel()
	broken := errors.New("the connection broke")
	for _, head := range []string{"<urlset><url><loc>/a</loc></url>", "https://example.com/a\nhttps://exam", ""} {
		got := gather(Read(io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken)), Config{At: home}))
		if !errors.Is(got.fault, broken) || head != "" && got.paths() != "/a" {
			t.Errorf("%q lists %q, fault %v", head, got.paths(), got.fault)
		}
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestCharsetsAndCompression(t *testing.T) {
	t.Parallel()
	encoded := func(e encoding.Encoding, s string) string {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const set = `<urlset><url><loc>https://example.com/ü</loc></url></urlset>`
	const declared = `<?xml version="1.0" encoding='%s'?>` + set
	little := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	for _, c := range []struct{ name, charset, body string }{
		{"UTF-8", "", set},
		{"UTF-8 with a mark", "", "\ufeff" + set},
		{"UTF-8 with a mark, declared to be another", "iso-8859-1", "\ufeff" + fmt.Sprintf(declared, "koi8-r")},
		{"declared in the document", "", encoded(charmap.Windows1252, fmt.Sprintf(declared, "ISO-8859-1"))},
		{"declared by the server", "windows-1252", encoded(charmap.Windows1252, set)},
		{"the server before the document", "windows-1252",
			encoded(charmap.Windows1252, fmt.Sprintf(declared, "utf-8"))},
		{"an unknown charset", "x-nothing", fmt.Sprintf(declared, "x-none")},
		{"a false declaration of UTF-16", "", fmt.Sprintf(declared, "UTF-16")},
		{"UTF-16LE", "", "\xff\xfe" + encoded(little, fmt.Sprintf(declared, "UTF-16"))},
		{"UTF-16BE", "", "\xfe\xff" + encoded(big, fmt.Sprintf(declared, "UTF-16"))},
		{"UTF-16LE without a mark", "", encoded(little, set)},
		{"UTF-16BE without a mark", "", encoded(big, set)},
		{"text with a mark", "", "\ufeffhttps://example.com/ü"},
		{"text in UTF-16", "", "\xff\xfe" + encoded(little, "https://example.com/ü\n")},
		{"gzip", "", gzipped(set)},
		{"gzip in gzip", "", gzipped(gzipped(set))},
		{"gzip of UTF-16", "", gzipped("\xff\xfe" + encoded(little, set))},
		{"gzip in parts", "", gzipped(set[:20]) + gzipped(set[20:])},
		{"gzip with garbage after it", "", gzipped(set) + "rubbish"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(c.body), iotest.OneByteReader(strings.NewReader(c.body))} {
				got := gather(Read(r, Config{At: home, Charset: c.charset}))
				if got.paths() != "/%C3%BC" || got.fault != nil {
					t.Errorf("the sitemap lists %q, fault %v", got.paths(), got.fault)
				}
			}
		})
	}
}

func TestTheAttributesOfALocation(t *testing.T) {
	t.Parallel()
	usual := Location{URL: mustParse("https://example.com/"), Priority: 0.5}
	for said, change := range map[string]func(*Location){
		"":                                      func(*Location) {},
		"<changefreq> Daily </changefreq>":      func(l *Location) { l.Changes = Daily },
		"<changefreq>now and then</changefreq>": func(*Location) {},
		"<priority>0.8</priority>":              func(l *Location) { l.Priority = 0.8 },
		"<priority>0,8</priority>":              func(l *Location) { l.Priority = 0.8 },
		"<priority>7</priority>":                func(l *Location) { l.Priority = 1 },
		"<priority>-1</priority>":               func(l *Location) { l.Priority = 0 },
		"<priority>NaN</priority>":              func(*Location) {},
		"<priority>high</priority>":             func(*Location) {},
		"<lastmod>2024-02-03</lastmod>": func(l *Location) {
			l.Modified = time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC)
		},
		"<lastmod> 2024-02-03 04:05 </lastmod>": func(l *Location) {
			l.Modified = time.Date(2024, 2, 3, 4, 5, 0, 0, time.UTC)
		},
		"<lastmod>2024-02-30</lastmod>": func(*Location) {},
		"<lastmod>20240203</lastmod>": func(l *Location) {
			l.Modified = time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC)
		},
		"<updated>2024-02-03</updated>":     func(*Location) {},
		"<x:lastmod>2024-02-03</x:lastmod>": func(*Location) {},
		"<lastmod>Sat, 3 Feb 2024 04:05:06 +0100</lastmod>": func(l *Location) {
			l.Modified = time.Date(2024, 2, 3, 3, 5, 6, 0, time.UTC)
		},
		"<lastmod>2024-02-03T04:05:06.123456-01:00</lastmod>": func(l *Location) {
			l.Modified = time.Date(2024, 2, 3, 5, 5, 6, 123_456_000, time.UTC)
		},
		"<lastmod>" + strings.Repeat("2024-", 1000) + "</lastmod>": func(*Location) {},
	} {
		want := usual
		change(&want)
		got := readAll("<urlset><url>" + said + "<loc>/</loc></url></urlset>")
		if len(got.locations) != 1 || got.locations[0] != want {
			t.Errorf("%.100s is read as %+v, want %+v", said, got.locations, want)
		}
	}
}

func TestAnIndexListsSitemaps(t *testing.T) {
	t.Parallel()
	got := readAll(`<sitemapindex><sitemap><loc>/a.xml</loc></sitemap><url><loc>/page</loc></url></sitemapindex>`)
	if got.paths() != "/a.xml" || !got.locations[0].Sitemap {
		t.Errorf("the index lists %+v", got.locations)
	}
}

func TestASitemapIsReadUpToItsLimits(t *testing.T) {
	t.Parallel()
	const set = `<urlset><url><loc>/a</loc></url><url><loc>/b</loc></url></urlset>`
	const list = "https://example.com/a\nhttps://example.com/b\n"
	for _, c := range []struct {
		name, body string
		cfg        Config
		want       string
		whole      bool
	}{
		{"the maximum number of URLs", set, Config{MaxURLs: 2}, "/a /b", true},
		{"one URL too many", set, Config{MaxURLs: 1}, "/a", false},
		{"one line too many", list, Config{MaxURLs: 1}, "/a", false},
		{"the maximum number of bytes", list, Config{MaxBytes: int64(len(list))}, "/a /b", true},
		{"one byte too many", list, Config{MaxBytes: int64(len(list)) - 1}, "/a", false},
		{"too many bytes under gzip", gzipped(set), Config{MaxBytes: 40}, "/a", false},
	} {
		c.cfg.At = home
		got := gather(Read(strings.NewReader(c.body), c.cfg))
		if got.paths() != c.want || c.whole != (got.fault == nil) || !c.whole && !errors.Is(got.fault, ErrLimit) {
			t.Errorf("%s: the sitemap lists %q, fault %v", c.name, got.paths(), got.fault)
		}
	}
}

// endless yields the same bytes endlessly.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestMemoryDoesNotDependOnTheSizeOfASitemap(t *testing.T) {
	race.Skip(t)
	const size = 1 << 20
	for name, text := range map[string]string{
		"urls":            "<url><loc>x</loc></url>",
		"elements":        "<x></x>",
		"text":            "<!-- -->" + strings.Repeat("x", 1<<16),
		"text of a field": "<url><loc>x</loc>" + strings.Repeat("y<!-- -->", 1<<12),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most := uint64(0)
		in := io.MultiReader(strings.NewReader("<urlset>"), io.LimitReader(&endless{text: text}, size))
		n := 0
		for range Read(in, Config{}) {
			if n++; n%20_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				most = max(most, after.HeapAlloc)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if most = max(most, after.HeapAlloc); most > before.HeapAlloc+size/2 {
			t.Errorf("%s: %d bytes of memory are in use", name, most-before.HeapAlloc)
		}
	}
}

func TestACallerMayStopAfterAnyItem(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`<urlset><url><loc>/a</loc></url><url><loc>/b</loc></url></urlset>`,
		"https://example.com/a\nhttps://example.com/b\n",
		`<urlset><url><loc>/a</loc><url><loc>/b</loc>`, "<html>", "no",
	} {
		for range Read(strings.NewReader(body), Config{At: home}) {
			break
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`)
	for i := range 50_000 {
		fmt.Fprintf(&body, "\n<url><loc>https://example.com/page/%d?a=1&amp;b=2</loc><lastmod>2024-01-02</lastmod><priority>0.8</priority></url>", i)
	}
	body.WriteString("</urlset>")
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if got := gather(Read(bytes.NewReader(body.Bytes()), Config{})); len(got.locations) != 50_000 ||
			got.fault != nil {
			b.Fatal(len(got.locations), got.fault)
		}
	}
}

// A sitemap that is cut at any byte yields its complete locations.
func TestATruncatedSitemapKeepsItsCompleteLocations(t *testing.T) {
	t.Parallel()
	const body = `<?xml version="1.0"?><urlset><url><loc>https://example.com/0</loc><lastmod>2024-01-01</lastmod></url>` +
		`<url><priority>0.5</priority><loc><![CDATA[https://example.com/1]]></loc></url><url><loc>https://example.com/2?a&amp;b</loc></url></urlset>`
	for end := range len(body) {
		want := strings.Count(body[:end], "</loc>")
		for name, r := range map[string]io.Reader{"": strings.NewReader(body[:end]),
			"gzip ": strings.NewReader(truncatedGzip(body[:end]))} {
			got := gather(Read(r, Config{At: home}))
			if len(got.locations) != want || got.fault == nil {
				t.Errorf("%scut at %q: lists %q, fault %v; want %d", name, body[max(0, end-20):end], got.paths(),
					got.fault, want)
			}
		}
	}
}

// truncatedGzip compresses a text and cuts off the trailer, which marks it as complete.
func truncatedGzip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Flush()
	return b.String()
}

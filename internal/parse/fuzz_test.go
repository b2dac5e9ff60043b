package parse

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []struct{ contentType, body string }{
		{"text/html", shop},
		{"text/html; charset=gb18030", "<title>\xc4\xe3</title><a href='?\xc4\xe3&#x1f600;'>"},
		{"text/html", "<meta charset=shift_jis><base href='//x/\x93\xfa?'><a href='\\\\y'><meta http-equiv=refresh content='0;url=\"z'>"},
		{"", "\xff\xfe<\x00a\x00"},
		{"application/xhtml+xml", "<?xml encoding='koi8-r'?><svg><foreignObject><template><title>x"},
		{`text/html;charset="a\`, "<frameset><frame src=x><link rel='canonical next' href=c><iframe src=f>"},
	} {
		f.Add(seed.contentType, []byte(seed.body))
	}
	p, err := New(Config{Select: []string{"h=h1", "a[]=a@href"}, ProductToken: "trawl", Resources: true, Simhash: true,
		References: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		page := htmlPage("http://example.com/dir/page", string(body))
		page.Header["Content-Type"] = []string{contentType}
		page.Header["X-Robots-Tag"] = []string{contentType}
		doc, err := p.Parse(context.Background(), page)
		if err != nil {
			t.Fatal(err)
		}
		if doc != nil {
			check(t, doc)
		}
		checkLong(t, body)
	})
}

// checkLong reads a body as a source that is not in memory, and as one that is read as a
// whole. Both must find the same, with everything wanted or nothing, and reading must end
// with any maximum length of a token.
func checkLong(t *testing.T, body []byte) {
	t.Helper()
	src := charset.NewSource(charset.MediaType{Charset: "utf-8"}, body, false)
	read := func(cfg Config, most int, inMemory, all bool) *scan {
		s, src := newScan(cfg), src
		if s.most = most; !inMemory {
			src.Body, src.Rest = nil, iotest.HalfReader(bytes.NewReader(src.Body))
		}
		if all {
			s.wantTree()
		}
		if err := s.read(context.Background(), src, ""); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, cfg := range []Config{{}, {Resources: true, Simhash: true}} {
		memory := read(cfg, maxToken, true, false)
		sameNotes(t, memory, read(cfg, maxToken, false, false))
		// Through a window that moves; U+FFFD has three bytes.
		sameNotes(t, memory, read(cfg, 3*len(body)+32, false, false))
		sameNotes(t, memory, read(cfg, maxToken, true, true))
		read(cfg, 32, false, false)
	}
}

// sameNotes fails if the scan of a document in memory recorded something else than the
// scan of the same document from a stream, or of all of its tokens.
func sameNotes(t *testing.T, memory, long *scan) {
	t.Helper()
	if !slices.Equal(noted(memory), noted(long)) {
		t.Errorf("links %q in memory, and %q from the stream", noted(memory), noted(long))
	}
	if memory.title != long.title || memory.base != long.base || memory.canonical != long.canonical ||
		!reflect.DeepEqual(memory.robots, long.robots) {
		t.Errorf("title %q, base %v, canonical %v, robots %v, and %q, %v, %v, %v otherwise",
			memory.title, memory.base, memory.canonical, memory.robots, long.title, long.base, long.canonical,
			long.robots)
	}
	if memory.simhash != nil && *memory.simhash != *long.simhash {
		t.Errorf("the fingerprint is %v in memory, and %v from the stream", *memory.simhash, *long.simhash)
	}
}

// noted returns the references that a scan has recorded.
func noted(s *scan) (all []string) {
	for _, i := range s.refs.found {
		all = append(all, fmt.Sprint(string(s.refs.written(i)), s.refs.list[i].noFollow))
	}
	return all
}

// A scan that skims must record the same as one that reads all tokens, in memory or
// through a window.
func TestSkimmingMissesNothing(t *testing.T) {
	t.Parallel()
	frames := "<body>x"
	for _, one := range corpus.RareMarkup() {
		checkLong(t, []byte(frames+one+"<a href=x>"))
		for _, other := range corpus.RareMarkup() {
			checkLong(t, []byte(frames+one+"<a href=x>"+other+"<title>t</title><link rel=canonical href=y>"))
		}
	}
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, page := range c.Pages(t, corpus.MaxPages()/4) {
				checkLong(t, page.Body.Head)
			}
		})
	}
}

// check fails if a document breaks a promise of its type.
func check(t *testing.T, doc *fetched.Document) {
	t.Helper()
	if !utf8.ValidString(doc.Title) || len(doc.Title) > maxTitle {
		t.Errorf("title %q of %d bytes", doc.Title, len(doc.Title))
	}
	if charset.Name(doc.Charset) != doc.Charset {
		t.Errorf("charset %q", doc.Charset)
	}
	seen := map[crawler.URL]bool{}
	for _, l := range doc.Links {
		u, err := crawler.ParseURL(l.URL.String())
		if err != nil || u != l.URL {
			t.Errorf("link %q is %q when parsed again, %v", l.URL, u, err)
		}
		if seen[l.URL] {
			t.Errorf("link %q is listed twice", l.URL)
		}
		seen[l.URL] = true
	}
	for _, r := range doc.References {
		if !utf8.ValidString(r.Text) || len(r.Text) > maxAnchorText || !utf8.ValidString(r.Rel) ||
			len(r.Rel) > 3*maxAnchorRel {
			t.Errorf("reference %v", r)
		}
		if doc.Charset != "" && !seen[r.URL] {
			t.Errorf("the reference to %q is not in the links", r.URL)
		}
	}
	if h, ok := doc.Fields["h"].(string); ok && !utf8.ValidString(h) {
		t.Errorf("field %q", h)
	}
}

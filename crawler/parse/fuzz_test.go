package parse

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
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
	p, err := New(Config{Select: []string{"h=h1", "a[]=a@href"}, ProductToken: "trawl", Resources: true, Simhash: true, References: true})
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

// checkLong reads a body as one that is not in memory, and as one of which all is
// looked at: the same is found, with all asked for or nothing, and whatever the
// length of what is held of a token, reading ends.
func checkLong(t *testing.T, body []byte) {
	t.Helper()
	src := newSource(mediaType{charset: "utf-8"}, body, false)
	read := func(cfg Config, most int, inMemory, all bool) *scan {
		s, src := newScan(cfg), src
		if s.most = most; !inMemory {
			src.body, src.rest = nil, iotest.HalfReader(bytes.NewReader(src.body))
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
		memory := read(cfg, mostToken, true, false)
		sameNotes(t, memory, read(cfg, mostToken, false, false))
		sameNotes(t, memory, read(cfg, 3*len(body)+32, false, false)) // through a window that moves; U+FFFD has three bytes
		sameNotes(t, memory, read(cfg, mostToken, true, true))
		read(cfg, 32, false, false)
	}
}

// sameNotes fails if a scan of a document in memory has noted something else than
// one of the same document that was not, or was looked at as a whole.
func sameNotes(t *testing.T, memory, long *scan) {
	t.Helper()
	if !slices.Equal(noted(memory), noted(long)) {
		t.Errorf("links %q, and %q otherwise", noted(memory), noted(long))
	}
	if memory.title != long.title || memory.base != long.base || memory.canonical != long.canonical || memory.robots != long.robots {
		t.Errorf("title %q, base %v, canonical %v, robots %v, and %q, %v, %v, %v otherwise",
			memory.title, memory.base, memory.canonical, memory.robots, long.title, long.base, long.canonical, long.robots)
	}
	if memory.simhash != nil && *memory.simhash != *long.simhash {
		t.Errorf("another fingerprint otherwise: %v and %v", *memory.simhash, *long.simhash)
	}
}

// noted are the references that a scan has noted.
func noted(s *scan) (all []string) {
	for _, i := range s.refs.found {
		all = append(all, fmt.Sprint(string(s.refs.written(i)), s.refs.list[i].noFollow))
	}
	return all
}

// check fails if a document is not what its type promises.
func check(t *testing.T, doc *crawler.Document) {
	t.Helper()
	if !utf8.ValidString(doc.Title) || len(doc.Title) > mostTitle {
		t.Errorf("title %q of %d bytes", doc.Title, len(doc.Title))
	}
	if charsetName(doc.Charset) != doc.Charset {
		t.Errorf("charset %q", doc.Charset)
	}
	seen := map[crawler.URL]bool{}
	for _, l := range doc.Links {
		u, err := crawler.ParseURL(l.URL.String())
		if err != nil || u != l.URL {
			t.Errorf("link %q is %q when parsed again, %v", l.URL, u, err)
		}
		if seen[l.URL] {
			t.Errorf("link %q is there twice", l.URL)
		}
		seen[l.URL] = true
	}
	for _, r := range doc.References {
		if !utf8.ValidString(r.Text) || len(r.Text) > mostAnchorText || !utf8.ValidString(r.Rel) || len(r.Rel) > 3*mostAnchorRel {
			t.Errorf("reference %v", r)
		}
		if doc.Charset != "" && !seen[r.URL] {
			t.Errorf("reference to %q is no link", r.URL)
		}
	}
	if h, ok := doc.Fields["h"].(string); ok && !utf8.ValidString(h) {
		t.Errorf("field %q", h)
	}
}

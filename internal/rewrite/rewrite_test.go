package rewrite

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/trawlcrawler/trawl/crawler"
)

// copied rewrites a page at http://x.example/dir/page, with copies of some other pages.
func copied(t testing.TB, contentType, body string) string {
	t.Helper()
	places := map[string]string{
		"http://x.example/dir/page":      "page.html",
		"http://x.example/dir/other":     "other.html",
		"http://x.example/dir/a%20b?q=1": "a%20b%40q=1.html",
		"http://x.example/style.css":     "../style.css",
		"http://x.example/i.png":         "../i.png",
		"http://y.example/":              "../../y.example/index.html",
		"http://x.example/s%FC":          "s.html",
	}
	u, err := crawler.ParseURL("http://x.example/dir/page")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Page(t.Context(), Copy{URL: u, ContentType: contentType, Body: []byte(body),
		Place: func(u crawler.URL) (string, bool) {
			ref, ok := places[u.String()]
			return ref, ok
		}})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestReferencesOfACopyLeadToCopiesOrIntoTheWeb(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"a link to a copy", `<a href="/dir/other#top">x</a>`, `<a href="other.html#top">x</a>`},
		{"a link into the web", `<a href="gone?a=1&amp;b=2">x</a>`,
			`<a href="http://x.example/dir/gone?a=1&amp;b=2">x</a>`},
		{"an absolute link that stays", `<A HREF='HTTP://z.example/&copy=1'>x</A>`,
			`<A HREF='HTTP://z.example/&copy=1'>x</A>`},
		{"an absolute link to a copy", `<a href=http://y.example>x</a>`, `<a href="../../y.example/index.html">x</a>`},
		{"a reference in the page itself", `<a href="#here">`, `<a href="#here">`},
		{"the page itself", `<a href="">x</a><form action="">`, `<a href="">x</a><form action="">`},
		{"what is no page", `<a href="mailto:a@b"><a href="javascript:x()"><img src="data:image/png;base64,AA==">`,
			`<a href="mailto:a@b"><a href="javascript:x()"><img src="data:image/png;base64,AA==">`},
		{"character references", `<a href="a&#32;b?q&equals;1">`, `<a href="a%20b%40q=1.html">`},
		{"white space around", "<a href='\n other '>", "<a href='other.html'>"},
		{"attributes without quotes, and twice", `<img alt=a/b src=/i.png src=/i.png class=c>`,
			`<img alt=a/b src="../i.png" src="../i.png" class=c>`},
		{"what is embedded", `<video poster=/i.png src=v.mp4><object data="/i.png"><input type=image src=/i.png><body background=/i.png>`,
			`<video poster="../i.png" src="http://x.example/dir/v.mp4"><object data="../i.png"><input type=image src="../i.png"><body background="../i.png">`},
		{"data of what is no object", `<div data="/i.png">`, `<div data="/i.png">`},
		{"srcset", `<img srcset="/i.png 1x, /big,.png 2x,/i.png?3 3x">`,
			`<img srcset="../i.png 1x, http://x.example/big%2C.png 2x,http://x.example/i.png?3 3x">`},
		{"style", `<p style="background:url(&quot;/i.png&quot;); font-family: '&Uuml;'">`,
			`<p style="background:url(&#34;../i.png&#34;); font-family: &#39;&#220;&#39;">`},
		{"a style sheet within",
			`<style>@import "/style.css"; a{b:url( /i.png )} /* url(/i.png) */ c{d:url(z.png)}</style>`,
			`<style>@import "../style.css"; a{b:url( ../i.png )} /* url(/i.png) */ c{d:url(http://x.example/dir/z.png)}</style>`},
		{"a script", `<script>"<a href='/dir/other'>"</script><textarea><a href="/dir/other"></textarea>`,
			`<script>"<a href='/dir/other'>"</script><textarea><a href="/dir/other"></textarea>`},
		{"a comment", `<!-- <a href="/dir/other"> -->`, `<!-- <a href="/dir/other"> -->`},
		{"noscript", `<noscript><img src=/i.png></noscript>`, `<noscript><img src="../i.png"></noscript>`},
		{"SVG", `<svg><image href="/i.png"/><use xlink:href='#a'/><a xlink:href="other">x</a><style>a{b:url(/i.png)}</style></svg>`,
			`<svg><image href="../i.png"/><use xlink:href='#a'/><a xlink:href="other.html">x</a><style>a{b:url(../i.png)}</style></svg>`},
		{"refresh", `<meta http-equiv=refresh content="5; URL='/dir/other'">`,
			`<meta http-equiv=refresh content="5;url=other.html">`},
		{"a base", `<base href="/dir/sub/" target=_top><a href="../other"><a href="#f"><a href="x">`,
			`<base  target=_top><a href="other.html"><a href="http://x.example/dir/sub/#f"><a href="http://x.example/dir/sub/x">`},
		{"the canonical form", `<link rel=canonical href="/dir/other"><link rel=stylesheet href=/style.css>`,
			`<link rel=canonical href="http://x.example/dir/other"><link rel=stylesheet href="../style.css">`},
		{"hints to connect", `<link rel="preconnect" href="//cdn.example"><link rel=dns-prefetch href=//cdn.example>`,
			`<link rel="preconnect" ><link rel=dns-prefetch >`},
		{"hashes and origins", `<link rel=stylesheet href=/style.css integrity="sha256-x" crossorigin><script src="//cdn.example/x.js" integrity="sha256-y"></script>`,
			`<link rel=stylesheet href="../style.css"  ><script src="http://cdn.example/x.js" integrity="sha256-y"></script>`},
		{"a policy", `<meta http-equiv="Content-Security-Policy" content="default-src 'self'">`,
			`<meta  content="default-src 'self'">`},
		{"markup that is broken", `<a href="/dir/other" <b>< a href=/dir/other></a href=/dir/other><a href="/dir/other`,
			`<a href="other.html" <b>< a href=/dir/other></a href=/dir/other><a href="/dir/other`},
	} {
		if diff := cmp.Diff(c.want, copied(t, "text/html", c.in)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestACopyKeepsItsCharsetAndSaysIt(t *testing.T) {
	t.Parallel()
	latin := func(s string) string { b, _ := charmap.Windows1252.NewEncoder().String(s); return b }
	wide := func(s string) string {
		b, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(s)
		return b
	}
	for _, c := range []struct{ name, contentType, in, want string }{
		{"told by the page", "text/html", latin(`<meta charset=latin1><a href="sü">ü`),
			latin(`<meta charset=latin1><a href="http://x.example/dir/s%C3%BC">ü`)},
		{"told by the header", "text/html; charset=latin1", latin(`<html><head lang=de><title>ü`),
			latin(`<html><head lang=de><meta charset="windows-1252"><title>ü`)},
		{"told by the header, without a head", "text/html; charset=utf-8", `<!DOCTYPE html><title>ü`,
			`<!DOCTYPE html><meta charset="utf-8"><title>ü`},
		{"told otherwise by the page", "text/html; charset=utf-8", `<head><meta charset=latin1>ü`,
			`<head><meta charset="utf-8"><meta charset=latin1>ü`},
		{"told by nobody, and not needed", "text/html", `<head><a href=other>`, `<head><a href="other.html">`},
		{"UTF-8 with a mark", "text/html", "\xef\xbb\xbf<a href=other>ü", "\xef\xbb\xbf<a href=\"other.html\">ü"},
		{"UTF-16", "text/html", wide(`<a href=other>ü日`), wide(`<a href="other.html">ü日`)},
		{"UTF-16 without a mark", "text/html; charset=utf-16le", wide(`<a href=other>ü`)[2:],
			wide(`<a href="other.html">ü`)},
		{"ISO-2022-JP", "text/html; charset=iso-2022-jp", "<head>\x1b$B<a\x1b(B<a href=other>",
			"<head><meta charset=\"iso-2022-jp\">\x1b$B<a\x1b(B<a href=\"other.html\">"},
		{"bytes that are in no charset", "text/html; charset=utf-8", "<head><meta charset=utf-8>\xff<a href=other>\xfe",
			"<head><meta charset=utf-8>\xff<a href=\"other.html\">\xfe"},
		{"a style sheet", "text/css; charset=latin1", latin(`a{b:"ü" url(/i.png)}`),
			latin(`@charset "windows-1252";a{b:"ü" url(../i.png)}`)},
		{"a style sheet that tells", "text/css", latin(`@charset "latin1";a{b:"ü" url('/i.png')}`),
			latin(`@charset "latin1";a{b:"ü" url('../i.png')}`)},
		{"neither", "text/plain", `<a href=other>`, `<a href=other>`},
	} {
		if got := copied(t, c.contentType, c.in); got != c.want {
			t.Errorf("%s:\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

// FuzzRewrite checks that in a page without copies of others, and with only absolute
// links, nothing changes but what is documented to change.
func FuzzRewrite(f *testing.F) {
	f.Add([]byte(`<a href="/x" style='a:url(b)'><img srcset="a 1x, b 2x"><base href=//y><style>@import "x"</style>`))
	f.Add([]byte("<meta http-equiv=refresh content='0;u'><svg><![CDATA[<a href=x>]]></svg>"))
	u, err := crawler.ParseURL("http://x.example/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, contentType := range []string{"text/html", "text/html; charset=shift_jis", "text/html; charset=utf-16le",
			"text/css"} {
			c := Copy{URL: u, ContentType: contentType, Body: bytes.Clone(body),
				Place: func(crawler.URL) (string, bool) { return "p.html", true }}
			once, err := Page(t.Context(), c)
			if err != nil || !bytes.Equal(c.Body, body) {
				t.Fatalf("%v, or the body was changed in place", err)
			}
			c.Body = once
			if _, err := Page(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestRealPagesAreWholeButForTheirReferences rewrites the documentation on this machine
// without changing any reference. No byte may differ.
func TestRealPagesAreWholeButForTheirReferences(t *testing.T) {
	t.Parallel()
	root := "/usr/share/doc"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no manual in /usr/share/doc: install python3-doc")
	}
	u, _ := crawler.ParseURL("http://x.example/dir/page")
	pages := 0
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || pages == 120 || ext != ".html" && ext != ".css" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return nil // a link that leads nowhere
		}
		pages++
		contentType := map[string]string{".html": "text/html", ".css": "text/css"}[ext]
		var asked []string
		out, err := Page(t.Context(), Copy{URL: u, ContentType: contentType, Body: body,
			Place: func(u crawler.URL) (string, bool) {
				asked = append(asked, u.String())
				return "MARK", true
			}})
		if err != nil {
			t.Fatal(err)
		}
		marks := bytes.Count(out, []byte("MARK")) - bytes.Count(body, []byte("MARK"))
		if len(asked) > 0 && marks == 0 {
			t.Errorf("%s: %d references were asked for, and none is rewritten", path, len(asked))
		}
		if same := strings.TrimSpace(text(out)) == strings.TrimSpace(text(body)); !same && ext == ".html" {
			t.Errorf("%s: the text of the page has changed", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages == 0 {
		t.Skip("no manual in /usr/share/doc: install python3-doc")
	}
}

var styles = regexp.MustCompile(`(?is)<style.*?</style>`)

// text returns a page without its tags and style sheets.
func text(page []byte) string {
	var b strings.Builder
	for _, part := range bytes.Split(styles.ReplaceAll(page, nil), []byte("<")) {
		_, after, _ := bytes.Cut(part, []byte(">"))
		b.Write(after)
	}
	return b.String()
}

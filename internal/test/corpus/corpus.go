// Package corpus has pages for tests: those of real manuals, and markup that no real page
// contains.
package corpus

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// A Manual is a tree of real pages from one of Debian's documentation packages.
type Manual struct{ Name, Glob string }

// Manuals returns the manuals.
func Manuals() []Manual {
	return []Manual{
		{"python", "/usr/share/doc/python3*/html"},
		{"java", "/usr/share/doc/openjdk-17-*/api"},
		{"postgresql", "/usr/share/doc/postgresql-doc-*/html"},
	}
}

// Pages reads at most n pages, evenly spread over the manual. It skips the test if the
// manual is not installed, and with the race detector.
func (m Manual) Pages(t testing.TB, n int) []*fetched.Page {
	t.Helper()
	race.Skip(t)
	roots, _ := filepath.Glob(m.Glob)
	for _, root := range roots {
		root, err := filepath.EvalSymlinks(root)
		if err != nil {
			continue
		}
		var files []string
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".html") {
				files = append(files, path)
			}
			return nil
		})
		if len(files) > 0 {
			return readPages(t, root, files, (len(files)+n-1)/n)
		}
	}
	t.Skipf("no manual in %s: install python3-doc, openjdk-17-doc and postgresql-doc-15", m.Glob)
	return nil
}

func readPages(t testing.TB, root string, files []string, step int) []*fetched.Page {
	t.Helper()
	var pages []*fetched.Page
	for i := 0; i < len(files); i += step {
		body, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page("http://docs.example/"+strings.TrimPrefix(files[i], root+"/"), string(body)))
	}
	return pages
}

// page returns a page as a fetcher returns it.
func page(url, body string) *fetched.Page {
	u, err := crawler.ParseURL(url)
	if err != nil {
		panic(err)
	}
	return &fetched.Page{
		URL:    u,
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body:   &fetched.Body{Head: []byte(body), Size: int64(len(body)), Release: func() {}},
	}
}

// MaxPages is how many pages of a corpus are compared; with TRAWL_SLOW=1, all.
func MaxPages() int {
	if os.Getenv("TRAWL_SLOW") != "" {
		return 1 << 20
	}
	return 100
}

// RareMarkup returns markup that no corpus of pages contains.
func RareMarkup() []string {
	return []string{
		"", "<", "</", "<!", "<?", "a<", "a</", "a<!", "a<?", "< a>", "<1>", "<<a>>", "</>", "</ a>", "</1>", "</a",
		"</a b", "<a", "<a b", "<a b=", "<a b='", "<a b='c", "<a b=c",
		"<a/>", "<a />", "<a b/>", "<a b=/>", "<a b=c/>", "<a b='/'>", "<a b='c'/>", "<a b=c b=/>", "<a b=/ c=/>",
		"<a/b/c>", "<a / b>", "<a =>", "<a ==>", "<a =b=c>", "<a b = c>", "<a b =>", "<a b= >x",
		"<a b=c=d>", "<a b'c'>", "<a b='c'd>", "<a b=\"c'd\">", "<a B=C b=d>", "<A HREF=X>", "<a\tb\nc\fd\re>",
		"<a b=c\r\nd='e\r\nf\rg'>", "<a b='\x00' \x00='c'>", "<a\x00b>",
		"<a b=&amp;c d='&copy=&copy;&copyx' e=&#1;&#x41>",
		"<a b='&notit; &not; &semi; &semi &semi= &lt= &ltx &lt; &lt' c=&#; d='&#x;&#x41g;&#128;&#128=&#xD800;&#1114112;&#99999999999;' e='&&amp;&' f=& g='&NotEqualTilde;&acE;&ThickSpace;&fjlig;&bne' H='&AMP;&AMP&amp=&ampamp;'>",
		"<a b c d e f g h i j k l m n o p q r s t>", "<a b b b b b b b b b b b b b b b b b b b=x>",
		"<br a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15 a16/>", "<a é=ü Ä=1 ä=2 K=1 k=2 [=1 {=2>",
		"<!-->x", "<!--->x", "<!---->x", "<!----->x", "<!--a-->x", "<!--a--!>x", "<!--a--!->x-->y", "<!--a--!-->x",
		"<!--!>x", "<!---!>x", "<!----!>x", "<!--a--!!>x-->", "<!-a>x", "<!--a", "<!>x", "<!a>x", "<!-", "<!--",
		"<!--a->b-->c",
		"<!doctype html>x", "<!DOCTYPE", "<!DocType >x", "<!doctyp>x", "<!doctypehtml", "<?xml a='>'?>x", "<?>x",
		"<svg><![CDATA[a<b>&amp;\r\x00]]>x", "<svg><![CDATA[]]>x", "<svg><![CDATA[a]]b]>c]]]>x", "<svg><![CDATA[a",
		"<svg><![cdata[a]]>", "<![CDATA[a>b]]>", "<svg><![CDAT>",
		"<title>a<b>c&amp;d\r\n</title>x", "<title></title>x", "<title>", "<title>a</titl</title>b", "<title>a</title",
		"<title>a</title x>b", "<TITLE>a</tItLe/>b", "<title>a</titlex></title>", "<textarea>&lt;</textarea>",
		"<style>a&amp;b\x00<b></style>x", "<plaintext>a</plaintext>b", "<xmp>&amp;</xmp>", "<iframe><a></iframe>",
		"<noembed><a></noembed>", "<noframes><a></noframes>", "<noscript><a></noscript>", "<x><title>", "<titles>a<b>",
		"<script>a<b></script>c", "<script></script>", "<script>", "<script><!--<script></script>--></script>x",
		"<script><!--<script></script></script>x", "<script><!--</script>x", "<script><!-- < <script></script>x",
		"<script><!--<script>-->a</script>x", "<script><!--<script>--></script>x", "<script><!--a-->b</script>x",
		"<script><!-->a</script>x", "<script><!-<!--<script></script></script>", "<script><!--<scripty></script>x",
		"<script><!--<script <</script>-</script>x", "<script><!--<script/--></script>x", "<script><!--<a></script>x",
		"<script><!--</scripts><script></script></script>x", "<script>a</scriptx</script", "<script><!--<script",
		"<script><!--<script></script",
		"a\rb\r\nc\x00d&amp;e&ampf&notit;&#0;", "<b>&</b>&x;&#", "x<y", "x<1<a>",
	}
}

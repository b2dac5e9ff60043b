package parse

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"
)

// token is what a scan may ask of one.
type token struct {
	kind  html.TokenType
	raw   string
	text  string
	attrs []string
}

func (t token) String() string { return fmt.Sprintf("%s %q %q %q", t.kind, t.raw, t.text, t.attrs) }

// tell reads all tokens. What a user of them decides behind a tag is decided by
// its bytes, so that it is the same for all who tell them.
func tell(z tokens) (all []token) {
	var name tagName
	for {
		t := token{kind: z.Next()}
		t.raw = string(z.Raw())
		switch t.kind {
		case html.ErrorToken:
			return all
		case html.TextToken:
			t.text = string(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			for more := true; more; {
				var key, value []byte
				key, value, more = z.TagAttr()
				t.attrs = append(t.attrs, string(key)+"="+string(value))
			}
			switch string(name.of([]byte(t.raw)[1:])) {
			case "svg", "math":
				z.AllowCDATA(true)
			case "noscript", "x":
				z.NextIsNotRawText()
			}
		case html.EndTagToken:
			z.AllowCDATA(len(t.raw)%2 == 0)
		}
		all = append(all, t)
	}
}

// sameTokens fails if a document's tokens are not those of html.Tokenizer, in memory
// and through a window that is too short for them, or if it is changed.
func sameTokens(t *testing.T, m *markup, body []byte) {
	t.Helper()
	before := bytes.Clone(body)
	want := tell(html.NewTokenizer(bytes.NewReader(before)))
	m.reset(body)
	compare(t, tell(m), want, body)
	for _, first := range []int{1, 7, 1 << 10} {
		w := newWindow(iotest.HalfReader(bytes.NewReader(body)), len(body)+1)
		w.body = make([]byte, 0, first)
		compare(t, tell(w), want, body)
	}
	if !bytes.Equal(body, before) {
		t.Error("the document was written to")
	}
}

func compare(t *testing.T, got, want []token, body []byte) {
	t.Helper()
	equal := func(a, b token) bool {
		return a.kind == b.kind && a.raw == b.raw && a.text == b.text && slices.Equal(a.attrs, b.attrs)
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i == len(got):
			t.Fatalf("token %d is missing: want %s\nof %q", i, want[i], clip(string(body), 1000))
		case i == len(want):
			t.Fatalf("token %d is too much: %s\nof %q", i, got[i], clip(string(body), 1000))
		case !equal(got[i], want[i]):
			t.Fatalf("token %d is\n%s, want\n%s\nof %q", i, got[i], want[i], clip(string(body), 1000))
		}
	}
}

// rareMarkup is what no corpus of pages has.
var rareMarkup = []string{
	"", "<", "</", "<!", "<?", "a<", "a</", "a<!", "a<?", "< a>", "<1>", "<<a>>", "</>", "</ a>", "</1>", "</a", "</a b", "<a", "<a b", "<a b=", "<a b='", "<a b='c", "<a b=c",
	"<a/>", "<a />", "<a b/>", "<a b=/>", "<a b=c/>", "<a b='/'>", "<a b='c'/>", "<a b=c b=/>", "<a b=/ c=/>", "<a/b/c>", "<a / b>", "<a =>", "<a ==>", "<a =b=c>", "<a b = c>", "<a b =>", "<a b= >x",
	"<a b=c=d>", "<a b'c'>", "<a b='c'd>", "<a b=\"c'd\">", "<a B=C b=d>", "<A HREF=X>", "<a\tb\nc\fd\re>", "<a b=c\r\nd='e\r\nf\rg'>", "<a b='\x00' \x00='c'>", "<a\x00b>", "<a b=&amp;c d='&copy=&copy;&copyx' e=&#1;&#x41>",
	"<a b='&notit; &not; &semi; &semi &semi= &lt= &ltx &lt; &lt' c=&#; d='&#x;&#x41g;&#128;&#128=&#xD800;&#1114112;&#99999999999;' e='&&amp;&' f=& g='&NotEqualTilde;&acE;&ThickSpace;&fjlig;&bne' H='&AMP;&AMP&amp=&ampamp;'>",
	"<a b c d e f g h i j k l m n o p q r s t>", "<a b b b b b b b b b b b b b b b b b b b=x>", "<br a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15 a16/>", "<a é=ü Ä=1 ä=2 K=1 k=2 [=1 {=2>",
	"<!-->x", "<!--->x", "<!---->x", "<!----->x", "<!--a-->x", "<!--a--!>x", "<!--a--!->x-->y", "<!--a--!-->x", "<!--!>x", "<!---!>x", "<!----!>x", "<!--a--!!>x-->", "<!-a>x", "<!--a", "<!>x", "<!a>x", "<!-", "<!--", "<!--a->b-->c",
	"<!doctype html>x", "<!DOCTYPE", "<!DocType >x", "<!doctyp>x", "<!doctypehtml", "<?xml a='>'?>x", "<?>x",
	"<svg><![CDATA[a<b>&amp;\r\x00]]>x", "<svg><![CDATA[]]>x", "<svg><![CDATA[a]]b]>c]]]>x", "<svg><![CDATA[a", "<svg><![cdata[a]]>", "<![CDATA[a>b]]>", "<svg><![CDAT>",
	"<title>a<b>c&amp;d\r\n</title>x", "<title></title>x", "<title>", "<title>a</titl</title>b", "<title>a</title", "<title>a</title x>b", "<TITLE>a</tItLe/>b", "<title>a</titlex></title>", "<textarea>&lt;</textarea>",
	"<style>a&amp;b\x00<b></style>x", "<plaintext>a</plaintext>b", "<xmp>&amp;</xmp>", "<iframe><a></iframe>", "<noembed><a></noembed>", "<noframes><a></noframes>", "<noscript><a></noscript>", "<x><title>", "<titles>a<b>",
	"<script>a<b></script>c", "<script></script>", "<script>", "<script><!--<script></script>--></script>x", "<script><!--<script></script></script>x", "<script><!--</script>x", "<script><!-- < <script></script>x",
	"<script><!--<script>-->a</script>x", "<script><!--<script>--></script>x", "<script><!--a-->b</script>x", "<script><!-->a</script>x", "<script><!-<!--<script></script></script>", "<script><!--<scripty></script>x",
	"<script><!--<script <</script>-</script>x", "<script><!--<script/--></script>x", "<script><!--<a></script>x", "<script><!--</scripts><script></script></script>x", "<script>a</scriptx</script", "<script><!--<script", "<script><!--<script></script",
	"a\rb\r\nc\x00d&amp;e&ampf&notit;&#0;", "<b>&</b>&x;&#", "x<y", "x<1<a>",
}

func TestMarkupIsToldAsATokenizerTellsIt(t *testing.T) {
	t.Parallel()
	m := new(markup)
	for _, one := range rareMarkup {
		sameTokens(t, m, []byte(one))
		for _, other := range rareMarkup {
			sameTokens(t, m, []byte(one+other))
		}
	}
}

// mostPages is how many pages of a corpus are compared: with TRAWL_SLOW=1 all.
func mostPages() int {
	if os.Getenv("TRAWL_SLOW") != "" {
		return 1 << 20
	}
	return 100
}

func TestMarkupOfRealPagesIsToldAsATokenizerTellsIt(t *testing.T) {
	t.Parallel()
	for _, c := range corpora {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, size := new(markup), 0
			pages := corpus(t, c.glob, mostPages())
			for _, page := range pages {
				sameTokens(t, m, page.Body.Head)
				size += len(page.Body.Head)
			}
			t.Logf("%d pages, %d MB", len(pages), size>>20)
		})
	}
}

// A scan that skims must note what one does that is told all, in memory or through a
// window.
func TestSkimmingMissesNothing(t *testing.T) {
	t.Parallel()
	frames := "<body>x"
	for _, one := range rareMarkup {
		checkLong(t, []byte(frames+one+"<a href=x>"))
		for _, other := range rareMarkup {
			checkLong(t, []byte(frames+one+"<a href=x>"+other+"<title>t</title><link rel=canonical href=y>"))
		}
	}
	for _, c := range corpora {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, page := range corpus(t, c.glob, mostPages()/4) {
				checkLong(t, page.Body.Head)
			}
		})
	}
}

func FuzzMarkup(f *testing.F) {
	for _, one := range rareMarkup {
		f.Add([]byte(one))
	}
	m := new(markup)
	f.Fuzz(func(t *testing.T, body []byte) { sameTokens(t, m, body) })
}

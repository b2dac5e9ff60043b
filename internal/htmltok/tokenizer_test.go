package htmltok

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

// token is what a scan may use of a token.
type token struct {
	kind  html.TokenType
	raw   string
	text  string
	attrs []string
}

func (t token) String() string { return fmt.Sprintf("%s %q %q %q", t.kind, t.raw, t.text, t.attrs) }

// tell reads all tokens. The decisions that a user makes after a tag depend only on its
// bytes here, so that they are the same for all tokenizers.
func tell(z Tokens) (all []token) {
	var name TagName
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
			switch string(name.Of([]byte(t.raw)[1:])) {
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

// sameTokens fails if a document's tokens differ from those of html.Tokenizer, in memory
// or through a window that is too small for them, or if the document is changed.
func sameTokens(t *testing.T, m *Tokenizer, body []byte) {
	t.Helper()
	before := bytes.Clone(body)
	want := tell(html.NewTokenizer(bytes.NewReader(before)))
	m.Reset(body)
	compare(t, tell(m), want, body)
	for _, first := range []int{1, 7, 1 << 10} {
		w := NewWindow(iotest.HalfReader(bytes.NewReader(body)), (len(body)+1)/8, len(body)+1)
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
			t.Fatalf("token %d is missing: want %s\nof %q", i, want[i], Clip(string(body), 1000))
		case i == len(want):
			t.Fatalf("token %d is too much: %s\nof %q", i, got[i], Clip(string(body), 1000))
		case !equal(got[i], want[i]):
			t.Fatalf("token %d is\n%s, want\n%s\nof %q", i, got[i], want[i], Clip(string(body), 1000))
		}
	}
}

func TestMarkupIsToldAsATokenizerTellsIt(t *testing.T) {
	t.Parallel()
	m := new(Tokenizer)
	for _, one := range corpus.RareMarkup() {
		sameTokens(t, m, []byte(one))
		for _, other := range corpus.RareMarkup() {
			sameTokens(t, m, []byte(one+other))
		}
	}
}

func TestMarkupOfRealPagesIsToldAsATokenizerTellsIt(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			m, size := new(Tokenizer), 0
			pages := c.Pages(t, corpus.MaxPages())
			for _, page := range pages {
				sameTokens(t, m, page.Body.Head)
				size += len(page.Body.Head)
			}
			t.Logf("%d pages, %d MB", len(pages), size>>20)
		})
	}
}

func FuzzMarkup(f *testing.F) {
	for _, one := range corpus.RareMarkup() {
		f.Add([]byte(one))
	}
	m := new(Tokenizer)
	f.Fuzz(func(t *testing.T, body []byte) { sameTokens(t, m, body) })
}

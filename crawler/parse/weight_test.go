package parse

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// weighed returns the estimate of a document.
func weighed(t testing.TB, body string) int64 {
	t.Helper()
	s := newScan(Config{})
	s.wantTree()
	if err := s.read(t.Context(), newSource(mediaType{charset: "utf-8"}, []byte(body), false), ""); err != nil {
		t.Fatal(err)
	}
	return s.weight
}

// mostHead is how much of a page is in memory, and so read, at most.
const mostHead = 2 << 20

func TestATreeThatIsTooHeavyIsNotBuilt(t *testing.T) {
	t.Parallel()
	var distinct strings.Builder
	for i := 0; distinct.Len() < mostHead; i++ {
		distinct.WriteString(strconv.FormatInt(int64(i), 36) + " ")
	}
	for name, body := range map[string]string{
		"elements":   strings.Repeat("<p>", mostHead/3),
		"comments":   strings.Repeat("<!>", mostHead/3) + strings.Repeat("<p>x", mostHead/8),
		"texts":      strings.Repeat("<p>x", mostHead/4),
		"attributes": "<a " + strings.Repeat("b ", mostHead/2) + ">",
		"one tag":    "<a " + distinct.String() + ">",
	} {
		doc := parsePage(t, Config{Select: []string{"t=title"}}, htmlPage("http://example.com/", "<title>t</title><a href=/first>x</a>"+body))
		if len(doc.Links) != 1 || doc.Fields["t"] != nil || !strings.Contains(doc.Trouble, "would take more than 96 MB") {
			t.Errorf("%s: links %v, fields %v, trouble %q", name, doc.Links, doc.Fields, doc.Trouble)
		}
	}
}

func TestOrdinaryPagesAreLightEnough(t *testing.T) {
	t.Parallel()
	svg := `<svg><path d="` + strings.Repeat("M1 2 L3 4 ", 190_000) + `"/></svg>`
	table := strings.Repeat(`<tr class="a b"><td><a href="https://example.com/a/b/c?d=e&amp;f=g" title="a title of some words">words of a link</a></td></tr>`, 16_000)
	for name, body := range map[string]string{"a drawing": svg, "a table": table} {
		if got := weighed(t, body[:min(len(body), mostHead)]); got > mostWeight*2/3 {
			t.Errorf("%s of %d bytes weighs %d MB", name, len(body), got>>20)
		}
	}
	for _, c := range corpora {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, page := range corpus(t, c.glob, 50) {
				head := page.Body.Head[:min(len(page.Body.Head), mostHead)]
				if got := weighed(t, string(head)); got > int64(60*len(head)) || got > mostWeight*2/3 {
					t.Errorf("%s of %d bytes weighs %d MB", page.URL, len(head), got>>20)
				}
			}
		})
	}
}

func TestAttributesAreCounted(t *testing.T) {
	t.Parallel()
	for tag, least := range map[string]int{
		"<a>": 0, "<a b>": 1, "<a b c d>": 3, `<a b="x y z" c='1 2' d=e>`: 3, `<a b = "x y" c>`: 2, "<a/b/c>": 2, `<a b="x"c="y"d="z">`: 3, `<a b"c d"e>`: 2, `<a b="x`: 1,
	} {
		tokens := html.NewTokenizer(strings.NewReader(tag))
		tokens.Next()
		if got, real := attributesIn([]byte(tag)), len(tokens.Token().Attr); got < real || got < least || got > 2*least+2 {
			t.Errorf("%s has %d attributes, estimated %d, want at least %d", tag, real, got, least)
		}
	}
}

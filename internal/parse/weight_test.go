package parse

import (
	"strconv"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// weighed returns the estimate for a document.
func weighed(t testing.TB, body string) int64 {
	t.Helper()
	s := newScan(Config{})
	s.wantTree()
	if err := s.read(t.Context(), charset.NewSource(charset.MediaType{Charset: "utf-8"}, []byte(body), false),
		""); err != nil {
		t.Fatal(err)
	}
	return s.weight
}

// maxHead is the maximum part of a page that is in memory and thus parsed.
const maxHead = 2 << 20

func TestATreeThatIsTooLargeIsNotBuilt(t *testing.T) {
	t.Parallel()
	race.Skip(t)
	var distinct strings.Builder
	for i := 0; distinct.Len() < maxHead; i++ {
		distinct.WriteString(strconv.FormatInt(int64(i), 36) + " ")
	}
	for name, body := range map[string]string{
		"elements":   strings.Repeat("<p>", maxHead/3),
		"comments":   strings.Repeat("<!>", maxHead/3) + strings.Repeat("<p>x", maxHead/8),
		"texts":      strings.Repeat("<p>x", maxHead/4),
		"attributes": "<a " + strings.Repeat("b ", maxHead/2) + ">",
		"one tag":    "<a " + distinct.String() + ">",
	} {
		doc := parsePage(t, Config{Select: []string{"t=title"}},
			htmlPage("http://example.com/", "<title>t</title><a href=/first>x</a>"+body))
		if len(doc.Links) != 1 || doc.Fields["t"] != nil ||
			!strings.Contains(doc.Trouble, "would take more than 96 MB") {
			t.Errorf("%s: links %v, fields %v, trouble %q", name, doc.Links, doc.Fields, doc.Trouble)
		}
	}
}

func TestOrdinaryPagesAreSmallEnough(t *testing.T) {
	t.Parallel()
	svg := `<svg><path d="` + strings.Repeat("M1 2 L3 4 ", 190_000) + `"/></svg>`
	table := strings.Repeat(`<tr class="a b"><td><a href="https://example.com/a/b/c?d=e&amp;f=g" title="a title of some words">words of a link</a></td></tr>`, 16_000)
	for name, body := range map[string]string{"a drawing": svg, "a table": table} {
		if got := weighed(t, body[:min(len(body), maxHead)]); got > htmltree.MaxWeight*2/3 {
			t.Errorf("the tree of %s, %d bytes, takes %d MB", name, len(body), got>>20)
		}
	}
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, page := range c.Pages(t, 50) {
				head := page.Body.Head[:min(len(page.Body.Head), maxHead)]
				if got := weighed(t, string(head)); got > int64(60*len(head)) || got > htmltree.MaxWeight*2/3 {
					t.Errorf("the tree of %s, %d bytes, takes %d MB", page.URL, len(head), got>>20)
				}
			}
		})
	}
}

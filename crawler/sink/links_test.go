package sink

import (
	"errors"
	"os"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestLinksAreLinesOfTheirGraph(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open([]string{"links"}, dir, Options{Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	r := page(t, "http://example.com/a", "body")
	r.Redirects = []crawler.URL{parse(t, "http://example.com/b")}
	r.Document.References = []crawler.Reference{
		{URL: parse(t, "http://example.com/?x=1&y=2"), Text: "A & B", Rel: "nofollow", NoFollow: true, Kind: crawler.ReferenceAnchor},
	}
	r.Document.Resources = []crawler.URL{parse(t, "http://example.com/logo.png")}
	listed := page(t, "http://example.com/sitemap.xml", "body")
	listed.Document = &crawler.Document{Sitemap: true, Links: []crawler.Link{{URL: parse(t, "http://example.com/c")}}}
	refused := page(t, "http://example.com/d", "")
	refused.Page, refused.Document = nil, nil
	keep(t, s, r, refused)
	keep(t, s, listed)
	closed(t, s)
	want := `{"from":"http://example.com/b","to":"http://example.com/?x=1&y=2","text":"A & B","rel":"nofollow","nofollow":true,"kind":"a","fetched_at":"2023-11-14T22:13:20.000Z"}
{"from":"http://example.com/b","to":"http://example.com/logo.png","text":"","rel":"","nofollow":false,"kind":"resource","fetched_at":"2023-11-14T22:13:20.000Z"}
{"from":"http://example.com/sitemap.xml","to":"http://example.com/c","text":"","rel":"","nofollow":false,"kind":"sitemap","fetched_at":"2023-11-14T22:13:20.000Z"}
`
	if got := read(t, dir, "links-w1-00001.jsonl"); got != want {
		t.Errorf("the links are\n%swant\n%s", got, want)
	}
	if err := s.Keep(t.Context(), []*crawler.Result{r}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("when it is closed: %v", err)
	}
}

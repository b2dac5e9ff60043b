package parse

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// htmlPage returns a page as a fetcher returns it.
func htmlPage(url, body string) *fetched.Page {
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

// parsePage parses a page with its own parser.
func parsePage(t testing.TB, cfg Config, page *fetched.Page) *fetched.Document {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := p.Parse(context.Background(), page)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// parseHTML parses a document at http://example.com/dir/page?q=1.
func parseHTML(t testing.TB, body string) *fetched.Document {
	t.Helper()
	return parsePage(t, Config{ProductToken: "trawl"}, htmlPage("http://example.com/dir/page?q=1", body))
}

func TestAPageWithoutABodyHasNoDocument(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "")
	page.Body = nil
	if doc := parsePage(t, Config{}, page); doc != nil {
		t.Errorf("document %v, want none", doc)
	}
}

func TestEmptyBodyIsAnEmptyDocument(t *testing.T) {
	t.Parallel()
	doc := parseHTML(t, "")
	if doc == nil || doc.Title != "" || len(doc.Links) != 0 || doc.Charset != "utf-8" {
		t.Errorf("document %+v, want an empty one", doc)
	}
}

func TestAPageWithoutAURLIsAnError(t *testing.T) {
	t.Parallel()
	p, _ := New(Config{})
	page := htmlPage("http://example.com/", "x")
	page.URL = crawler.URL{}
	if _, err := p.Parse(context.Background(), page); err == nil {
		t.Error("no error for a page without a URL")
	}
}

func TestParseObeysItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, _ := New(Config{})
	if _, err := p.Parse(ctx, htmlPage("http://example.com/", "<a href=x>")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestADeepDocumentHasLinksButNoFields(t *testing.T) {
	t.Parallel()
	race.Skip(t)
	body := "<h1>top</h1>" + strings.Repeat("<div>", 100_000) + "<a href=deep>x</a>"
	doc := parsePage(t, Config{Select: []string{"h=h1", "all[]=h1"}}, htmlPage("http://example.com/", body))
	if len(doc.Links) != 1 || doc.Links[0].URL.String() != "http://example.com/deep" {
		t.Errorf("links %v, want the one at the bottom", doc.Links)
	}
	if want := "its fields were not read: elements are nested more than 512 deep"; doc.Trouble != want {
		t.Errorf("trouble %q, want %q", doc.Trouble, want)
	}
	for name, value := range doc.Fields {
		if value != nil {
			t.Errorf("field %s is %v, want nil", name, value)
		}
	}
	if len(doc.Fields) != 2 {
		t.Errorf("fields %v, want both, as nil", doc.Fields)
	}
}

func TestDeepLimitsTheNestingForFields(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "<div><p>x") // html, body, div, p
	for deep, want := range map[int]any{3: nil, 4: "x"} {
		if got := parsePage(t, Config{Select: []string{"p=p"}, Deep: deep}, page).Fields["p"]; got != want {
			t.Errorf("with deep %d the field is %v, want %v", deep, got, want)
		}
	}
	for _, deep := range []int{-1, 513} {
		if _, err := New(Config{Deep: deep}); err == nil {
			t.Errorf("no error for deep %d", deep)
		}
	}
}

func TestALongLineHasLinksAndFields(t *testing.T) {
	t.Parallel()
	for size, cfg := range map[int]Config{20 << 20: {}, 1 << 18: {Select: []string{"h=h1"}}} {
		body := "<h1>top</h1><a href=first>" + strings.Repeat("<b>x</b>", size/8) + "<a href=last>"
		doc := parsePage(t, cfg, htmlPage("http://example.com/", body))
		if len(doc.Links) != 2 || doc.Trouble != "" || cfg.Select != nil && doc.Fields["h"] != "top" {
			t.Errorf("%d bytes: %d links, field %v, trouble %q, want the first and the last link", size, len(doc.Links),
				doc.Fields["h"], doc.Trouble)
		}
	}
}

func TestTheErrorForAnUnknownCharsetNamesIt(t *testing.T) {
	t.Parallel()
	for charset, want := range map[string]string{
		"utf-9":                  `no charset is named "utf-9": it was read as windows-1252`,
		"\"a\xff b\"":            `no charset is named`,
		strings.Repeat("x", 1e4): "no charset is named",
		"utf-8":                  "",
		"":                       "",
	} {
		page := htmlPage("http://example.com/", "<title>é\xff\x00</title>")
		page.Header.Set("Content-Type", "text/html; charset="+charset)
		doc := parsePage(t, Config{}, page)
		if !strings.HasPrefix(doc.Trouble, want) || want == "" && doc.Trouble != "" || len(doc.Trouble) > 300 {
			t.Errorf("%.50q gives trouble %q, want %q", charset, doc.Trouble, want)
		}
		if !utf8.ValidString(doc.Trouble+doc.Title) || strings.Contains(doc.Title, "\x00") {
			t.Errorf("trouble %q or title %q is not valid UTF-8", doc.Trouble, doc.Title)
		}
	}
}

func TestTheLinksOfAPageAreLimited(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	for i := range reference.MaxLinks + 100 {
		body.WriteString("<a href=/")
		body.WriteString(strings.Repeat("x", 1+i%5))
		body.WriteString(string(rune('一' + i/5)))
		body.WriteString(">")
	}
	if doc := parseHTML(t, body.String()); len(doc.Links) != reference.MaxLinks {
		t.Errorf("%d links, want %d", len(doc.Links), reference.MaxLinks)
	}
}

func TestOneParserServesManyGoroutines(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Select: []string{"h=h1"}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			page := htmlPage("http://"+name+".example/", "<title>"+name+"</title><h1>"+name+"</h1><a href="+name+">")
			for range 200 {
				doc, err := p.Parse(context.Background(), page)
				if err != nil || doc.Title != name || doc.Fields["h"] != name ||
					len(doc.Links) != 1 || doc.Links[0].URL.Path() != "/"+name {
					t.Errorf("page %s became %+v, %v", name, doc, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAParserKeepsNothingOfThePreviousDocument(t *testing.T) {
	t.Parallel()
	p, _ := New(Config{})
	for _, body := range []string{
		`<base href=/b/><title>t</title><link rel=canonical href=c><meta name=robots content=none><a href=x><template><svg>`,
		`<a href=y>`,
	} {
		doc, err := p.Parse(context.Background(), htmlPage("http://example.com/", body))
		if err != nil {
			t.Fatal(err)
		}
		if body == `<a href=y>` && (doc.Title != "" || !doc.Canonical.IsZero() || doc.NoIndex || doc.NoFollow ||
			len(doc.Links) != 1 || doc.Links[0].URL.String() != "http://example.com/y") {
			t.Errorf("document %+v contains data of the previous one", doc)
		}
	}
}

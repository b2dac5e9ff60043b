package parse

import (
	"context"
	"slices"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

// The scan must find the same links as a tree.
func TestLinksOfRealPagesEqualThoseOfTheirTrees(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			most := 100
			if testing.Short() {
				most = 30
			}
			pages, links := c.Pages(t, most), 0
			for _, page := range pages {
				doc := parsePage(t, Config{}, page)
				want := treeLinks(t, page)
				if !slices.Equal(doc.Links, want) {
					t.Errorf("%s: links %v, its tree has %v", page.URL, doc.Links, want)
				}
				links += len(want)
			}
			t.Logf("%d links on %d pages", links, len(pages))
		})
	}
}

// treeLinks finds the links of a page as a browser would, in its tree.
func treeLinks(t *testing.T, page *fetched.Page) []rules.Link {
	t.Helper()
	root, err := html.ParseWithOptions(page.Body.Reader(), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	doc := goquery.NewDocumentFromNode(root)
	base := page.URL.Base()
	if href, ok := doc.Find("base[href]").Attr("href"); ok {
		if u, err := base.Resolve(href); err == nil {
			base = u.Base()
		}
	}
	var links []rules.Link
	place := map[crawler.URL]int{}
	doc.Find("a[href], area[href], iframe[src], frame[src], link[rel~=next][href]").Each(func(_ int,
		s *goquery.Selection) {
		if s.Nodes[0].Namespace != "" || s.Closest("template").Length() > 0 {
			return
		}
		u, err := base.Resolve(s.AttrOr("href", s.AttrOr("src", "")))
		if err != nil {
			return
		}
		noFollow := s.Is("[rel~=nofollow]")
		if i, known := place[u]; known {
			links[i].NoFollow = links[i].NoFollow && noFollow
			return
		}
		place[u] = len(links)
		links = append(links, rules.Link{URL: u, NoFollow: noFollow})
	})
	return links
}

// The figures are for one core. MB/s counts bodies; "µs/page" and "links/page" are the
// cost and the links of a page.
func BenchmarkParse(b *testing.B) {
	for _, c := range corpus.Manuals() {
		for _, kind := range []struct {
			name string
			cfg  Config
		}{
			{"links", Config{}},
			{"links+resources", Config{Resources: true}},
			{"links+references", Config{References: true}},
			{"links+simhash", Config{Simhash: true}},
			{"links+field", Config{Select: []string{"heading=h1"}}},
		} {
			b.Run(c.Name+"/"+kind.name, func(b *testing.B) {
				pages := c.Pages(b, 300)
				p, err := New(kind.cfg)
				if err != nil {
					b.Fatal(err)
				}
				benchmark(b, p, pages)
			})
		}
	}
}

func benchmark(b *testing.B, p *Parser, pages []*fetched.Page) {
	b.Helper()
	ctx, size, links := context.Background(), int64(0), 0
	for _, page := range pages {
		size += page.Body.Size
	}
	b.SetBytes(size / int64(len(pages)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		doc, err := p.Parse(ctx, pages[i%len(pages)])
		if err != nil {
			b.Fatal(err)
		}
		links += len(doc.Links)
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(i), "µs/page")
	b.ReportMetric(float64(links)/float64(i), "links/page")
}

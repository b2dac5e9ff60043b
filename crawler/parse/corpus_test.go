package parse

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
)

// corpora are trees of real pages that Debian's documentation packages install.
var corpora = []struct{ name, glob string }{
	{"python", "/usr/share/doc/python3*/html"},
	{"java", "/usr/share/doc/openjdk-17-*/api"},
	{"postgresql", "/usr/share/doc/postgresql-doc-*/html"},
}

// corpus reads at most n pages, evenly spread over the first tree that a glob
// finds, and skips the test where there is none.
func corpus(t testing.TB, glob string, n int) []*crawler.Page {
	t.Helper()
	roots, _ := filepath.Glob(glob)
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
	t.Skipf("no pages in %s", glob)
	return nil
}

func readPages(t testing.TB, root string, files []string, step int) []*crawler.Page {
	t.Helper()
	var pages []*crawler.Page
	for i := 0; i < len(files); i += step {
		body, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, htmlPage("http://docs.example/"+strings.TrimPrefix(files[i], root+"/"), string(body)))
	}
	return pages
}

// The scan must find what a tree holds.
func TestLinksOfRealPagesAreThoseOfTheirTrees(t *testing.T) {
	t.Parallel()
	for _, c := range corpora {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			most := 100
			if testing.Short() {
				most = 30
			}
			pages, links := corpus(t, c.glob, most), 0
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
func treeLinks(t *testing.T, page *crawler.Page) []crawler.Link {
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
	var links []crawler.Link
	place := map[crawler.URL]int{}
	doc.Find("a[href], area[href], iframe[src], frame[src], link[rel~=next][href]").Each(func(_ int, s *goquery.Selection) {
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
		links = append(links, crawler.Link{URL: u, NoFollow: noFollow})
	})
	return links
}

// The figures are those of one core. MB/s are of bodies; "µs/page" and
// "links/page" say what a page costs and holds.
func BenchmarkParse(b *testing.B) {
	for _, c := range corpora {
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
			b.Run(c.name+"/"+kind.name, func(b *testing.B) {
				pages := corpus(b, c.glob, 300)
				p, err := New(kind.cfg)
				if err != nil {
					b.Fatal(err)
				}
				benchmark(b, p, pages)
			})
		}
	}
}

func benchmark(b *testing.B, p *Parser, pages []*crawler.Page) {
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

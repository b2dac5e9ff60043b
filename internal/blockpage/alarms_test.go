package blockpage_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/trawlcrawler/trawl/internal/blockpage"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

// statuses are those with which ordinary pages are served here. With the last two, more rules
// hold.
var statuses = []int{http.StatusOK, http.StatusForbidden, http.StatusServiceUnavailable}

// TestNoPageOfAManualIsABlockPage counts false alarms on real pages: on a sample of each manual,
// or on all pages with TRAWL_SLOW=1.
func TestNoPageOfAManualIsABlockPage(t *testing.T) {
	t.Parallel()
	for _, manual := range append(corpus.Manuals(),
		corpus.Manual{Name: "handbook", Glob: "/usr/share/doc/debian-handbook/html"}) {
		t.Run(manual.Name, func(t *testing.T) {
			t.Parallel()
			pages := manual.Pages(t, corpus.MaxPages())
			for _, p := range pages {
				wantNone(t, p.URL.String(), p.Header, p.Body.Head)
			}
			t.Logf("%d pages, each with statuses %v", len(pages), statuses)
		})
	}
}

// TestNoArticleOfTheBenchmarkIsABlockPage counts false alarms on news articles: those of the
// article extraction benchmark, which is not part of the project.
func TestNoArticleOfTheBenchmarkIsABlockPage(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "content", "html", "*.html.gz"))
	if len(paths) == 0 {
		t.Skip("the benchmark does not lie beside the checkout")
	}
	for _, path := range paths {
		wantNone(t, filepath.Base(path), http.Header{"Content-Type": {"text/html"}}, unzipped(t, path))
	}
	t.Logf("%d pages, each with statuses %v", len(paths), statuses)
}

func wantNone(t *testing.T, name string, h http.Header, body []byte) {
	t.Helper()
	for _, status := range statuses {
		r := blockpage.Response{Status: status, Header: h, Body: body, Size: int64(len(body))}
		if mark := blockpage.Find(r); mark != "" {
			t.Errorf("%s with status %d has the mark %q", name, status, mark)
		}
	}
}

func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return body
}

// BenchmarkFind looks at pages of manuals, most of which are small enough to be looked at.
func BenchmarkFind(b *testing.B) {
	for _, manual := range corpus.Manuals() {
		b.Run(manual.Name, func(b *testing.B) {
			pages := manual.Pages(b, 300)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p := pages[i%len(pages)]
				blockpage.Find(blockpage.Response{
					Status: http.StatusOK, Header: p.Header, Body: p.Body.Head, Size: p.Body.Size,
				})
			}
		})
	}
}

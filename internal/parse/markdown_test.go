package parse

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPageOfMarkdownIsItsOwnMainContent(t *testing.T) {
	t.Parallel()
	const text = "\n# The *shop* #\n\nSee [books](/books.md) and [books](/books.md), [more](http://b.example/).\n"
	for name, c := range map[string]struct {
		cfg      Config
		kind     string
		markdown string
	}{
		"asked for":                 {Config{Markdown: true, AcceptMarkdown: true}, "text/markdown; charset=utf-8", text},
		"not asked for":             {Config{Markdown: true}, "text/markdown", ""},
		"asked for, but plain text": {Config{Markdown: true, AcceptMarkdown: true}, "text/plain", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := htmlPage("http://example.com/a", text)
			page.Header.Set("Content-Type", c.kind)
			page.Header.Set("Content-Signal", "ai-train=no")
			doc := parsePage(t, c.cfg, page)
			if doc.Markdown != c.markdown || len(doc.Rights) != 1 {
				t.Fatalf("markdown %q and rights %v, want %q and one", doc.Markdown, doc.Rights, c.markdown)
			}
			if c.markdown == "" {
				return
			}
			if diff := cmp.Diff([]string{"/books.md", "http://b.example/"}, paths(urls(doc.Links))); diff != "" ||
				doc.Title != "The *shop*" {
				t.Errorf("title %q, links (-want +got):\n%s", doc.Title, diff)
			}
		})
	}
}

package sink

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/warc"
)

func TestMarkdownFilesHaveFrontMatterAndAManifest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := NewMarkdown(FilesConfig{Dir: dir, Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	full := page(t, "http://example.com/dir/a.html?x=1", "body")
	full.Redirects = []crawler.URL{parse(t, "http://example.com/dir/b.html")}
	full.Document.Article = &fetched.Article{
		Markdown: "# B\n\ntext", Author: "A. Writer", Site: "Example", Language: "en",
		Published: time.UnixMilli(1_600_000_000_000),
	}
	root, same, other := page(t, "http://example.com/", "body"), page(t, "http://example.com/dir/b.htm", "body"),
		page(t, "http://markdown/a", "body")
	none, gone := page(t, "http://example.com/none", "body"), page(t, "http://example.com/gone", "body")
	none.Document.Article = nil
	gone.Outcome = crawler.OutcomeGone
	keep(t, m, full, root, same, other, none, gone)
	closed(t, m)
	want := map[string]string{
		"http://example.com/dir/a.html?x=1": "markdown/example.com/dir/b.md",
		"http://example.com/":               "markdown/example.com/index.md",
		"http://example.com/dir/b.htm": "markdown/example.com/dir/b~" + suffixOf("http://example.com/dir/b.htm") +
			".md",
		"http://markdown/a":       "markdown/%6Darkdown/a.md",
		"http://example.com/none": "",
		"http://example.com/gone": "",
	}
	recs := kept(t, dir, "markdown-w1-*.jsonl")
	for _, rec := range recs {
		if rec.Path != want[rec.URL] {
			t.Errorf("%s is in %q, want %q", rec.URL, rec.Path, want[rec.URL])
		}
	}
	if len(recs) != len(want) {
		t.Errorf("%d records, want %d", len(recs), len(want))
	}
	const text = `---
url: "http://example.com/dir/b.html"
title: "A & B"
author: "A. Writer"
site: "Example"
language: "en"
published: "2020-09-13T12:26:40.000Z"
fetched_at: "2023-11-14T22:13:20.000Z"
digest: "sha256:230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"
---

# B

text
`
	if got := read(t, dir, "markdown", "example.com", "dir", "b.md"); got != text {
		t.Errorf("the file is\n%s", got)
	}
}

func TestMarkdownAndFilesShareAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open([]string{"files", "markdown"}, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, page(t, "http://example.com/a.md", "body"), page(t, "http://example.com/a.html", "body"),
		page(t, "http://markdown/example.com/a.md", "body"))
	closed(t, s)
	names := map[string]bool{}
	for _, rec := range append(kept(t, dir, "manifest-*.jsonl"), kept(t, dir, "markdown-*.jsonl")...) {
		if names[rec.Path] {
			t.Errorf("two pages have the name %s", rec.Path)
		}
		names[rec.Path] = true
		read(t, dir, rec.Path)
	}
}

func FuzzFrontMatter(f *testing.F) {
	f.Add("A: B", "- \"x\"\n---\n", "\x00\u0085\u2028\xff")
	f.Fuzz(func(t *testing.T, title, author, site string) {
		text := string(AppendMarkdown(nil, crawler.Record{FinalURL: "http://example.com/", Title: title},
			fetched.Article{Author: author, Site: site, Markdown: "text"}))
		front, body, ok := strings.Cut(strings.TrimPrefix(text, "---\n"), "\n---\n\n")
		if !ok || body != "text\n" {
			t.Fatalf("%q has no front matter", text)
		}
		var got struct{ URL, Title, Author, Site string }
		if err := yaml.Unmarshal([]byte(front), &got); err != nil {
			t.Fatalf("%v: %q", err, front)
		}
		if got.URL != "http://example.com/" || got.Title != warc.InLine(title) || got.Author != warc.InLine(author) ||
			got.Site != warc.InLine(site) {
			t.Errorf("front matter %q is read as %+v", front, got)
		}
	})
}

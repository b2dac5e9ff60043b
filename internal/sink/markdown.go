package sink

import (
	"bytes"
	"path"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// markdownFolder is the folder of Markdown files in an output folder. It is also the name
// prefix of the manifests beside it.
const markdownFolder = "markdown"

// Markdown writes the main content of pages as Markdown files to the folder "markdown",
// and the records of all results to a manifest beside it, markdown-WORKER-00001.jsonl. As
// with [Files], names are safe and files appear whole or not at all; a file has the name
// of its page with the extension .md. Each file begins with front matter
// ([AppendMarkdown]). Pages whose content is withheld, that are not HTML, or that have no
// main content get no file.
type Markdown struct{ *Files }

// NewMarkdown opens the manifest, as [NewFiles] does.
func NewMarkdown(cfg FilesConfig) (*Markdown, error) {
	f, err := newFiles(cfg, markdownFolder, articleOf)
	if err != nil {
		return nil, err
	}
	return &Markdown{f}, nil
}

// Needs says that the articles of pages are kept.
func (m *Markdown) Needs() fetched.Needs { return m.Files.Needs().Or(fetched.Needs{Article: true}) }

// articleOf returns the content that [Markdown] writes.
func articleOf(r *fetched.Result, rec crawler.Record) *content {
	if r.Outcome != crawler.OutcomeFetched || r.Page == nil || r.Document == nil || r.Document.Article == nil {
		return nil
	}
	text := AppendMarkdown(nil, rec, *r.Document.Article)
	name := wish(finalURL(r), "text/html")
	name[len(name)-1] = MarkdownName(name[len(name)-1])
	return &content{wish: append([]string{markdownFolder}, name...), body: bytes.NewReader(text),
		size: int64(len(text))}
}

// MarkdownName turns the last segment of a page's file name into that of its Markdown
// file: both "page.html" and "page" become "page.md".
func MarkdownName(segment string) string {
	switch ext := path.Ext(segment); strings.ToLower(ext) {
	case ".html", ".htm", ".xhtml":
		segment = strings.TrimSuffix(segment, ext)
	}
	return segment + ".md"
}

// AppendMarkdown appends a page as a Markdown file: front matter, which is YAML between
// two lines of "---", and the text. The front matter has url and fetched_at and, as far
// as they are known, title, author, site, language, published and digest. Each value is
// in double quotes, on one line.
func AppendMarkdown(b []byte, rec crawler.Record, a fetched.Article) []byte {
	published := ""
	if !a.Published.IsZero() {
		published = fetched.FormatRecordTime(a.Published)
	}
	b = append(b, "---\n"...)
	for _, line := range []struct{ key, value string }{
		{"url", rec.FinalURL}, {"title", rec.Title}, {"author", a.Author}, {"site", a.Site}, {"language", a.Language},
		{"published", published}, {"fetched_at", rec.FetchedAt}, {"digest", rec.Digest},
	} {
		if line.value != "" {
			b = append(append(b, line.key...), ": "...)
			b = append(warc.AppendJSON(b, warc.InLine(line.value)), '\n')
		}
	}
	b = append(b, "---\n\n"...)
	return append(append(b, strings.TrimSpace(a.Markdown)...), '\n')
}

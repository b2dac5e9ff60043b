package sink

import (
	"bytes"
	"path"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// markdownFolder is the folder of Markdown in an output folder, and begins the
// names of its manifests, which lie beside it.
const markdownFolder = "markdown"

// Markdown keeps what pages are about as files of Markdown, in the folder
// "markdown", and the records of all results in a manifest beside it,
// markdown-WORKER-00001.jsonl, as [Files] keeps bodies: under safe names, which are those
// of the pages with the extension .md, whole or not at all. Each file begins with
// front matter ([AppendMarkdown]). Pages whose content is withheld, that are not
// HTML, or that are about nothing have no file.
type Markdown struct{ *Files }

// NewMarkdown opens the manifest, as [NewFiles] does.
func NewMarkdown(cfg FilesConfig) (*Markdown, error) {
	f, err := newFiles(cfg, markdownFolder, articleOf)
	if err != nil {
		return nil, err
	}
	return &Markdown{f}, nil
}

// articleOf is the content of [Markdown].
func articleOf(r *crawler.Result, rec crawler.Record) *content {
	if r.Outcome != crawler.OutcomeFetched || r.Page == nil || r.Document == nil || r.Document.Article == nil {
		return nil
	}
	text := AppendMarkdown(nil, rec, *r.Document.Article)
	name := wish(finalURL(r), "text/html")
	name[len(name)-1] = MarkdownName(name[len(name)-1])
	return &content{wish: append([]string{markdownFolder}, name...), body: bytes.NewReader(text), size: int64(len(text))}
}

// MarkdownName names a file of Markdown after the file of its page, of which it is
// the last segment: "page.html" becomes "page.md", and "page" as well.
func MarkdownName(segment string) string {
	switch ext := path.Ext(segment); strings.ToLower(ext) {
	case ".html", ".htm", ".xhtml":
		segment = strings.TrimSuffix(segment, ext)
	}
	return segment + ".md"
}

// AppendMarkdown appends a page as a file of Markdown: front matter, which is YAML
// between two lines of "---", and the text. Of a page, the front matter has url and
// fetched_at, and as far as they are known title, author, site, language,
// published and digest. Each value is in double quotes, on one line.
func AppendMarkdown(b []byte, rec crawler.Record, a crawler.Article) []byte {
	published := ""
	if !a.Published.IsZero() {
		published = crawler.FormatRecordTime(a.Published)
	}
	b = append(b, "---\n"...)
	for _, line := range []struct{ key, value string }{
		{"url", rec.FinalURL}, {"title", rec.Title}, {"author", a.Author}, {"site", a.Site}, {"language", a.Language},
		{"published", published}, {"fetched_at", rec.FetchedAt}, {"digest", rec.Digest},
	} {
		if line.value != "" {
			b = append(append(b, line.key...), ": "...)
			b = append(appendJSON(b, inLine(line.value)), '\n')
		}
	}
	b = append(b, "---\n\n"...)
	return append(append(b, strings.TrimSpace(a.Markdown)...), '\n')
}

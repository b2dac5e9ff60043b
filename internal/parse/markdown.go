package parse

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/extract"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// isMarkdown reports whether a page is Markdown (RFC 7763), which a job may ask servers for.
func isMarkdown(declared charset.MediaType) bool { return declared.Essence == "text/markdown" }

// markdown parses a page that the server sent as Markdown: it is the main content itself.
func (p *Parser) markdown(ctx context.Context, page *fetched.Page, declared charset.MediaType) (*fetched.Document,
	error) {
	src := charset.NewStyleSource(declared, page.Body.Head)
	src.Rest = page.Body.Rest()
	text, err := io.ReadAll(io.LimitReader(src.Reader(), extract.MaxBytes))
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", page.URL, err)
	}
	var d directives
	d.obeyHeader(page.Header, p.agent)
	d.licenses(page)
	res := reference.ResolverAt(page.URL)
	links := newRefs()
	for target := range reference.InMarkdown(string(text)) {
		links.add([]byte(target), false)
	}
	content := htmltok.Clean(string(text))
	doc := &fetched.Document{
		Title: markdownTitle(content), Charset: src.Charset, NoFollow: d.noFollow, NoIndex: d.noIndex,
		Rights: d.rights(page, res), Links: links.resolve(res),
	}
	if p.articles.markdown {
		doc.Markdown = content
	}
	if p.articles.file && content != "" {
		doc.Article = articleOf(extract.Metadata{}, content)
	}
	if page.Truncated || len(text) == extract.MaxBytes {
		doc.Trouble = "only its beginning was read"
	}
	p.readHeaders(doc, page, res)
	return doc, ctx.Err()
}

// markdownTitle returns the first heading of level 1; "" without one.
func markdownTitle(text string) string {
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			return htmltok.Collapse([]byte(strings.TrimRight(strings.TrimSpace(title), "#")), maxTitle)
		}
	}
	return ""
}

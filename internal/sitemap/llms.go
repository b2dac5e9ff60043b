package sitemap

import (
	"context"
	"io"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// LLMsText is the path at which a site lists pages for language models, as links in
// Markdown (llmstxt.org, a convention).
const LLMsText = "/llms.txt"

// Bounds of an llms.txt.
const (
	maxLLMs      = 4 << 20 // bytes that are read
	maxLLMsLinks = 50_000  // as many as a sitemap may have
)

// isLLMs reports whether a page is an llms.txt. Many sites answer any path with a page of
// HTML, which is not one.
func isLLMs(p *fetched.Page) bool {
	return p.URL.Path() == LLMsText &&
		!charset.IsHTML(charset.DeclaredType(p.Header), charset.NoSniff(p.Header), p.Body.Head)
}

// llms reads the links of an llms.txt.
func llms(ctx context.Context, p *fetched.Page) (*fetched.Document, error) {
	doc := &fetched.Document{Sitemap: true}
	text, err := io.ReadAll(io.LimitReader(p.Body.Reader(), maxLLMs))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		doc.Fault = "the llms.txt is read in part: " + err.Error()
	case p.Truncated || len(text) == maxLLMs:
		doc.Fault = "the llms.txt is read in part: it is too long, or breaks off"
	}
	base, seen := p.URL.Base(), make(map[crawler.URL]bool)
	for target := range reference.InMarkdown(string(text)) {
		if len(doc.Links) == maxLLMsLinks {
			break
		}
		if u, err := base.Resolve(target); err == nil && !seen[u] {
			seen[u] = true
			doc.Links = append(doc.Links, rules.Link{URL: u})
		}
	}
	return doc, nil
}

package sitemap

import (
	"context"
	"errors"
	"io"
	"mime"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Open returns the body of a page as a source. Closing the source releases the page. If
// the body was cut off, the source ends with an error that says why.
func Open(p *fetched.Page) Source {
	_, parameters, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
	body := p.Body.Reader()
	switch {
	case p.Fault != nil:
		body = io.MultiReader(body, cutOff(p.Fault.Text))
	case p.Truncated:
		body = io.MultiReader(body, cutOff("it breaks off before its end"))
	}
	return Source{Body: pageBody{body, p}, At: p.URL, Charset: parameters["charset"]}
}

// lately is how recently a page must have changed to be fetched early.
const lately = 30 * 24 * time.Hour

// early reports whether a location has a higher priority than usual or has changed
// lately.
func (l Location) early(now time.Time) bool {
	return l.Priority > usualPriority || !l.Modified.IsZero() && now.Sub(l.Modified) < lately
}

type pageBody struct {
	io.Reader
	page *fetched.Page
}

func (b pageBody) Close() error {
	b.page.Release()
	return nil
}

// cutOff ends an incomplete body with an error that says why it is incomplete.
type cutOff string

func (c cutOff) Read([]byte) (int, error) { return 0, errors.New(string(c)) }

// Parser parses the sitemaps that a crawl fetches. It is safe for concurrent use.
type Parser struct {
	// Dates says whether documents contain the dates of the pages that they list. Default false.
	Dates bool
}

// ParseSitemap parses a page as a sitemap. It returns nil for anything else. named says
// that a robots.txt, a sitemap or a setting called the page a sitemap. Without named, it
// accepts only XML of the protocol, because text lists and feeds may also be ordinary
// pages. If the sitemap could not be read to its end, the document has a fault. The error
// is that of ctx. ParseSitemap implements [visit.SitemapParser].
func (parser Parser) ParseSitemap(ctx context.Context, p *fetched.Page, named bool) (*fetched.Document, error) {
	if p.Body == nil || !named && !looksLike(p.Body.Head) {
		return nil, nil
	}
	if named && isLLMs(p) {
		return llms(ctx, p)
	}
	doc := &fetched.Document{Sitemap: true}
	seen := make(map[crawler.URL]bool)
	src := Open(p)
	for l, err := range Read(src.Body, Config{At: src.At, Charset: src.Charset, Keeps: &doc.Keeps}) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
		case errors.Is(err, ErrNotSitemap):
			return nil, nil
		case err != nil:
			doc.Fault = "the sitemap is read in part: " + err.Error()
		case !seen[l.URL]:
			seen[l.URL] = true
			doc.Links = append(doc.Links, rules.Link{URL: l.URL, Sitemap: l.Sitemap, Early: l.early(time.Now())})
			if parser.Dates {
				doc.Dates = append(doc.Dates, announce.Entry{URL: l.URL, Modified: l.Modified})
			}
		}
	}
	return doc, nil
}

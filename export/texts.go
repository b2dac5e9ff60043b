package export

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/parse"
)

// texts finds the text of pages: in their records, as Markdown or plain, or by
// reading the bodies that the crawl kept.
type texts struct {
	ctx    context.Context
	crawl  *Crawl
	parser *parse.Parser // made when it is needed
}

// of returns the text of a page, "" when there is none.
func (t *texts) of(rec crawler.Record) (string, error) {
	switch {
	case rec.Markdown != "":
		return rec.Markdown, nil
	case rec.Text != "":
		return rec.Text, nil
	case rec.Path != "" && rec.Outcome == crawler.OutcomeFetched:
		return t.read(rec)
	}
	return "", nil
}

// mostRead is how many bytes of a body are read: more than those of any page that
// somebody would read.
const mostRead = 32 << 20

// read makes Markdown of the main content of a body that was kept.
func (t *texts) read(rec crawler.Record) (string, error) {
	in, err := t.crawl.body(t.ctx, rec.Path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, mostRead))
	if err != nil {
		return "", fmt.Errorf("the body of %s: %w", rec.FinalURL, err)
	}
	u, err := crawler.ParseURL(rec.FinalURL)
	if err != nil {
		return "", fmt.Errorf("the record of %q: %w", rec.URL, err)
	}
	if t.parser == nil {
		if t.parser, err = parse.New(parse.Config{Markdown: true}); err != nil {
			return "", err
		}
	}
	doc, err := t.parser.Parse(t.ctx, &crawler.Page{
		URL: u, Status: rec.Status, Header: http.Header{"Content-Type": {rec.ContentType}}, Truncated: rec.Truncated,
		Body: &crawler.Body{Head: body, Size: int64(len(body)), Digest: sha256.Sum256(body)},
	})
	if doc == nil || err != nil {
		return "", err
	}
	return doc.Markdown, nil
}

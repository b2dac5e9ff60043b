package export

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
)

// texts finds the text of pages: in their records, as Markdown or plain text, or by
// parsing the bodies that the crawl kept.
type texts struct {
	ctx    context.Context
	crawl  *Crawl
	parser *parse.Parser // created when needed
}

// of returns the text of a page, or "" if there isn't one.
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

// maxRead is how many bytes of a body are read, at most: more than a page that people
// read ever has.
const maxRead = 32 << 20

// read converts the main content of a kept body to Markdown.
func (t *texts) read(rec crawler.Record) (string, error) {
	in, err := t.crawl.Body(t.ctx, rec.Path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, maxRead))
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
	doc, err := t.parser.Parse(t.ctx, &fetched.Page{
		URL: u, Status: rec.Status, Header: http.Header{"Content-Type": {rec.ContentType}}, Truncated: rec.Truncated,
		Body: &fetched.Body{Head: body, Size: int64(len(body)), Digest: sha256.Sum256(body)},
	})
	if doc == nil || err != nil {
		return "", err
	}
	return doc.Markdown, nil
}

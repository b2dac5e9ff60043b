package export

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/commoncrawl"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
)

// texts finds the text of pages: in their records, as Markdown or plain text, or by
// parsing the bodies that the crawl kept or recorded.
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
	doc, err := t.parse(parse.Config{Markdown: true}, &fetched.Page{
		URL: u, Status: rec.Status, Header: http.Header{"Content-Type": {rec.ContentType}}, Truncated: rec.Truncated,
		Body: &fetched.Body{Head: body, Size: int64(len(body)), Digest: sha256.Sum256(body)},
	})
	if doc == nil || err != nil {
		return "", err
	}
	return doc.Markdown, nil
}

// main returns the main text of a recorded page as plain text, or "" if there isn't one.
func (t *texts) main(a *commoncrawl.Answer) (string, error) {
	if !a.Page() {
		return "", nil
	}
	body, cut := a.Body()
	doc, err := t.parse(parse.Config{Text: true}, &fetched.Page{
		URL: a.URL, Status: a.Capture.Status, Header: a.Header(), Truncated: cut,
		Body: &fetched.Body{Head: body, Size: int64(len(body))},
	})
	if doc == nil || doc.Text == "" || err != nil {
		return "", err
	}
	return strings.TrimSpace(doc.Text) + "\n", nil
}

// parse parses a page. All calls have the same configuration.
func (t *texts) parse(cfg parse.Config, page *fetched.Page) (*fetched.Document, error) {
	if t.parser == nil {
		var err error
		if t.parser, err = parse.New(cfg); err != nil {
			return nil, err
		}
	}
	return t.parser.Parse(t.ctx, page)
}

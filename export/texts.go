package export

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// texts finds the text of pages: in their records, as Markdown or plain, or by
// reading the bodies that the crawl kept.
type texts struct {
	ctx   context.Context
	crawl *Crawl
}

// of returns the text of a page, "" when there is none.
func (t *texts) of(rec crawler.Record) (string, error) {
	switch {
	case rec.Markdown != "":
		return rec.Markdown, nil
	case rec.Text != "":
		return rec.Text, nil
	}
	return "", nil
}

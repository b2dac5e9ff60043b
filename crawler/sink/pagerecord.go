package sink

import (
	"encoding/json"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// Record makes a record of a row: what [PageRowOf] made the row of, but for lists
// of links, of which the row has the number.
func (row *PageRow) Record() (crawler.Record, error) {
	rec := crawler.Record{
		URL: row.URL, FinalURL: row.FinalURL, Redirects: row.Redirects, Status: int(row.Status), Outcome: crawler.Outcome(row.Outcome),
		Error: row.Error, Fault: crawler.FaultKind(row.Fault), FetchedAt: crawler.FormatRecordTime(row.FetchedAt), DurationMS: row.DurationMS,
		ContentType: row.ContentType, Charset: row.Charset, Truncated: row.Truncated, Digest: row.Digest, Title: row.Title,
		Canonical: row.Canonical, DuplicateOf: row.DuplicateOf, Simhash: row.Simhash, NoIndex: row.NoIndex, Depth: int(row.Depth),
		Via: row.Via, Links: int(row.Links), Embeds: int(row.Embeds), Job: row.Job, Worker: row.Worker, Path: row.Path,
		Text: row.Text, Markdown: row.Markdown,
	}
	if rec.Redirects == nil {
		rec.Redirects = []string{}
	}
	if row.Bytes != nil {
		rec.Bytes = *row.Bytes
	}
	if row.Resources != nil {
		rec.Resources = int(*row.Resources)
	}
	for _, object := range []struct {
		text []byte
		into any
	}{{row.Rights, &rec.Rights}, {row.Fields, &rec.Fields}} {
		if len(object.text) == 0 {
			continue
		}
		if err := json.Unmarshal(object.text, object.into); err != nil {
			return rec, fmt.Errorf("the row of %q: %w", row.URL, err)
		}
	}
	return rec, nil
}

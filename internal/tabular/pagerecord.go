package tabular

import (
	"encoding/json"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Record is the reverse of [PageRowOf], except for lists of links, of which a row has
// only the number.
func (row *PageRow) Record() (crawler.Record, error) {
	rec := crawler.Record{
		URL: row.URL, FinalURL: row.FinalURL, Redirects: row.Redirects, Status: int(row.Status),
		Outcome: crawler.Outcome(row.Outcome),
		Error:   row.Error, Fault: row.Fault, FetchedAt: fetched.FormatRecordTime(row.FetchedAt),
		DurationMS:  row.DurationMS,
		ContentType: row.ContentType, Charset: row.Charset, Truncated: row.Truncated, Digest: row.Digest,
		Title:     row.Title,
		Canonical: row.Canonical, DuplicateOf: row.DuplicateOf, Simhash: row.Simhash, NoIndex: row.NoIndex,
		Depth:    int(row.Depth),
		Referrer: row.Via, Links: int(row.Links), Embeds: int(row.Embeds), Job: row.Job, Worker: row.Worker,
		Path: row.Path,
		Text: row.Text, Markdown: row.Markdown, ErrorClass: crawler.ErrorClass(row.ErrorClass), Repaired: row.Repaired,
		Extractor: row.Extractor, TextShare: row.TextShare, Hard: row.Hard,
		Language: row.Language, DeclaredLanguage: row.Declared, CharsetGuessed: row.Guessed,
		MinHash: row.MinHash, NearDuplicateOf: row.NearOf, Fetch: int(row.Fetch),
		Change: crawler.PageChange(row.Change), Checked: row.Checked, MovedTo: row.MovedTo,
		BlockPage: row.BlockPage, Price: row.Price, Charged: row.Charged,
	}
	if len(rec.Repaired) == 0 {
		rec.Repaired = nil
	}
	if len(rec.MinHash) == 0 {
		rec.MinHash = nil
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
	}{
		{row.Rights, &rec.Rights}, {row.Usage, &rec.Usage}, {row.Fields, &rec.Fields}, {row.Texts, &rec.Texts},
		{row.Quality, &rec.Quality}, {row.SameAs, &rec.SameAs}, {row.Rendered, &rec.Rendered},
	} {
		if len(object.text) == 0 {
			continue
		}
		if err := json.Unmarshal(object.text, object.into); err != nil {
			return rec, fmt.Errorf("the row of %q: %w", row.URL, err)
		}
	}
	return rec, nil
}

// EntryRow parses a line of a file whose name ends in ".parquet.open" as the row that the
// table of pages will have.
func EntryRow(line []byte) (PageRow, error) {
	var e struct {
		crawler.Record
		Fields json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return PageRow{}, err
	}
	row, err := PageRowOf(e.Record)
	row.Fields = e.Fields
	return row, err
}

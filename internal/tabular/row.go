package tabular

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// SchemaVersion is in the metadata of each Parquet file, under "trawl.schema". It changes
// when a column is removed or changes its meaning. Adding columns after the others does
// not change it.
const SchemaVersion = "1"

// PageRow is a row of the table of pages: a [crawler.Record]. Optional columns are null
// where the record has no value.
type PageRow struct {
	URL         string          `parquet:"url,delta"`
	Host        string          `parquet:"host,dict"`
	FinalURL    string          `parquet:"final_url,delta"`
	Redirects   []string        `parquet:"redirects,list"`
	Status      int32           `parquet:"status,optional"`
	Outcome     string          `parquet:"outcome,dict"`
	Error       string          `parquet:"error,optional"`
	Fault       string          `parquet:"fault,optional,dict"`
	FetchedAt   time.Time       `parquet:"fetched_at,timestamp(millisecond)"`
	DurationMS  int64           `parquet:"duration_ms"`
	ContentType string          `parquet:"content_type,optional,dict"`
	Charset     string          `parquet:"charset,optional,dict"`
	Bytes       *int64          `parquet:"bytes"` // null without a body
	Truncated   bool            `parquet:"truncated"`
	Digest      string          `parquet:"digest,optional"`
	Title       string          `parquet:"title,optional"`
	Canonical   string          `parquet:"canonical,optional"`
	DuplicateOf string          `parquet:"duplicate_of,optional"`
	Simhash     string          `parquet:"simhash,optional"`
	NoIndex     bool            `parquet:"noindex"`
	Rights      json.RawMessage `parquet:"rights,optional,json"` // the list of the record
	Usage       json.RawMessage `parquet:"usage,optional,json"`  // the object of the record
	Depth       int32           `parquet:"depth"`
	Via         string          `parquet:"via,optional,dict"`
	Links       int64           `parquet:"links"`     // how many
	Resources   *int64          `parquet:"resources"` // how many; null if they were not collected
	Embeds      int32           `parquet:"embeds"`
	Job         string          `parquet:"job,dict"`
	Worker      string          `parquet:"worker,dict"`
	Path        string          `parquet:"path,optional"`
	Fields      json.RawMessage `parquet:"fields,optional,json"` // the object of the record
	Text        string          `parquet:"text,optional"`
	Markdown    string          `parquet:"markdown,optional"`
	ErrorClass  string          `parquet:"error_class,optional,dict"`
	Repaired    []string        `parquet:"repaired,list"`
	Extractor   string          `parquet:"extractor,optional,dict"`
	TextShare   *float64        `parquet:"text_share"` // null if the job does not ask for the text
	Hard        string          `parquet:"hard,optional,dict"`
	Texts       json.RawMessage `parquet:"texts,optional,json"` // the object of the record
	Language    string          `parquet:"language,optional,dict"`
	Declared    string          `parquet:"declared_language,optional,dict"`
	Quality     json.RawMessage `parquet:"quality,optional,json"` // the object of the record
	Guessed     bool            `parquet:"charset_guessed"`
	MinHash     []string        `parquet:"minhash,list"`
	NearOf      string          `parquet:"near_duplicate_of,optional"`
	Fetch       int32           `parquet:"fetch,optional"`
	Change      string          `parquet:"change,optional"`
	Checked     bool            `parquet:"checked"`
	MovedTo     string          `parquet:"moved_to,optional"`
	BlockPage   string          `parquet:"block_page,optional,dict"`
	Price       string          `parquet:"price,optional,dict"`
	Charged     string          `parquet:"charged,optional,dict"`
	SameAs      json.RawMessage `parquet:"same_as,optional,json"`  // the object of the record
	Rendered    json.RawMessage `parquet:"rendered,optional,json"` // the object of the record
}

// ErrorRow is a row of the table of errors: a URL that was not fetched, or whose page
// could not be read properly.
type ErrorRow struct {
	URL       string    `parquet:"url,delta"`
	Host      string    `parquet:"host,dict"`
	FinalURL  string    `parquet:"final_url,delta"`
	Outcome   string    `parquet:"outcome,dict"`
	Status    int32     `parquet:"status,optional"`
	Fault     string    `parquet:"fault,optional,dict"`
	Error     string    `parquet:"error,optional"`
	FetchedAt time.Time `parquet:"fetched_at,timestamp(millisecond)"`
	Depth     int32     `parquet:"depth"`
	Via       string    `parquet:"via,optional,dict"`
	Job       string    `parquet:"job,dict"`
	Worker    string    `parquet:"worker,dict"`
	// ErrorClass is why the URL failed, in one word.
	ErrorClass string `parquet:"error_class,optional,dict"`
}

// LinkRow is a row of the table of links: a [fetched.LinkRecord].
type LinkRow struct {
	From      string    `parquet:"from,dict"`
	To        string    `parquet:"to,dict"`
	Text      string    `parquet:"text,optional"`
	Rel       string    `parquet:"rel,optional,dict"`
	NoFollow  bool      `parquet:"nofollow"`
	Kind      string    `parquet:"kind,dict"`
	FetchedAt time.Time `parquet:"fetched_at,timestamp(millisecond)"`
}

// PageRowOf makes a row of a record, whether the record was just made or parsed from
// JSON. The error says what is not valid in a record.
func PageRowOf(rec crawler.Record) (PageRow, error) {
	at, err := RecordTime(rec.URL, rec.FetchedAt)
	if err != nil {
		return PageRow{}, err
	}
	row := PageRow{
		URL: rec.URL, Host: hostOf(rec.URL), FinalURL: rec.FinalURL, Redirects: rec.Redirects,
		Status: int32(rec.Status), Outcome: string(rec.Outcome), Error: rec.Error, Fault: rec.Fault,
		FetchedAt: at, DurationMS: rec.DurationMS, ContentType: rec.ContentType, Charset: rec.Charset,
		Truncated: rec.Truncated, Digest: rec.Digest, Title: rec.Title, Canonical: rec.Canonical,
		DuplicateOf: rec.DuplicateOf, Simhash: rec.Simhash, NoIndex: rec.NoIndex, Depth: int32(rec.Depth),
		Via: rec.Referrer, Embeds: int32(rec.Embeds), Job: rec.Job, Worker: rec.Worker, Path: rec.Path,
		Text: rec.Text, Markdown: rec.Markdown, ErrorClass: string(rec.ErrorClass), Repaired: rec.Repaired,
		Extractor: rec.Extractor, TextShare: rec.TextShare, Hard: rec.Hard,
		Language: rec.Language, Declared: rec.DeclaredLanguage, Guessed: rec.CharsetGuessed,
		MinHash: rec.MinHash, NearOf: rec.NearDuplicateOf, Fetch: int32(rec.Fetch),
		Change: string(rec.Change), Checked: rec.Checked, MovedTo: rec.MovedTo,
		BlockPage: rec.BlockPage, Price: rec.Price, Charged: rec.Charged,
	}
	if rec.Digest != "" {
		row.Bytes = &rec.Bytes
	}
	if n, ok := count(rec.Links); ok {
		row.Links = n
	}
	if n, ok := count(rec.Resources); ok {
		row.Resources = &n
	}
	if rec.Rights != nil {
		row.Rights, err = json.Marshal(rec.Rights)
	}
	if err == nil && rec.Usage != nil {
		row.Usage, err = json.Marshal(rec.Usage)
	}
	if err == nil && rec.Quality != nil {
		row.Quality, err = json.Marshal(rec.Quality)
	}
	if err == nil && rec.SameAs != nil {
		row.SameAs, err = json.Marshal(rec.SameAs)
	}
	if err == nil && rec.Rendered != nil {
		row.Rendered, err = json.Marshal(rec.Rendered)
	}
	if err == nil && rec.Texts != nil {
		row.Texts, err = json.Marshal(rec.Texts)
	}
	if err == nil && rec.Fields != nil {
		row.Fields, err = json.Marshal(rec.Fields)
	}
	if err != nil {
		return PageRow{}, fmt.Errorf("the record of %q: %w", rec.URL, err)
	}
	return row, nil
}

// ErrorRowOf makes a row of a record. ok is false for a record without an error.
func ErrorRowOf(rec crawler.Record) (row ErrorRow, ok bool, err error) {
	switch rec.Outcome {
	case crawler.OutcomeFetched, crawler.OutcomeNotModified, crawler.OutcomeRedirected:
		if rec.Error == "" {
			return ErrorRow{}, false, nil
		}
	}
	at, err := RecordTime(rec.URL, rec.FetchedAt)
	return ErrorRow{
		URL: rec.URL, Host: hostOf(rec.URL), FinalURL: rec.FinalURL, Outcome: string(rec.Outcome),
		Status: int32(rec.Status),
		Fault:  rec.Fault, Error: rec.Error, FetchedAt: at, Depth: int32(rec.Depth), Via: rec.Referrer,
		Job: rec.Job, Worker: rec.Worker,
		ErrorClass: string(rec.ErrorClass),
	}, true, err
}

// LinkRowOf makes a row of a record.
func LinkRowOf(rec fetched.LinkRecord) (LinkRow, error) {
	at, err := RecordTime(rec.From, rec.FetchedAt)
	return LinkRow{
		From: rec.From, To: rec.To, Text: rec.Text, Rel: rec.Rel, NoFollow: rec.NoFollow, Kind: string(rec.Kind),
		FetchedAt: at,
	}, err
}

// RecordTime parses a time of a record. The error names the URL of the record.
func RecordTime(url, s string) (time.Time, error) {
	at, err := fetched.ParseRecordTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("the record of %q: fetched_at: %q is not a time (RFC 3339)", url, s)
	}
	return at.UTC(), nil
}

// hostOf returns the host of a URL, or "" if it is not a URL.
func hostOf(url string) string {
	u, err := crawler.ParseURL(url)
	if err != nil {
		return ""
	}
	return string(u.Host())
}

// count returns the number of links in a value that counts or lists them, made by this
// process or parsed from JSON.
func count(links any) (n int64, ok bool) {
	switch links := links.(type) {
	case int:
		return int64(links), true
	case float64:
		return int64(links), true
	case []string:
		return int64(len(links)), true
	case []any:
		return int64(len(links)), true
	}
	return 0, false
}

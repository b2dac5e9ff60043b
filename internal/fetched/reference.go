package fetched

import (
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Reference is one link as it appears in a page. A page may refer to the same URL many
// times, with different text each time.
type Reference struct {
	URL      crawler.URL
	Text     string // text of the link, white space collapsed; "" for none
	Rel      string // link types that the page names, in lower case, separated by spaces
	NoFollow bool   // nofollow is among them
	Kind     ReferenceKind
}

// ReferenceKind is the kind of element that makes a reference.
type ReferenceKind string

// The kinds of references.
const (
	ReferenceAnchor ReferenceKind = "a"     // <a href>
	ReferenceArea   ReferenceKind = "area"  // <area href>, a part of an image map
	ReferenceFrame  ReferenceKind = "frame" // <frame src> and <iframe src>
	// <link href>: the next page of a series, or, with resources, another form of the page.
	ReferenceLink     ReferenceKind = "link"
	ReferenceRefresh  ReferenceKind = "refresh"  // <meta http-equiv=refresh>
	ReferenceHeader   ReferenceKind = "header"   // a Link header (RFC 8288)
	ReferenceSitemap  ReferenceKind = "sitemap"  // a sitemap or a feed lists it
	ReferenceResource ReferenceKind = "resource" // the page embeds it: an image, a style sheet, a script
)

// LinkRecord is the JSON form of a Reference: an edge of the link graph, one line of JSONL.
type LinkRecord struct {
	From      string        `json:"from"` // final_url of the page that has the link
	To        string        `json:"to"`
	Text      string        `json:"text"`
	Rel       string        `json:"rel"`
	NoFollow  bool          `json:"nofollow"`
	Kind      ReferenceKind `json:"kind"`
	FetchedAt string        `json:"fetched_at"` // when the page was fetched; RFC 3339, milliseconds, UTC
}

// LinkRecords lists what the page refers to: its references, if they were requested, the
// pages that a sitemap lists, and the page's resources, if they were requested.
func (r *Result) LinkRecords() []LinkRecord {
	d := r.Document
	if d == nil || r.Page == nil {
		return nil
	}
	var all []LinkRecord
	at := r.Page.Started.UTC().Format(recordTime)
	from := r.Entry.URL
	if n := len(r.Redirects); n > 0 {
		from = r.Redirects[n-1]
	}
	for _, ref := range d.References {
		all = append(all, LinkRecord{from.String(), ref.URL.String(), ref.Text, ref.Rel, ref.NoFollow, ref.Kind, at})
	}
	if d.Sitemap {
		for _, l := range d.Links {
			all = append(all, LinkRecord{From: from.String(), To: l.URL.String(), Kind: ReferenceSitemap,
				FetchedAt: at})
		}
	}
	for _, u := range d.Resources {
		all = append(all, LinkRecord{From: from.String(), To: u.String(), Kind: ReferenceResource, FetchedAt: at})
	}
	return all
}

// FormatRecordTime formats a time as records have it.
func FormatRecordTime(t time.Time) string { return t.UTC().Format(recordTime) }

// ParseRecordTime parses the time of a record.
func ParseRecordTime(s string) (time.Time, error) { return time.Parse(recordTime, s) }

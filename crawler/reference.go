package crawler

import "time"

// Reference is one link as it stands in a page. A page may refer to one URL
// many times, with other words each time.
type Reference struct {
	URL      URL
	Text     string // what the page writes on the link, white space collapsed; "" for none
	Rel      string // the link types that the page names, in lower case, with a space between
	NoFollow bool   // nofollow is among them
	Kind     ReferenceKind
}

// ReferenceKind names what refers.
type ReferenceKind string

// The kinds of references.
const (
	ReferenceAnchor   ReferenceKind = "a"        // <a href>
	ReferenceArea     ReferenceKind = "area"     // <area href>, a part of an image map
	ReferenceFrame    ReferenceKind = "frame"    // <frame src> and <iframe src>
	ReferenceLink     ReferenceKind = "link"     // <link href>: the next page of a series, or, with resources, another form of the page
	ReferenceRefresh  ReferenceKind = "refresh"  // <meta http-equiv=refresh>
	ReferenceHeader   ReferenceKind = "header"   // a Link header (RFC 8288)
	ReferenceSitemap  ReferenceKind = "sitemap"  // a sitemap or a feed lists it
	ReferenceResource ReferenceKind = "resource" // the page embeds it: an image, a style sheet, a script
)

// LinkRecord is the JSON form of a Reference: an edge of the link graph, one
// line of JSONL.
type LinkRecord struct {
	From      string        `json:"from"` // the page that has the link: its final_url
	To        string        `json:"to"`
	Text      string        `json:"text"`
	Rel       string        `json:"rel"`
	NoFollow  bool          `json:"nofollow"`
	Kind      ReferenceKind `json:"kind"`
	FetchedAt string        `json:"fetched_at"` // when the page was; RFC 3339, milliseconds, UTC
}

// LinkRecords lists what the page refers to: its references, where they were
// asked for, the pages that a sitemap lists, and the resources, where the page's
// were asked for.
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
			all = append(all, LinkRecord{From: from.String(), To: l.URL.String(), Kind: ReferenceSitemap, FetchedAt: at})
		}
	}
	for _, u := range d.Resources {
		all = append(all, LinkRecord{From: from.String(), To: u.String(), Kind: ReferenceResource, FetchedAt: at})
	}
	return all
}

// FormatRecordTime writes a time as records have it.
func FormatRecordTime(t time.Time) string { return t.UTC().Format(recordTime) }

// ParseRecordTime reads the time of a record.
func ParseRecordTime(s string) (time.Time, error) { return time.Parse(recordTime, s) }

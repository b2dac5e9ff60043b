// Package tail describes the recent pages of a job that its workers show to people who watch
// it. A [Row] is one URL with its outcome, a [Batch] is what one worker reports at a time, and an
// [Excerpt] is what a reader gets. Workers report only while someone watches, and only a
// bounded sample of their pages.
package tail

import (
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Watch says which pages of a job someone watches. The zero value says that no one does.
type Watch struct {
	All   bool           // a sample of all
	Hosts []crawler.Host // all pages of these
}

// How much a worker reports. With one batch every half second, a worker reports at most
// twenty pages a second.
const (
	BatchRows  = 10                     // pages in a batch
	BatchEvery = 400 * time.Millisecond // the shortest time between two batches of a job
	MaxText    = 300                    // bytes of a reason
	MaxURL     = 1000                   // bytes of a URL
)

// HostRows is how many recent pages of a host are kept while someone watches it.
const HostRows = 20

// Row is a URL that a visit has settled, or returned to its queue to be tried again.
type Row struct {
	At      time.Time       `json:"at"` // when it was requested or, without a request, decided
	URL     string          `json:"url"`
	Host    crawler.Host    `json:"host"`
	Outcome crawler.Outcome `json:"outcome"`
	Status  int             `json:"status"` // of the last response; 0 for none
	// Class and Reason say why it failed; both are "" if it did not.
	Class       crawler.ErrorClass `json:"error_class,omitempty"`
	Reason      string             `json:"reason,omitempty"`
	ContentType string             `json:"content_type,omitempty"`
	Bytes       int64              `json:"bytes"`       // of the body
	DurationMS  int64              `json:"duration_ms"` // of the last request
	Depth       int                `json:"depth"`
	Worker      string             `json:"worker"`
}

// Batch is what one worker reports about a job at a time.
type Batch struct {
	Rows    []Row `json:"rows"`
	LeftOut int   `json:"left_out,omitempty"` // pages that were settled meanwhile and are not among Rows
}

// Excerpt is what the workers of a job have reported since a position.
type Excerpt struct {
	Rows    []Row // the oldest first
	LeftOut int   // pages that are missing because the workers report only a sample
	Next    int64 // the position after them
}

// Filter says which rows someone wants to see. The zero value admits all.
type Filter struct {
	Outcomes []crawler.Outcome // one of these; all if empty
	Host     string            // a part of the host, in lower case
	Text     string            // a part of the URL or the reason, in any case
}

// Admits reports whether someone wants to see the row.
func (f Filter) Admits(r Row) bool {
	text := strings.ToLower(f.Text)
	return (len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, r.Outcome)) &&
		strings.Contains(string(r.Host), strings.ToLower(f.Host)) &&
		(text == "" || strings.Contains(strings.ToLower(r.URL), text) ||
			strings.Contains(strings.ToLower(r.Reason), text))
}

// Pick returns the rows that the filter admits, in their order.
func (f Filter) Pick(rows []Row) (picked []Row) {
	for _, r := range rows {
		if f.Admits(r) {
			picked = append(picked, r)
		}
	}
	return picked
}

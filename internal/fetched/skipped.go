package fetched

import (
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// FormatSkipped is the format that lists what is skipped.
const FormatSkipped = "skipped"

// SkippedRecord is the JSON form of a Skipped: one line of JSONL.
type SkippedRecord struct {
	URL      string     `json:"url"`
	Referrer string     `json:"via"`
	Depth    int        `json:"depth"`
	Rule     queue.Rule `json:"rule"`
	Reason   string     `json:"reason"`
	At       string     `json:"at"` // RFC 3339, milliseconds, UTC
	Job      string     `json:"job"`
	Worker   string     `json:"worker"`
}

// SkippedRecords returns the skipped URLs that the page led to, including that of the
// result itself if it was skipped.
func (r *Result) SkippedRecords() []SkippedRecord {
	all := make([]SkippedRecord, len(r.Skipped))
	for i, s := range r.Skipped {
		all[i] = SkippedRecord{
			URL: s.URL.String(), Referrer: s.Referrer.String(), Depth: s.Depth, Rule: s.Rule,
			Reason: plain.Printable(s.Reason),
			At:     r.FetchedAt(), Job: r.Job, Worker: r.Worker,
		}
	}
	return all
}
